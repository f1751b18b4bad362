"""The `otp` command: what it is asked to do is found here, one room to a command.

    target.py   from `MODULE:ROOT` on the command line to something that can be run
    run.py      `otp run`: a tree as a program
    watch.py    what `otp run` shows, and when
    show.py     a snapshot as text

Errors of the user's are one line on standard error and exit status 2.
"""

from __future__ import annotations

from typing import Annotated

import typer

from otp.cli.run import run_and_show
from otp.cli.target import TargetError, resolve

__all__ = ["main"]

_app = typer.Typer(
    name="otp",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_USAGE = 2
"""The exit status of a command that was not given what it needs; the shell's own for that."""


@_app.callback()
def _otp() -> None:
    """Supervision trees for Python services."""


# What stands behind the target is the program's own, options too.
@_app.command(name="run", context_settings={"allow_interspersed_args": False})
def _run(
    target: Annotated[str, typer.Argument(metavar="MODULE:ROOT", show_default=False, help="What to run as the root.")],
    args: Annotated[list[str] | None, typer.Argument(show_default=False, help="Its arguments, as strings.")] = None,
    *,
    json: Annotated[
        bool, typer.Option("--json", help="Write the log as JSON, an object a line, and nothing else.")
    ] = False,
) -> None:
    """Run ROOT of MODULE as the top of a tree, until it is done, or until SIGINT or SIGTERM.

    MODULE is looked for in the current directory first. The tree is shown on standard error, with the log, when it has
    changed and come to rest. A signal stops it in order, a second one at once.
    """
    try:
        root = resolve(target, tuple(args or ()))
    except TargetError as error:
        typer.echo(f"otp: {error}", err=True)
        raise typer.Exit(_USAGE) from None
    raise typer.Exit(run_and_show(root, tuple(args or ()), "json" if json else "people"))


def main() -> None:
    """Run the command that the arguments of this process name, and exit with its status."""
    _app()
