"""What a behaviour supervisor knows of its children, and what it finds in its mail."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from otp.testing.simulation.picture import Alarm, Seen
    from otp.tree.decision.messages import End, Request, StopSupervisor, Why

__all__ = ["Again", "Exit", "Mail", "Outcome", "Over", "Retry", "Spec", "Status", "Steps", "Wait"]

T = TypeVar("T")
Wait: TypeAlias = Callable[[], bool]
"""Whether it goes on."""
Steps: TypeAlias = Generator[Wait, None, T]
"""What a process does; it yields where it has to wait."""


class Status(enum.StrEnum):
    """What stands in the place of a child's pid."""

    RUNNING = "running"
    """A pid, though it may be that of a process whose exit signal has not been received yet."""
    RESTARTING = "restarting"
    STOPPED = "stopped"
    """`undefined`."""


class Outcome(enum.StrEnum):
    """What the start of a child comes to."""

    STARTED = "started"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Spec:
    """A child."""

    node: Seen
    place: int
    """It only grows from one child to the next."""
    status: Status = Status.STOPPED
    patience: Alarm | None = None
    """Until when it must have started."""
    reminder: Retry | None = None
    """The one that is still good."""
    held_by: list[Seen] = field(default_factory=list)
    """Who is stuck and has to end before its restart, while the supervisor serves."""
    counts: bool = False
    """That restart has not been counted yet."""
    alone: bool = False
    """Whatever the strategy says, that restart is of it alone."""
    end: End | None = None
    """How it has ended by itself; None: as a supervisor that has decided to."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    @property
    def active(self) -> bool:
        """Whether it is more than a specification."""
        return self.status is not Status.STOPPED


@dataclass(frozen=True, slots=True)
class Exit:
    """The exit signal of a child."""

    spec: Spec
    incarnation: int
    clean: bool


@dataclass(frozen=True, slots=True)
class Again:
    """Somebody wants a child started anew."""

    spec: Spec
    incarnation: int
    """The one that was there then."""


@dataclass(frozen=True, slots=True, eq=False)
class Retry:
    """The supervisor's reminder to itself of a restart that has failed, or could not begin yet."""

    spec: Spec
    counts: bool
    alone: bool
    """Whatever the strategy says."""


Mail: TypeAlias = "Exit | Again | Retry | Request"


class Over(Exception):  # noqa: N818 - no error: the supervisor's life is over
    """The supervisor ends."""

    def __init__(self, why: Why, spec: Spec | None, order: StopSupervisor | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.spec = spec
        """The child because of which."""
        self.order = order
        """The request because of which."""
