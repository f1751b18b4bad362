"""From `MODULE:ROOT` on the command line to something that can be run, or to one line that says why not."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from otp.behaviours.gen_server import GenServer
from otp.child import supervision_of
from otp.tree.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType

__all__ = ["TargetError", "resolve"]


class TargetError(Exception):
    """What the user has named cannot be run; the message is one line and says why."""


def resolve(target: str, args: tuple[str, ...]) -> Callable[..., object]:
    """The runnable that `target` names; it can be called with `args`.

    Raises:
        TargetError: there is none.
    """
    module_name, _, root_name = target.partition(":")
    if not module_name or not root_name:
        msg = f"{target!r} names no runnable; write MODULE:ROOT, as in examples.quickstart:root"
        raise TargetError(msg)
    root: object = _imported(module_name)
    for name in root_name.split("."):
        try:
            root = getattr(root, name)
        except AttributeError:
            msg = f"{module_name} has no {root_name!r}"
            raise TargetError(msg) from None
    supervises = supervision_of(root) is not None
    if not callable(root) and not supervises:
        msg = f"{target} is no runnable: it is not callable, but of type {type(root).__name__}"
        raise TargetError(msg)
    _check_arguments(target, _nothing if supervises else _called(root), args)
    return cast("Callable[..., object]", root)


def _imported(name: str) -> ModuleType:
    here = str(Path.cwd())
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)  # as `python -m` does; an installed script has its own directory there
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a module may raise anything while it is imported, `SystemExit` too
        place = _place(error.__traceback__)
        if place is None and isinstance(error, ModuleNotFoundError):
            msg = f"there is no module {name!r} here ({here}) or among what is installed"
        else:
            msg = f"{name} cannot be imported: {render(error)[0]}{place or ''}"
        raise TargetError(msg) from None


def _place(traceback: TracebackType | None) -> str | None:
    """Where in the module's own code, or in what that imports, it went wrong; `None`: none of it has run."""
    place = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file not in (__file__, importlib.__file__) and not file.startswith("<frozen importlib"):
            place = f" ({file}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return place


def _called(root: Any) -> Callable[..., object]:  # noqa: ANN401 - what the user has named
    """What is called with the arguments: of a server its `init`."""
    if isinstance(root, type) and issubclass(root, GenServer):
        return functools.partial(cast("Callable[..., object]", root.init), None)
    return cast("Callable[..., object]", root)


def _nothing() -> None:
    """Supervisors take no arguments."""


def _check_arguments(target: str, root: Callable[..., object], args: tuple[str, ...]) -> None:
    try:
        signature = inspect.signature(root)
    except (TypeError, ValueError):
        return  # a callable in C may not tell
    try:
        signature.bind(*args)
    except TypeError as error:
        msg = f"{target} cannot be run with {len(args)} argument{'' if len(args) == 1 else 's'}: {error}"
        raise TargetError(msg) from None
