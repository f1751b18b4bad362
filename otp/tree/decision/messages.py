"""What happens to a tree (events), what is to be done about it (actions), and what there is to tell (reports).

An event names the node and the incarnation it is about, and the moment it happened, on the clock of the system. Actions
name node and incarnation too. None of them holds an object of the user's.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

from otp.tree.decision.record import record

if TYPE_CHECKING:
    from otp.tree.decision.model import NodeState
    from otp.tree.decision.policy import Policy, Strategy

__all__ = [
    "Action",
    "Arm",
    "Birth",
    "Cancel",
    "Canceling",
    "Cause",
    "Changed",
    "Disarm",
    "End",
    "Ended",
    "Event",
    "Expired",
    "Forget",
    "Kill",
    "Removed",
    "RestartRequested",
    "Signal",
    "Signaled",
    "Spawned",
    "Start",
    "StopRequested",
    "Stopped",
    "Stopping",
    "Stuck",
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
    """It ended by itself with a clean reason that is not `normal`: DEAD, and yet no failure."""
    IGNORED = "ignored"
    """It found that it need not run: DONE, though it was never HEALTHY."""


class Cause(enum.StrEnum):
    """Why nodes are canceled."""

    DEATH = "death"
    RESTART = "restart"
    STOP = "stop"


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


Event: TypeAlias = Spawned | Signaled | Ended | Expired | RestartRequested | StopRequested


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
    """A TEMPORARY node has ended and left the tree."""

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
    Start | Cancel | Kill | Arm | Disarm | Forget | Changed | Canceling | Stuck | Removed | Stopping | Stopped
)
