"""The tree as the decision sees it: nodes, groups, deadlines and what is counted over them.

Only the modules of this package change what stands here. Everything that a rule asks for is kept as a count, so that no
event ever costs a walk over the tree: a node knows how much is still running below it, a group how many of its members
the exit barrier (R7) still waits for, the tree how many nodes there are in each state.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from otp.tree.decision.policy import Strategy

if TYPE_CHECKING:
    from otp.tree.decision.otp.record import Halt, Supervisor, Task
    from otp.tree.decision.policy import Policy

__all__ = ["Deadline", "Group", "Node", "NodeState", "Purpose", "Stop", "Tree"]


class NodeState(enum.StrEnum):
    """The state of a node; the only transitions are NEW -> HEALTHY -> DONE, any -> DEAD, any -> CANCELED, and a restart."""

    NEW = "new"
    """Its runnable was started and has not said anything yet."""
    HEALTHY = "healthy"
    """It signaled that it is ready to serve."""
    DONE = "done"
    """It has returned and needs no restart by itself; its children run on."""
    DEAD = "dead"
    """It ended when it should not have."""
    CANCELED = "canceled"
    """It ended because the supervisor asked it to."""


@dataclass(slots=True, eq=False)
class Node:
    """One place in the tree. Its DN stays; its incarnations come and go."""

    id: int
    """Never used again, unlike a DN: how messages from forgotten nodes are told apart."""
    name: str
    dn: str
    policy: Policy
    parent: Node | None
    group: Group
    children: dict[str, Node] = field(default_factory=dict)
    """In start order."""
    state: NodeState = NodeState.NEW
    since: float = 0.0
    """When the state last changed."""
    incarnation: int = 0
    """Counts from 1; 0 has never been started."""
    running: bool = False
    """The runnable of this incarnation has not ended yet."""
    done_signaled: bool = False
    doomed: bool = False
    """Canceled or dead: this incarnation will not go on. All nodes below a doomed one are doomed."""
    stuck: bool = False
    """It still runs after its deadline."""
    open: int = 0
    """How much keeps the subtree from having ended (R6): 1 for the node itself unless it is DONE, DEAD or CANCELED,
    and 1 for each child whose subtree has not ended."""
    failures: int = 0
    """Deaths in a row: the exponent of the backoff."""
    healthy_at: float | None = None
    restart_at: float | None = None
    """When the backoff ends, while it is pending."""
    timer: int = 0
    """The timer of that backoff; 0: none."""
    deadline: Deadline | None = None
    last_error: str | None = None
    wanted: bool = False
    """Somebody asked for its restart, so even a TEMPORARY node is started again."""
    supervisor: Supervisor | None = None
    """Of a behaviour supervisor that has been started: what it knows."""
    halt: Halt | None = None
    """It is being stopped in order, with all below it: nothing below it is started any more."""


@dataclass(slots=True, eq=False)
class Group:
    """Children that were started together and share a fate."""

    strategy: Strategy = Strategy.ONE_FOR_ALL
    members: dict[str, Node] = field(default_factory=dict)
    """In declared order."""
    open: int = 0
    """The exit barrier (R7): doomed members whose subtree has not ended."""


@dataclass(slots=True, eq=False)
class Deadline:
    """The nodes of one cancellation that must have ended by the same moment."""

    at: float
    timer: int = 0
    nodes: dict[int, Node] = field(default_factory=dict)
    """Those that still run."""


@dataclass(slots=True, eq=False)
class Stop:
    """How far the stop of the whole tree has come (R14)."""

    path: list[tuple[Node, list[Node]]]
    """From the root to the node whose turn it is, each with those of its children that still have theirs to come."""
    timer: int = 0
    """The timer after which the order is given up; 0: none, or given up already."""
    rushed: bool = False
    """All that was left has been canceled at once."""


@dataclass(slots=True, eq=False)
class Tree:
    """A whole supervision tree. `decide` is the only one to change it."""

    root: Node
    propagate: bool = False
    """Stop at the first death."""
    nodes: dict[int, Node] = field(default_factory=dict)
    counts: dict[NodeState, int] = field(default_factory=lambda: dict.fromkeys(NodeState, 0))
    """Nodes in each state."""
    running: int = 0
    """Nodes whose runnable runs."""
    doomed: int = 0
    """Nodes that wait for their end, for a barrier or for a restart."""
    stuck: int = 0
    """Running nodes that are past their deadline."""
    stop: Stop | None = None
    stopped: bool = False
    """Nothing will be started any more, and what still runs is stuck."""
    timers: dict[int, Purpose] = field(default_factory=dict)
    """What an armed timer is for."""
    last_timer: int = 0
    kept: dict[int, Node] = field(default_factory=dict)
    """Children of behaviour supervisors that are not in the tree, for they are stopped or not started yet."""
    due: deque[Halt] = field(default_factory=deque)
    """Stops in order that may go on by what has just happened; empty between events."""
    awake: list[tuple[int, int]] = field(default_factory=list)
    """Behaviour supervisors that may, a heap: how deep each is, negative, and its id. Empty between events too."""

    @property
    def healthy(self) -> bool:
        """Whether every node is HEALTHY or DONE, and none of them has been asked to end: that one is on its way out."""
        return self.doomed == 0 and self.counts[NodeState.HEALTHY] + self.counts[NodeState.DONE] == len(self.nodes)

    @property
    def settled(self) -> bool:
        """Whether no restart and no cancel is pending; a NEW node counts as settled."""
        return self.stopped or (self.stop is None and self.doomed == 0)

    def find(self, dn: str) -> Node | None:
        """The node at `dn`; the cost grows with its depth only."""
        name, *names = dn.split(".")
        node: Node | None = self.root if name == self.root.name else None
        for name in names:
            if node is None:
                return None
            node = node.children.get(name)
        return node


Purpose: TypeAlias = "Node | Deadline | Stop | Supervisor | Task | Halt"
"""What a timer can be for."""
