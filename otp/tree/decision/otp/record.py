"""What a behaviour supervisor knows: its children, what waits to be dealt with, and the task it is at."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from otp.tree.decision.messages import Cause
from otp.tree.decision.model import Group

if TYPE_CHECKING:
    from otp.tree.decision.messages import Request, StopSupervisor, Why
    from otp.tree.decision.model import Node
    from otp.tree.decision.policy import Supervision

__all__ = ["Again", "Anew", "Exit", "Halt", "Item", "Job", "Outcome", "Spec", "Status", "Supervisor", "Task"]


class Status(enum.Enum):
    """A child as its supervisor sees it."""

    STOPPED = enum.auto()
    STARTING = enum.auto()
    STARTED = enum.auto()
    """It may have ended since: then an `Exit` is queued, or will be once all below it has ended."""
    RESTARTING = enum.auto()
    """A restart has failed, or waits for something stuck; the next try is queued or parked."""


class Outcome(enum.Enum):
    """What came of the start of a child."""

    STARTED = enum.auto()
    IGNORED = enum.auto()
    FAILED = enum.auto()


class Job(enum.Enum):
    """What a task is for."""

    INITIAL = enum.auto()
    START_CHILD = enum.auto()
    RESTART_CHILD = enum.auto()
    TERMINATE_CHILD = enum.auto()
    RESTART = enum.auto()
    FINISH = enum.auto()


@dataclass(slots=True, eq=False)
class Spec:
    """One child, whether it runs or not."""

    node: Node
    order: int
    """Grows in start order."""
    status: Status = Status.STOPPED
    clean: bool = False
    """Its last end by itself was no failure."""
    parting: bool = False
    """It is to be dropped as soon as all of it has ended."""
    again: Again | None = None
    """The next try to restart it."""


@dataclass(slots=True, eq=False)
class Exit:
    """A child has ended by itself."""

    spec: Spec
    incarnation: int


@dataclass(slots=True, eq=False)
class Again:
    """The next try of a restart that failed."""

    spec: Spec
    free: bool = False
    """It has been counted before."""
    alone: bool = False
    """Somebody wanted that child restarted: the strategy does not matter."""
    behind: tuple[Node, ...] = ()
    """What it waits for while it is parked."""


@dataclass(slots=True, eq=False)
class Anew:
    """Somebody wants a child restarted: that one alone, whatever the strategy."""

    spec: Spec
    incarnation: int
    """The one that is not wanted any more; a later one is what was wanted."""


Item: TypeAlias = "Exit | Again | Anew | Request"


@dataclass(slots=True, eq=False)
class Task:
    """One thing that a supervisor does: stop these, the last one first, then start those."""

    job: Job
    record: Supervisor
    spec: Spec | None = None
    """The child that it is about; `None`: all, at first."""
    request: int | None = None
    """The request that has not been answered yet."""
    stops: list[Spec] = field(default_factory=list)
    starts: deque[Spec] = field(default_factory=deque)
    members: tuple[Spec, ...] = ()
    """Those that must have ended, with all below them, before the first one starts (R7)."""
    anew: set[Spec] = field(default_factory=set)
    """Those that are still to be started again; they stay in the tree meanwhile."""
    cause: Cause = Cause.STOP
    by: str = ""
    why: Why | None = None
    order: StopSupervisor | None = None
    """What it ends by, if somebody wants that."""
    stopping: tuple[Spec, ...] = ()
    waits: int = 0
    """How many stops have not come to their end."""
    trial: Spec | None = None
    """The child that is being started."""
    outcome: Outcome | None = None
    timer: int = 0
    """The timer of its `start_timeout`."""
    over: bool = False
    """The supervisor ended with it."""


@dataclass(slots=True, eq=False)
class Halt:
    """The stop of one node, in order: its children, the last one first, then the node itself."""

    node: Node
    above: Halt | Task | None
    """Who waits for it; `None`: the stop of the whole tree."""
    cause: Cause
    by: str
    left: list[Node] = field(default_factory=list)
    """The children whose turn is still to come."""
    waits: int = 0
    """How many of its children have not come to their end."""
    over: bool = False
    timer: int = 0
    """The timer after which the order is given up."""


@dataclass(slots=True, eq=False)
class Supervisor:
    """What one incarnation of a behaviour supervisor knows."""

    node: Node
    supervision: Supervision
    group: Group = field(default_factory=Group)
    specs: dict[str, Spec] = field(default_factory=dict)
    """In start order."""
    last_order: int = 0
    restarts: list[float] = field(default_factory=list)
    """When it restarted something within the last `max_seconds`, sorted: ends are not always told in their order."""
    queue: deque[Item] = field(default_factory=deque)
    parked: list[Again] = field(default_factory=list)
    """Restarts that wait for something stuck."""
    task: Task | None = None
    spawned: bool = False
    """Its initial children are known."""
    closed: bool = False
    """It takes no requests any more, and nothing is restarted."""
    turn: bool = False
    """The next try at the head of the queue may be made."""
    timer: int = 0
    """The timer that gives it its turn: each try is an event of its own, so that no event ever takes for ever."""
    draw: float = 0.5
    """The random number that came with the last end of a child; its own end needs one."""
