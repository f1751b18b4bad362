"""What is reported of a crash, of what a supervisor had to see to, and of a start: OTP's reports, as plain text and numbers.

A log record has one in `extra["report"]`. What the user's objects have to say stands in it as the text that they made of
themselves in the thread of their owner; nothing else of theirs does.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from otp.tree.decision.policy import Restart
    from otp.tree.rendering import Trace

__all__ = ["Account", "CrashReport", "ErrorContext", "Offender", "ProgressReport", "Report", "Seen", "SupervisorReport"]


class ErrorContext(enum.StrEnum):
    """What a supervisor was about."""

    START_ERROR = "start_error"
    """A child ended before it was HEALTHY."""
    CHILD_TERMINATED = "child_terminated"
    """A child ended by itself, after that."""
    SHUTDOWN_ERROR = "shutdown_error"
    """A child that was to end raised something, or did not end in time."""
    SHUTDOWN = "shutdown"
    """The supervisor itself ends, because of a child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """The child that a report is about. What it was run with is not told."""

    name: str
    dn: str
    incarnation: int | None
    """`None`: more than one may be meant."""
    restart: Restart
    shutdown: float | None
    """Seconds; `None`: for ever; 0.0: not at all, as with `BRUTAL_KILL`."""
    type: Literal["worker", "supervisor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorReport:
    """What a supervisor had to see to. Every parent is one; a behaviour such as `otp.Supervisor` has rules of its own."""

    kind: ClassVar[Literal["supervisor"]] = "supervisor"
    supervisor: str
    """Its DN."""
    context: ErrorContext
    reason: str
    offenders: tuple[Offender, ...]
    """One; but several where children have missed the same deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashReport:
    """An incarnation has ended by a reason that is not a clean one."""

    kind: ClassVar[Literal["crash"]] = "crash"
    dn: str
    incarnation: int
    reason: str
    """The exit reason; an exception with the name of its class."""
    last_message: str | None
    """Of a server: what it was at, in a few words. `None`: it had had no mail, or is no server."""
    state: str | None
    """Of a server: what its `format_status` shows, in a few words. `None`: it is no server, or had not started."""
    messages: int
    """How many waited in its mailbox, which are lost."""
    trap_exit: bool
    """Whether it trapped exits."""
    links: tuple[str, ...]
    """DNs of those that it was linked to."""
    supervisor: SupervisorReport | None
    """The same happening as its supervisor sees it; `None`: it is the root, which has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """A supervisor has started a child."""

    kind: ClassVar[Literal["progress"]] = "progress"
    supervisor: str
    """Its DN."""
    started: Offender
    """The child."""
    omitted: int = 0
    """How many starts have had no report, since the last that has, because too many came at once."""


Report: TypeAlias = CrashReport | SupervisorReport | ProgressReport


class Seen:
    """What a server was at when it came to its end."""

    __slots__ = ("message", "state")

    def __init__(self, message: str | None, state: str) -> None:
        """Both as they may be shown."""
        self.message = message
        self.state = state


class Account:
    """What an incarnation has left to be told of its end. Made in its own thread, where its restart waits: no more."""

    __slots__ = ("clean", "healthy", "links", "messages", "reason", "seen", "trace", "trap_exit")

    def __init__(self, reason: str, *, clean: bool, healthy: bool, trace: Trace | None, seen: Seen | None) -> None:
        """Of an end by `reason`."""
        self.reason = reason
        self.clean = clean
        self.healthy = healthy
        """It had got so far."""
        self.trace = trace
        self.seen = seen
        self.messages = 0
        self.trap_exit = False
        self.links: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "" if self.trace is None else str(self.trace)
