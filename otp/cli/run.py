"""`otp run`: a tree as a program, shown on standard error while it runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from otp.cli.watch import watch
from otp.program import configure_log, run_system
from otp.system import System

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run_and_show"]

_FLUSH: Final = 1.0
"""Seconds that the end waits for what is still to be shown; a terminal may have been halted."""


def run_and_show(root: Callable[..., object], args: tuple[str, ...]) -> int:
    """Run `root` until it is done or a signal comes; the exit status."""
    configure_log()
    system = System(root, *args)
    events = system.events()
    watcher = threading.Thread(target=watch, args=(system, events), name="otp: show", daemon=True)
    watcher.start()
    try:
        return run_system(system)
    finally:
        events.end()  # if the system could not be started, nobody else does it
        watcher.join(_FLUSH)
