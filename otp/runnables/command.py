"""`command`: a program of the system's as a node.

What is promised to its users is here; how one run of it is attended to, in `otp.runnables.program`.
"""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from otp.child import Defaults
from otp.errors import OtpError
from otp.facade import logger, raw_logger
from otp.facade import signal as tell
from otp.runnables.program import Program
from otp.tree.decision.messages import Signal
from otp.tree.decision.policy import Restart
from otp.tree.incarnation import here

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Command", "CommandError", "command"]

_RESET_AFTER: Final = 5.0
"""Seconds that a program must have run for its next death to count as the first: it is healthy when it has been spawned,
so a program that fails at once would otherwise never back off."""
_MARGIN: Final = 5.0
"""Seconds from the kill until the node is stuck."""


class CommandError(OtpError, RuntimeError):
    """The program ended, and not because it was canceled: the death of its node."""

    def __init__(self, message: str, status: int | None) -> None:
        """With the exit status; negative: the number of the signal that ended it; `None`: nobody knows."""
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
    end of it is a death, unless it was canceled, or exited with status 0 as a TRANSIENT or TEMPORARY child.

    When canceled it is sent `stop_signal`, with its whole group; what still runs of them after `grace` is killed. When it
    ends by itself, what it leaves behind in its group is killed at once, and so is, after a cancel, what has let go of its
    output. A descendant in a session of its own is nobody's to kill.

    Args:
        argv: the program and its arguments; no shell is involved.
        stop_signal: what asks it to end.
        grace: seconds from that to SIGKILL.
        env: variables that extend, or replace, those of this process.
        cwd: the directory to run it in.

    Raises:
        TypeError: `argv` is empty, or something is of a wrong type.
        ValueError: `grace` is negative or not finite, there is no signal `stop_signal`, or a text cannot be handed to a
            program.
    """
    if not argv or not all(isinstance(part, (str, os.PathLike)) for part in argv):
        msg = "command() takes a program and its arguments, as str or PathLike"
        raise TypeError(msg)
    if not 0 <= grace < math.inf:
        msg = f"command(grace={grace!r}) must be finite and not negative"
        raise ValueError(msg)
    if stop_signal not in signal.valid_signals():
        msg = f"command(stop_signal={stop_signal!r}): there is no such signal"
        raise ValueError(msg)
    return Command(
        argv=tuple(_checked(os.fsdecode(part)) for part in argv),
        stop_signal=stop_signal,
        grace=grace,
        env=None if env is None else _checked_env(env),
        cwd=None if cwd is None else _checked(os.fsdecode(cwd)),
    )


class Command:
    """What `command` returns: a runnable. Its programs can be sent signals."""

    def __init__(
        self, *, argv: tuple[str, ...], stop_signal: int, grace: float, env: dict[str, str] | None, cwd: str | None
    ) -> None:
        """Use `command`."""
        self.argv = argv
        self._stop_signal = stop_signal
        self._grace = grace
        self._env = env
        self._cwd = cwd
        self._programs: tuple[Program, ...] = ()
        self._lock = threading.Lock()
        self.otp_defaults = Defaults(shutdown=grace + _MARGIN, reset_after=_RESET_AFTER)

    def __repr__(self) -> str:
        return f"<Command {' '.join(self.argv)}>"

    def __call__(self) -> None:
        """Run the program; for the tree to call."""
        incarnation = here()
        with raw_logger() as output, Program(self.argv, env=self._env, cwd=self._cwd) as program, self._known(program):
            tell(Signal.HEALTHY)
            status = program.attend(incarnation, output, stop_signal=self._stop_signal, grace=self._grace)
        if program.is_heard:
            logger().warning("a descendant that has left the program's session still holds its output")
        if incarnation.is_canceled:
            return
        if status != 0 or incarnation.restart is Restart.PERMANENT:
            raise CommandError(self._describe(status), status)
        logger().info("{}", self._describe(status))

    def send_signal(self, number: int) -> bool:
        """Send a signal to the program, from any thread; whether one ran to send it to.

        Raises:
            OSError: there is no such signal, or the program may not be sent one: it has become another user's.
        """
        sent = [program.send_signal(number) for program in self._programs]
        return any(sent)

    @property
    def pid(self) -> int | None:
        """The process id of the program, while it runs."""
        return next((program.pid for program in self._programs), None)

    @contextmanager
    def _known(self, program: Program) -> Generator[None]:
        """Let signals be sent to it. One command may be several nodes, and so have several programs."""
        with self._lock:
            self._programs = (*self._programs, program)
        try:
            yield
        finally:
            with self._lock:
                self._programs = tuple(other for other in self._programs if other is not program)

    def _describe(self, status: int | None) -> str:
        name = self.argv[0]
        if status is None:
            return f"{name} ended, and its exit status is lost: SIGCHLD is ignored here, or another thread took it"
        if status >= 0:
            return f"{name} exited with status {status}"
        try:
            return f"{name} was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"{name} was ended by signal {-status}"


def _checked(text: str) -> str:
    if "\0" in text:
        msg = f"command(): {text!r} has a NUL character, which ends a text that is handed to a program"
        raise ValueError(msg)
    return text


def _checked_env(env: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(env, Mapping):
        msg = f"command(env=...) takes a mapping, not {type(env).__name__}"
        raise TypeError(msg)
    if not all(isinstance(part, str) for pair in env.items() for part in pair):
        msg = "command(env=...) takes a mapping of str to str"
        raise TypeError(msg)
    for name in env:
        if not name or "=" in name:
            msg = f"command(env=...): {name!r} cannot be the name of a variable"
            raise ValueError(msg)
    return {_checked(name): _checked(value) for name, value in env.items()}
