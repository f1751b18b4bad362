"""The tree as its events tell it, to be held against a snapshot of it (I15)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otp import events
from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otp.tree.snapshot import NodeSnapshot

__all__ = ["Fold", "differences"]


@dataclass(slots=True, eq=False)
class _Told:
    state: NodeState
    incarnation: int
    since: float
    last_error: str | None = None
    stuck: bool = False


@dataclass(slots=True, eq=False)
class Fold:
    """All nodes, from the events of a system from its start on."""

    supervisors: set[str] = field(default_factory=set)
    """DNs of behaviour supervisors: the death of one is the end of its children too."""
    nodes: dict[str, _Told] = field(default_factory=dict)
    below: dict[str, dict[str, None]] = field(default_factory=dict)
    """The DNs of the children of a DN."""
    unstopped: tuple[str, ...] = ()
    """Whose end comes after the last event, and is not told."""

    def add(self, event: events.Event) -> None:
        """What `event` says."""
        match event:
            case events.Started(dn=dn, incarnation=incarnation, time=time):
                self._forget_below(dn)
                self._put(dn, NodeState.NEW, incarnation, time)
            case events.Healthy(dn=dn, time=time):
                self.nodes[dn].state, self.nodes[dn].since = NodeState.HEALTHY, time
            case events.Done(dn=dn, time=time):
                self.nodes[dn].state, self.nodes[dn].since = NodeState.DONE, time
            case events.Died(dn=dn, incarnation=incarnation, time=time, error=error):
                self._put(dn, NodeState.DEAD, incarnation, time)
                self.nodes[dn].last_error = error
            case events.Canceled(dn=dn, incarnation=incarnation, time=time):
                self._put(dn, NodeState.CANCELED, incarnation, time)
            case events.Removed(dn=dn):
                self._forget_below(dn)
                del self.nodes[dn]
                self.below.get(dn.rpartition(".")[0], {}).pop(dn, None)
            case events.Stuck(nodes=nodes):
                for node in nodes:
                    self.nodes[node.dn].stuck = True
            case events.Stopped(unstopped=unstopped):
                self.unstopped = unstopped
            case _:
                pass

    def _put(self, dn: str, state: NodeState, incarnation: int, time: float) -> None:
        if state is NodeState.DEAD and dn in self.supervisors:
            self._forget_below(dn)
        before = self.nodes.get(dn)
        self.nodes[dn] = _Told(state, incarnation, time, None if before is None else before.last_error)
        self.below.setdefault(dn.rpartition(".")[0], {})[dn] = None

    def _forget_below(self, dn: str) -> None:
        left = list(self.below.pop(dn, ()))
        while left:
            gone = left.pop()
            left += self.below.pop(gone, ())
            del self.nodes[gone]


def differences(fold: Fold, snapshot: Iterable[NodeSnapshot]) -> list[str]:
    """Where the events and the snapshot do not tell the same."""
    told = {
        dn: (node.state, node.incarnation, node.since, node.last_error, node.stuck) for dn, node in fold.nodes.items()
    }
    shown = {node.dn: (node.state, node.incarnation, node.since, node.last_error, node.stuck) for node in snapshot}
    return [
        f"I15: of {dn} the events tell {told.get(dn)}, the snapshot shows {shown.get(dn)}"
        for dn in sorted(told.keys() | shown.keys())
        if told.get(dn) != shown.get(dn) and dn not in fold.unstopped
    ]
