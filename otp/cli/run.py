"""`otp run`: a tree as a program, shown on standard error while it runs."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from otp.cli.watch import watch
from otp.program import logging_to_stderr, run_system
from otp.system import System

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from otp.logs.writer import Form

__all__ = ["run_and_show"]

_FLUSH: Final = 1.0
"""Seconds that the end waits for what is still to be shown; a terminal may have been halted."""


def run_and_show(root: Callable[..., object], args: tuple[str, ...], form: Form = "people") -> int:
    """Run `root` until it is done or a signal comes; the exit status.

    The log is written in the `form` asked for; the picture of the tree is for people only.
    """
    system = System(root, *args)
    with logging_to_stderr(system, form), _shown(system) if form == "people" else nullcontext():
        return run_system(system)


@contextmanager
def _shown(system: System) -> Generator[None]:
    events = system.events()
    watcher = threading.Thread(target=watch, args=(system, events), name="otp: show", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        events.end()  # if the system could not be started, nobody else does it
        watcher.join(_FLUSH)
