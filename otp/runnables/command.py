"""`command`: a program of the system's as a node.

The runnable's thread selects on the program's output and on a pipe that wakes it. A cancel wakes it, and so does a second
thread, which waits for the end of the program.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

from otp.child import Defaults
from otp.errors import OtpError
from otp.facade import logger, raw_logger
from otp.facade import signal as tell
from otp.tree.decision.messages import Signal
from otp.tree.incarnation import here

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from otp.logs.raw import RawLogger
    from otp.tree.incarnation import Incarnation

__all__ = ["Command", "CommandError", "command"]

_CHUNK: Final = 65_536
"""Bytes read at once: what a pipe holds on Linux."""
_DRAIN: Final = 1.0
"""Seconds that output is waited for after the end of the program and its group. Only a descendant that has left the
group can hold the pipe for longer."""
_RESET_AFTER: Final = 5.0
"""Seconds that a program must have run for its next death to count as the first: it is healthy when it has been spawned,
so a program that fails at once would otherwise never back off."""
_MARGIN: Final = 5.0
"""Seconds from the kill until the node is stuck."""


class CommandError(OtpError, RuntimeError):
    """The program ended, and not because it was canceled: the death of its node."""

    def __init__(self, message: str, status: int) -> None:
        """With the exit status; negative: the number of the signal that ended it."""
        super().__init__(message)
        self.status = status


def command(
    *argv: str | os.PathLike[str],
    stop_signal: int = signal.SIGTERM,
    grace: float = 5.0,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Command:
    """A runnable that runs the program `argv` for as long as it is not canceled.

    The program gets a session, and so a process group, of its own; Ctrl-C in the terminal does not reach it. Each line of
    its output, standard error too, is a record of the node. The node is HEALTHY when the program has been spawned. Any
    end of it is a death, unless it was canceled, or exited with status 0 as a TRANSIENT or TEMPORARY child. When canceled
    it is sent `stop_signal`, with its whole group, and killed after `grace`; what it leaves behind in its group is killed.

    Args:
        argv: the program and its arguments; no shell is involved.
        stop_signal: what asks it to end.
        grace: seconds from that to SIGKILL.
        env: variables that extend, or replace, those of this process.
        cwd: the directory to run it in.

    Raises:
        TypeError: `argv` is empty, or not text.
        ValueError: `grace` is negative, or there is no signal `stop_signal`.
    """
    if not argv or not all(isinstance(part, (str, os.PathLike)) for part in argv):
        msg = "command() takes a program and its arguments, as str or PathLike"
        raise TypeError(msg)
    if not grace >= 0:
        msg = f"command(grace={grace!r}) must not be negative"
        raise ValueError(msg)
    return Command(
        argv=tuple(os.fspath(part) for part in argv),
        stop_signal=signal.Signals(stop_signal),
        grace=grace,
        env=None if env is None else dict(env),
        cwd=cwd,
    )


class Command:
    """What `command` returns: a runnable. Its programs can be sent signals."""

    def __init__(
        self,
        *,
        argv: tuple[str, ...],
        stop_signal: signal.Signals,
        grace: float,
        env: dict[str, str] | None,
        cwd: str | os.PathLike[str] | None,
    ) -> None:
        """Use `command`."""
        self.argv = argv
        self._stop_signal = stop_signal
        self._grace = grace
        self._env = env
        self._cwd = cwd
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.otp_defaults = Defaults(shutdown=grace + _MARGIN, reset_after=_RESET_AFTER)

    def __repr__(self) -> str:
        return f"<Command {' '.join(self.argv)}>"

    def __call__(self) -> None:
        """Run the program; for the tree to call."""
        incarnation = here()
        with _Waker() as waker, raw_logger() as output, self._spawned() as process:
            tell(Signal.HEALTHY)
            program = _Program(process, output, waker, incarnation)
            status = program.run(self._stop_signal, self._grace)
        if incarnation.is_canceled:
            return
        if status != 0:
            raise CommandError(self._describe(status), status)
        logger().info("{}", self._describe(status))

    def send_signal(self, number: int) -> bool:
        """Send a signal to the program; whether there was one to send it to."""
        with self._lock:
            for process in self._running.values():
                process.send_signal(number)
            return bool(self._running)

    @property
    def pid(self) -> int | None:
        """The process id of the program, while it runs."""
        with self._lock:
            return next(iter(self._running), None)

    def _spawned(self) -> _Spawned:
        process = subprocess.Popen(  # noqa: S603 - to run a program is what is asked for, and there is no shell
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if self._env is None else {**os.environ, **self._env},
            cwd=self._cwd,
            start_new_session=True,
            bufsize=0,
        )
        return _Spawned(self, process)

    def _describe(self, status: int) -> str:
        if status >= 0:
            return f"{self.argv[0]} exited with status {status}"
        try:
            return f"{self.argv[0]} was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"{self.argv[0]} was ended by signal {-status}"

    def enter(self, process: subprocess.Popen[bytes]) -> None:
        """`process` runs."""
        with self._lock:
            self._running[process.pid] = process

    def leave(self, process: subprocess.Popen[bytes]) -> None:
        """`process` is about to be reaped; from now on its number may be somebody else's."""
        with self._lock:
            del self._running[process.pid]


