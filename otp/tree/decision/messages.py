"""What happens to a tree (events), what is to be done about it (actions), and what there is to tell (reports).

An event names the node and the incarnation it is about, and the moment it happened, on the clock of the system. Actions
name node and incarnation too. None of them holds an object of the user's.
"""

from __future__ import annotations

import enum
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from otp.tree.decision.record import record

if TYPE_CHECKING:
    from otp.tree.decision.model import NodeState
    from otp.tree.decision.policy import Policy, Strategy

__all__ = [
    "Action",
    "Answer",
    "Arm",
    "Birth",
    "Cancel",
    "Canceling",
    "Cause",
    "Changed",
    "DeleteChild",
    "Disarm",
    "End",
    "Ended",
    "Event",
    "Expired",
    "Finish",
    "Forget",
    "Kill",
    "Removed",
    "Request",
    "RestartChild",
    "RestartRequested",
    "Signal",
    "Signaled",
    "Spawned",
    "Start",
    "StartChild",
    "StopRequested",
    "StopSupervisor",
    "Stopped",
    "Stopping",
    "Stuck",
    "TerminateChild",
    "Verdict",
    "Why",
]


class Signal(enum.StrEnum):
    """What a runnable tells about itself with `otp.signal`."""

    HEALTHY = "healthy"
    """It is set up and serves; from now on it starts no more children."""
    DONE = "done"
    """It is about to return, and that will be no failure."""


class End(enum.StrEnum):
    """How a runnable came to its end, as the backend saw it."""

    RETURNED = "returned"
    LEFT = "left"
    """It raised `Canceled` or `asyncio.CancelledError`."""
    RAISED = "raised"
    """It raised anything else."""
    SHUTDOWN = "shutdown"
    """It ended itself for a clean reason that is not the normal one: TRANSIENT does not start it again."""
    IGNORED = "ignored"
    """It does not want to run, and that is no failure."""


class Cause(enum.StrEnum):
    """Why nodes are canceled."""

    DEATH = "death"
    RESTART = "restart"
    STOP = "stop"


class Verdict(enum.StrEnum):
    """What became of a request to a behaviour supervisor."""

    OK = "ok"
    IGNORED = "ignored"
    """The child did not want to run, and that is no failure."""
    ALREADY_STARTED = "already_started"
    ALREADY_PRESENT = "already_present"
    """There is a child of that name, which is stopped or waits for a restart."""
    RUNNING = "running"
    RESTARTING = "restarting"
    NOT_FOUND = "not_found"
    START_FAILED = "start_failed"
    MAX_CHILDREN = "max_children"
    NO_PROCESS = "no_process"
    """The supervisor is not there, or ends before it has dealt with the request."""


class Why(enum.StrEnum):
    """Why a behaviour supervisor has ended by its own decision."""

    INTENSITY = "intensity"
    """Its children had to be restarted more often than `max_restarts` within `max_seconds`."""
    START_FAILED = "start_failed"
    """One of its initial children could not be started."""
    AUTO_SHUTDOWN = "auto_shutdown"
    STOPPED = "stopped"
    """It was asked to end."""


# --- events ---------------------------------------------------------------------------------------------------------


@record
class Birth:
    """A child to be: its id, which no other node has or will have, its name and its policy."""

    node: int
    name: str
    policy: Policy


@record
class Spawned:
    """The runnable of `node` asks for a group of children."""

    node: int
    incarnation: int
    strategy: Strategy
    births: tuple[Birth, ...]
    at: float


@record
class Signaled:
    """The runnable of `node` gave a signal."""

    node: int
    incarnation: int
    signal: Signal
    at: float


@record
class Ended:
    """The runnable of `node` certainly runs no more; or it could not be started, which is an end too."""

    node: int
    incarnation: int
    end: End
    at: float
    draw: float = 0.5
    """A random number from [0, 1) for the jitter of the backoff: the decision has no random source."""
    error: str | None = None
    """The exception, in one line."""
    traceback: object = None
    """What `str` makes its traceback of, somewhere else."""


@record
class Expired:
    """The timer that an `Arm` asked for has come due, and was not disarmed."""

    timer: int
    at: float


@record
class RestartRequested:
    """Somebody outside wants `node` started anew."""

    node: int
    at: float


@record
class StopRequested:
    """Somebody wants the whole tree stopped, in order for `timeout` seconds (`None`: for as long as it takes)."""

    timeout: float | None
    at: float


