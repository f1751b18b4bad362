"""`main`: a system as a whole program, from start to exit status.

The only code, together with the command line, that configures log sinks and signal handlers: a program has one of each,
a library none.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, TypeVarTuple

from loguru import logger

from otp.system import System
from otp.tree.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from loguru import Record

__all__ = ["configure_log", "main", "run_system"]

Args = TypeVarTuple("Args")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def main(root: Callable[[*Args], object], /, *args: *Args) -> int:
    """Run `root` as the top of a tree until it is done, or until SIGINT or SIGTERM; then stop the tree in order.

    A second signal stops it at once. Logs go to standard error.

    Returns:
        The exit status: 0, or 1 if something did not stop or the root gave up.
    """
    configure_log()
    return run_system(System(root, *args))


def run_system(system: System) -> int:
    """Start `system`, and run it until it has stopped by itself or by a signal; the exit status.

    0, or 1 if something did not stop, or if the root gave up. Says so on standard error.

    Signals are handled only on the main thread: Python delivers them nowhere else.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    asked = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        system.request_stop(now=asked)
        asked = True

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS} if on_main_thread else {}
    try:
        system.start()
        gave_up = _gave_up(system)
        report = system.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for dn in report.unstopped:
        _say(f"{dn} did not stop")
    return 1 if report.unstopped or gave_up else 0


def _gave_up(system: System) -> bool:
    try:
        system.join()
    except Exception as error:  # noqa: BLE001 - whatever ended the root; it is logged where it was raised
        _say(f"the root gave up: {render(error)[0]}")
        return True
    return False


def _say(text: str) -> None:
    sys.stderr.write(f"otp: {text}\n")


def configure_log() -> None:
    """One sink on standard error: a line per record with the node it belongs to."""
    logger.remove()
    logger.add(sys.stderr, format=_format, diagnose=False)


def _format(record: Record) -> str:
    """Time, level, place, message. The place is the DN of the node, or the module of what belongs to none."""
    dn = record["extra"].get("dn")
    if dn is None:
        place = "<cyan>{name}</cyan> "
    elif record["message"].startswith(f"{dn} "):  # what happens to a node says itself to which
        place = ""
    else:
        place = "<cyan>{extra[dn]}</cyan> "
    return f"<green>{{time:HH:mm:ss.SSS}}</green> <level>{{level: <8}}</level> {place}{{message}}\n{{exception}}"