@dataclass(slots=True)
class _Spawned:
    """The program between spawn and reaping; whatever happens in between, nothing of it stays behind."""

    command: Command
    process: subprocess.Popen[bytes]

    def __enter__(self) -> subprocess.Popen[bytes]:
        self.command.enter(self.process)
        return self.process

    def __exit__(self, *_exception: object) -> None:
        _kill_group(self.process, signal.SIGKILL)
        self.command.leave(self.process)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class _Waker:
    """A pipe to end a `select` with; `release` makes it a waker of the incarnation.

    The lock keeps a late wake from a descriptor that is somebody else's by then; nothing under it ever blocks.
    """

    def __init__(self) -> None:
        self.read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._lock:
            self._open = False
            os.close(self.read)
            os.close(self._write)

    def release(self) -> None:
        """Wake the selecting thread; never blocks."""
        with self._lock, suppress(BlockingIOError):  # it is full of wakes
            if self._open:
                os.write(self._write, b"w")


class _Program:
    """One run of the program, from its spawn until it has ended and all its output has been read."""

    def __init__(
        self, process: subprocess.Popen[bytes], output: RawLogger, waker: _Waker, incarnation: Incarnation
    ) -> None:
        self._process = process
        self._output = output
        self._waker = waker
        self._incarnation = incarnation
        self._exited = False

    def run(self, stop_signal: signal.Signals, grace: float) -> int:
        """Until the end; the exit status, negative for a signal."""
        stdout = cast("IO[bytes]", self._process.stdout)  # it was asked for
        threading.Thread(target=self._wait, name=f"{self._incarnation.dn}: waits for its program", daemon=True).start()
        with selectors.DefaultSelector() as selector, self._incarnation.waked_by(self._waker):
            selector.register(self._waker.read, selectors.EVENT_READ)
            selector.register(stdout, selectors.EVENT_READ, stdout.fileno())
            self._attend(selector, stop_signal, grace)
            status = _status(self._process)
            _kill_group(self._process, signal.SIGKILL)
            self._drain(selector)
        return status

    def _attend(self, selector: selectors.BaseSelector, stop_signal: signal.Signals, grace: float) -> None:
        """Read output until the program has ended; pass on a cancel."""
        kill_at: float | None = None
        while not self._exited:
            if self._incarnation.is_canceled and kill_at is None:
                _kill_group(self._process, stop_signal)
                kill_at = time.monotonic() + grace
            left = None if kill_at is None else kill_at - time.monotonic()
            if left is not None and left <= 0:
                _kill_group(self._process, signal.SIGKILL)
                left = None
            self._read(selector, left)

    def _drain(self, selector: selectors.BaseSelector) -> None:
        until = time.monotonic() + _DRAIN
        while len(selector.get_map()) > 1 and (left := until - time.monotonic()) > 0:
            self._read(selector, left)
        if len(selector.get_map()) > 1:
            logger().warning("a descendant that has left the program's session still holds its output")

    def _read(self, selector: selectors.BaseSelector, timeout: float | None) -> None:
        for key, _ in selector.select(timeout):
            if key.data is None:
                os.read(self._waker.read, _CHUNK)
            elif chunk := os.read(key.data, _CHUNK):
                self._output.write(chunk)
            else:
                selector.unregister(key.fileobj)

    def _wait(self) -> None:
        with suppress(ChildProcessError):  # SIGCHLD is ignored in this process: the system has reaped it
            # Not reaped yet, so that its number, and that of its group, are nobody else's when the group is killed.
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self._exited = True
        self._waker.release()


def _status(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a program that has ended, without reaping it."""
    try:
        result = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        return 0  # as `subprocess` says of a process whose status the system has thrown away
    if result is None:
        return 0
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def _kill_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody is left, or macOS says so of zombies
        os.killpg(process.pid, number)
