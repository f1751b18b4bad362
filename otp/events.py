"""What happens in a tree, as typed events: the one source for logs, command line, metrics and tests.

`System.events()` gives them. Times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from otp.tree.decision.messages import Cause

__all__ = [
    "Canceled",
    "Canceling",
    "Cause",
    "Died",
    "Done",
    "Event",
    "Healthy",
    "Removed",
    "Started",
    "Stopped",
    "Stopping",
    "Stuck",
    "StuckNode",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An incarnation begins; the node is NEW."""

    dn: str
    incarnation: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """The node signaled HEALTHY."""

    dn: str
    incarnation: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The node has returned and is DONE."""

    dn: str
    incarnation: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """The node is DEAD."""

    dn: str
    incarnation: int
    time: float
    error: str
    """Why, in one line."""
    traceback: str | None
    """`None`: it was no exception."""
    restart_in: float | None
    """Seconds until its backoff ends; `None`: it does not wait for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceling:
    """Nodes, each with all below it, have been asked to end."""

    dns: tuple[str, ...]
    cause: Cause
    by: str
    """The node that died, or was to be restarted or stopped."""
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """The node has ended as asked; it is CANCELED."""

    dn: str
    incarnation: int
    time: float
    error: str | None
    """What it raised nevertheless, in one line."""
    traceback: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckNode:
    """One of the nodes of `Stuck`."""

    dn: str
    incarnation: int
    stack: str
    """Where it was at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Nodes that were canceled together still run after the same deadline."""

    nodes: tuple[StuckNode, ...]
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A node has ended for good and left the tree: a TEMPORARY one, or a child of a dynamic supervisor."""

    dn: str
    incarnation: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The stop of the system has begun."""

    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The system has stopped. No event comes after this one."""

    unstopped: tuple[str, ...]
    """What still runs, and is stuck."""
    time: float


Event: TypeAlias = Started | Healthy | Done | Died | Canceling | Canceled | Stuck | Removed | Stopping | Stopped
