"""What an observer of a tree remembers of it: nodes as they were last seen, groups, alarms.

The picture is drawn from events and actions alone, and holds no count of anything: whatever a rule asks for is looked up
by walking it. That makes it slow and simple, which is the point: it is there to find what the decision's counts get wrong.
`rules` draws it, `verdict` and `recount` compare with it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otp.testing.simulation.supervision.life import Life
    from otp.testing.simulation.violation import Rule
    from otp.testing.simulation.walk import Walk
    from otp.tree.decision.messages import Ended, Request, Signaled, Spawned
    from otp.tree.decision.policy import Policy, Strategy

__all__ = ["Alarm", "Group", "Order", "Picture", "Purpose", "Seen"]


class Purpose(enum.StrEnum):
    """What somebody waits for with a timer."""

    BACKOFF = "backoff"
    DEADLINE = "deadline"
    STOP = "timeout of the stop"
    START = "time to start"
    TURN = "next try"
    TERM = "time to stop"


@dataclass(slots=True, eq=False)
class Alarm:
    """A moment for which a timer must be armed."""

    purpose: Purpose
    at: float
    rule: Rule
    """The rule that asks for it."""
    nodes: list[Seen] = field(default_factory=list)
    """Whose backoff it is, or who must have ended by then."""
    timer: int = 0
    """The number under which the decision armed it."""
    off: bool = False
    """It has gone off, or is not needed any more."""
    loose: bool = False
    """Nobody waits for it any more, and no rule says when it must be disarmed: when it goes off, nothing happens."""


@dataclass(slots=True, eq=False)
class Group:
    """Children that were asked for together, in that order."""

    strategy: Strategy
    members: list[Seen] = field(default_factory=list)
    kept: bool = False
    """They are the children of a behaviour supervisor, which restarts them by rules of its own."""


@dataclass(slots=True, eq=False)
class Seen:
    """A node as it was last seen."""

    id: int
    name: str
    dn: str
    policy: Policy
    parent: Seen | None
    group: Group
    groups: list[Group] = field(default_factory=list)
    """Its children."""
    state: NodeState = NodeState.NEW
    incarnation: int = 0
    runs: bool = False
    """It was started, and no end has been reported."""
    condemned: bool = False
    """It is dead or was canceled: this incarnation must not go on."""
    done: bool = False
    """It has signaled DONE, legally."""
    healthy_at: float | None = None
    deaths: int = 0
    """In a row."""
    wait: Alarm | None = None
    deadline: Alarm | None = None
    late: bool = False
    """It was reported as stuck."""
    term: Alarm | None = None
    """Of a behaviour supervisor that is being stopped in order: until when it may take for that."""
    wanted: bool = False
    """Its restart was asked for from outside."""
    since: float = 0.0
    """When its state changed last."""
    life: Life | None = None
    """What it does if it is a behaviour supervisor."""
    stopping: bool = False
    """A behaviour supervisor above it is stopping it, and has come to it: nothing is started below it any more."""

    def children(self) -> Iterator[Seen]:
        """Its children in the order of their start."""
        for group in self.groups:
            yield from group.members

    def below(self) -> list[Seen]:
        """The node and all its descendants, each before its children."""
        found: list[Seen] = [self]
        for above in found:
            for group in above.groups:
                found.extend(group.members)
        return found

    def above(self) -> Iterator[Seen]:
        """The node and all above it, from the bottom to the top."""
        node: Seen | None = self
        while node is not None:
            yield node
            node = node.parent

    def called_off(self) -> bool:
        """Whether what is above it is being stopped, so that it is not started again."""
        return self.parent is not None and self.parent.stopping

    def gone(self) -> bool:
        """Whether nothing of its subtree has to be waited for: what runs is stuck."""
        return not any(node.runs and not node.late for node in self.below())

    def over(self) -> bool:
        """Whether its subtree has ended (R6)."""
        return not self.runs and not any(node.runs for node in self.below())


@dataclass(slots=True, eq=False)
class Order:
    """A stop that is going on."""

    timeout: Alarm | None = None
    rushed: bool = False


@dataclass(slots=True, eq=False)
class Picture:
    """All that has been seen of a tree."""

    root: Seen
    propagate: bool
    nodes: dict[int, Seen] = field(default_factory=dict)
    alarms: dict[int, Alarm] = field(default_factory=dict)
    """Armed and neither gone off nor disarmed, by timer."""
    order: Order | None = None
    stopped: bool = False
    walks: list[Walk] = field(default_factory=list)
    """Stops of behaviour supervisors' children that are going on."""
    limbo: dict[int, Seen] = field(default_factory=dict)
    """What a behaviour supervisor remembers and does not run: it may be in the tree or not."""
    owed: dict[int, int] = field(default_factory=dict)
    """What may be forgotten by now, and must be as soon as the node that it belonged to starts anew or is forgotten."""
    refusable: dict[int, int] = field(default_factory=dict)
    """Requests that may be refused by now, and must be as soon as that supervisor has ended."""

    def current(self, event: Spawned | Signaled | Ended | Request) -> Seen | None:
        """The node that `event` speaks of, if it comes from the incarnation that is running (R10)."""
        seen = self.nodes.get(event.node)
        return seen if seen is not None and seen.runs and seen.incarnation == event.incarnation else None

    def exchange(self, timer: int, others: Iterable[Alarm]) -> None:
        """Of alarms for the same moment nobody knows which timer is whose: `timer` is that of one of `others`."""
        alarm = self.alarms[timer]
        for other in others:
            if other.timer in self.alarms and other.at == alarm.at and other.purpose is alarm.purpose:
                alarm.timer, other.timer = other.timer, timer
                self.alarms[alarm.timer], self.alarms[timer] = alarm, other
                return

    def live_groups(self) -> Iterator[Group]:
        """Every group whose parent goes on, the parents before their children."""
        groups = [self.root.group]
        for group in groups:
            yield group
            for member in group.members:
                if not member.condemned:
                    groups.extend(member.groups)
