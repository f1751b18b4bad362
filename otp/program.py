"""`main`: a system as a whole program, from start to exit status.

The only code, together with the command line, that configures log sinks and signal handlers: a program has one of each,
a library none.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, overload

from loguru import logger

from otp.logs.writer import LogWriter
from otp.system import System
from otp.tree.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

    from otp.child import HasRef, Server, Server1
    from otp.logs.writer import Form
    from otp.mail.ref import Ref

__all__ = ["logging_to_stderr", "main", "run_system"]

A = TypeVar("A")
Args = TypeVarTuple("Args")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_BYTES: Final = 64
"""As many rings of the bell are heard at once."""
_LOGURUS_OWN: Final = 0
"""The number of the sink that loguru begins with."""
_FLUSH: Final = 1.0
"""Seconds that the end of the program waits for standard error, which may be a terminal that has been halted."""


@overload
def main(root: type[Server[*Args]], /, *args: *Args) -> int: ...
@overload
def main(root: type[Server1[A]], arg: A, /) -> int: ...
@overload
def main(root: HasRef[Ref], /) -> int: ...
@overload
def main(root: Callable[[*Args], object], /, *args: *Args) -> int: ...
def main(root: Any, /, *args: Any) -> int:  # type: ignore[misc]
    """Run `root` as the top of a tree until it is done, or until SIGINT or SIGTERM; then stop the tree in order.

    A second signal stops it at once. Logs go to standard error.

    Returns:
        The exit status, which is 0, or 1 if something did not stop or the root gave up.
    """
    system = System(root, *args)
    with logging_to_stderr(system):
        return run_system(system)


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
        if on_main_thread:
            _await_stop(system)
        gave_up = _gave_up(system)
        report = system.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for dn in report.unstopped:
        _say(f"{dn} did not stop")
    return 1 if report.unstopped or gave_up else 0


def _await_stop(system: System) -> None:
    """Wait on the main thread until `system` has stopped, and hear every signal.

    Python handles a signal between two of its instructions. One that arrives in the instant in which `join` begins to wait
    for a lock would be handled when that wait is over; so this waits for a socket, which Python itself writes to the moment
    a signal arrives.
    """
    here, there = socket.socketpair()
    with here, there:
        there.setblocking(False)  # noqa: FBT003 - as it is declared
        before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
        try:
            stopped = system.when_stopped()
            stopped.add_done_callback(lambda _: _ring(there))
            while not stopped.done():
                here.recv(_BYTES)
        finally:
            signal.set_wakeup_fd(before)


def _ring(bell: socket.socket) -> None:
    with suppress(OSError):  # it is full of rings, or closed
        bell.send(b"!")


def _gave_up(system: System) -> bool:
    try:
        system.join()
    except Exception as error:  # noqa: BLE001 - whatever ended the root; it is logged where it was raised
        _say(f"the root gave up: {render(error)[0]}")
        return True
    return False


def _say(text: str) -> None:
    sys.stderr.write(f"otp: {text}\n")


@contextmanager
def logging_to_stderr(system: System, form: Form = "people") -> Generator[None]:
    """Write the log tree of `system` to standard error while it runs, and what is left when it has ended.

    Loguru's own sink on standard error, if there is one, is taken out: everything would be there twice.
    """
    with suppress(ValueError):
        logger.remove(_LOGURUS_OWN)
    writer = LogWriter(system.logs, sys.stderr, form=form)
    writer.start()
    try:
        yield
    finally:
        writer.close(_FLUSH)
        if writer.unread:
            _discard_stderr()


def _discard_stderr() -> None:
    """Have what is left in its buffer go nowhere: Python writes it at the end of the program, and if it cannot, exits with 120."""
    with suppress(OSError, ValueError):  # there may be no file behind it
        there = sys.stderr.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, there)
        os.close(nowhere)