@record
class StartChild:
    """Somebody wants a behaviour supervisor to take one more child. `Forget` follows if it is refused."""

    request: int
    """Echoed in the one `Answer` that each request gets."""
    node: int
    """The supervisor."""
    incarnation: int
    birth: Birth
    at: float


@record
class RestartChild:
    """Somebody wants a stopped child started again."""

    request: int
    node: int
    incarnation: int
    name: str
    at: float


@record
class TerminateChild:
    """Somebody wants a child stopped."""

    request: int
    node: int
    incarnation: int
    name: str
    at: float


@record
class DeleteChild:
    """Somebody wants a stopped child forgotten."""

    request: int
    node: int
    incarnation: int
    name: str
    at: float


@record
class StopSupervisor:
    """Somebody wants a behaviour supervisor to end. It is answered when it has."""

    request: int
    node: int
    incarnation: int
    end: End
    """How it is to end: RETURNED, as if it had signaled DONE; SHUTDOWN; or RAISED."""
    at: float
    draw: float = 0.5
    """As in `Ended`."""
    error: str | None = None
    """The reason, in one line."""
    traceback: object = None
    """As in `Ended`."""


Request: TypeAlias = StartChild | RestartChild | TerminateChild | DeleteChild | StopSupervisor
Event: TypeAlias = Spawned | Signaled | Ended | Expired | RestartRequested | StopRequested | Request


# --- actions --------------------------------------------------------------------------------------------------------


@record
class Start:
    """Start this incarnation of the node's runnable."""

    node: int
    incarnation: int


@record
class Cancel:
    """Set the cancel token of this incarnation."""

    node: int
    incarnation: int


@record
class Kill:
    """End this incarnation by force; only nodes whose policy says `killable` are killed."""

    node: int
    incarnation: int


@record
class Arm:
    """Send `Expired(timer)` at `at`, unless it is disarmed."""

    timer: int
    at: float


@record
class Disarm:
    """`Expired(timer)` must not come any more."""

    timer: int


@record
class Forget:
    """These nodes have left the tree; their runnables have all ended."""

    nodes: tuple[int, ...]


@record
class Answer:
    """Tell who made the request what became of it."""

    request: int
    verdict: Verdict
    child: int | None = None
    """The node of the child concerned, if there is one."""


@record
class Finish:
    """This incarnation of a behaviour supervisor has ended, and so have all its children."""

    node: int
    incarnation: int
    why: Why
    child: int | None = None
    """The node of the child because of which."""
    name: str | None = None
    """Its name."""
    policy: Policy | None = field(default=None, compare=False)
    """Its policy."""
    request: int | None = None
    """The request because of which; it is answered next."""


# --- reports: actions that change nothing ---------------------------------------------------------------------------


@record
class Changed:
    """A node has changed its state, or begun a new incarnation (NEW)."""

    node: int
    dn: str
    incarnation: int
    state: NodeState
    at: float
    error: str | None = None
    """Of DEAD: why. Of CANCELED: what it raised although it was canceled."""
    traceback: object = None
    """As in `Ended`."""
    restart_at: float | None = None
    """Of DEAD: when its backoff ends, if it has one."""
    policy: Policy | None = field(default=None, compare=False)
    """Of the node."""
    supervised: bool = field(default=False, compare=False)
    """Its parent is a behaviour supervisor."""


@record
class Canceling:
    """Nodes, each with all below it, are canceled, because of what happened at `by`."""

    dns: tuple[str, ...]
    cause: Cause
    by: str
    at: float


@record
class Stuck:
    """Nodes that were canceled together still run after the same deadline."""

    nodes: tuple[tuple[int, str, int], ...]
    """Of each: id, DN, incarnation."""
    at: float


@record
class Removed:
    """A node that is not kept has ended and left the tree: a TEMPORARY one, or a child that its behaviour supervisor drops."""

    dn: str
    incarnation: int
    at: float


@record
class Stopping:
    """The stop of the whole tree has begun."""

    at: float


@record
class Stopped:
    """The tree has stopped; what still runs is stuck."""

    unstopped: tuple[str, ...]
    at: float


Action: TypeAlias = (
    Start
    | Cancel
    | Kill
    | Arm
    | Disarm
    | Forget
    | Answer
    | Finish
    | Changed
    | Canceling
    | Stuck
    | Removed
    | Stopping
    | Stopped
)
