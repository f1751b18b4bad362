"""One run of a program: spawned in a session of its own, read until it has ended, and nothing of it left behind.

    runnable's thread   spawn -> attend: select on its output and on a pipe ... -> kill the group, drain, reap
    a second thread     waits for the end of the program --wakes by the pipe--^      a cancel wakes in the same way

`otp.runnables.command` is the only caller.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from otp.logs.raw import RawLogger
    from otp.tree.incarnation import Incarnation

__all__ = ["Program"]

_CHUNK: Final = 65_536
"""Bytes read at once, and what a pipe holds at the most, unless somebody has widened it."""
_DRAIN: Final = 1.0
"""Seconds that output is waited for after the end of the program and its group. Only a descendant that has left the
group can hold the pipe for longer."""


class Program:
    """A program that runs, from its spawn until it has been reaped; use it in a `with` statement."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None, cwd: str | os.PathLike[str] | None
    ) -> None:
        """Spawn it.

        Raises:
            OSError: there is no such program or directory, or the machine has no room for it.
        """
        self._process = subprocess.Popen(  # noqa: S603 - to run a program is what is asked for, and there is no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if env is None else {**os.environ, **env},
            cwd=cwd,
            start_new_session=True,
            bufsize=0,
        )
        self.pid = self._process.pid
        """Of the program, and the number of its process group."""
        self._output = cast("IO[bytes]", self._process.stdout)  # it was asked for
        self._is_heard = True
        """Whether somebody still holds the other end of its output."""
        self._has_ended = False
        self._status: int | None = None
        self._reaping = threading.Lock()
        self._reaped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._signal_group(signal.SIGKILL)
        with self._reaping:
            self._reaped = True  # from now on the number may be somebody else's
        self._process.wait()
        self._output.close()

    def send_signal(self, number: int) -> bool:
        """Send a signal to the program alone; whether it still ran. From any thread."""
        with self._reaping:
            if self._reaped or self._has_ended:
                return False
            # Not `Popen.send_signal`: that reaps a program that has just ended, and its status would be lost to `_wait`.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
                return True
            return False

    def attend(self, incarnation: Incarnation, output: RawLogger, *, stop_signal: int, grace: float) -> int | None:
        """Write what it says to `output` until it has ended; when the incarnation is canceled, have it end.

        Returns:
            The exit status; negative for the signal that ended it; `None`: nobody knows, because the system has thrown
            it away, or another thread has waited for all child processes.
        """
        with _Waker() as waker, selectors.DefaultSelector() as selector, incarnation.waked_by(waker):
            name = f"{incarnation.dn}: waits for its program"
            threading.Thread(target=self._wait, args=(waker,), name=name, daemon=True).start()
            reader = _Reader(selector, waker, self._output, output)
            self._read_until_end(reader, incarnation, stop_signal, grace)
            self._signal_group(signal.SIGKILL)
            reader.drain()
            self._is_heard = reader.is_open
        return self._status

    @property
    def is_heard(self) -> bool:
        """Whether, after its end, a descendant that has left its session still holds its output."""
        return self._is_heard

    def _read_until_end(self, reader: _Reader, incarnation: Incarnation, stop_signal: int, grace: float) -> None:
        """Read output until the program has ended; after a cancel, until nobody of its group writes to it any more.

        A shell that is asked to end does so at once, and what it has started needs the grace all the same. The group
        cannot be asked whether it has members: the program itself, which is not reaped yet, is one.
        """
        kill_at: float | None = None
        while not self._has_ended or (kill_at is not None and reader.is_open):
            if kill_at is None and incarnation.is_canceled:
                self._signal_group(stop_signal)
                kill_at = time.monotonic() + grace
            left = None if kill_at is None else kill_at - time.monotonic()
            if left is not None and left <= 0:
                self._signal_group(signal.SIGKILL)
                if self._has_ended:
                    return
                left = None
            reader.read(left)

    def _wait(self, waker: _Waker) -> None:
        with suppress(ChildProcessError):  # the status stays unknown
            # Not reaped yet, so that its number, and that of its group, are nobody else's when the group is killed.
            result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            if result is not None:
                self._status = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        self._has_ended = True
        waker.release()

    def _signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, or all have become another user's
            os.killpg(self.pid, number)


class _Waker:
    """A pipe to end a `select` with; `release` makes it a waker of the incarnation.

    The lock keeps a late wake from a descriptor that is somebody else's by then; nothing under it ever blocks.
    """

    def __init__(self) -> None:
        self.descriptor, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._lock = threading.Lock()
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._lock:
            self._open = False
            os.close(self.descriptor)
            os.close(self._write)

    def release(self) -> None:
        """Wake the selecting thread; never blocks."""
        with self._lock, suppress(BlockingIOError):  # it is full of wakes
            if self._open:
                os.write(self._write, b"w")


class _Reader:
    """Passes the output of a program on, as it comes."""

    def __init__(self, selector: selectors.BaseSelector, waker: _Waker, pipe: IO[bytes], output: RawLogger) -> None:
        self.is_open = True
        """Whether there may be more."""
        self._selector = selector
        self._waker = waker.descriptor
        self._pipe = pipe.fileno()
        self._output = output
        selector.register(self._waker, selectors.EVENT_READ)
        selector.register(self._pipe, selectors.EVENT_READ)

    def read(self, timeout: float | None) -> int:
        """Wait for output or a wake, and write what there is; how many bytes that was."""
        size = 0
        for key, _ in self._selector.select(timeout):
            chunk = os.read(key.fd, _CHUNK)
            if key.fd == self._waker:
                continue
            if not chunk:
                self._selector.unregister(self._pipe)
                self.is_open = False
            self._output.write(chunk)
            size += len(chunk)
        return size

    def drain(self) -> None:
        """Read what is left when all who have written it are gone.

        That fits into the pipe, and is read however long it takes to log it. More of it, or waiting for its end, is owed to
        nobody but a descendant that has left the group.
        """
        until = time.monotonic() + _DRAIN
        owed = _CHUNK + 1  # with the end behind it
        while self.is_open:
            left = until - time.monotonic()
            size = self.read(max(left, 0.0))
            owed -= size
            if left <= 0 and (size == 0 or owed <= 0):
                return
