"""A tree at one moment, for whoever wants to look at it: frozen, flat inside, nested as a view.

`Row` is what the root supervisor gives away (moments on its own clock); `NodeSnapshot` is what users see. Nothing here
recurses, so that a tree of any depth can be shown, compared and sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from otp.tree.decision.bookkeeping import subtree
from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otp.tree.decision.model import Tree

__all__ = ["NodeSnapshot", "Row", "Until", "snapshot", "take"]

Until: TypeAlias = Literal["healthy", "settled", "stopped"]
"""What a whole tree can be waited for to be."""


class Row(NamedTuple):
    """One node."""

    dn: str
    parent: int
    """The index of its parent's row; -1: the root."""
    state: NodeState
    incarnation: int
    since: float
    last_error: str | None
    restart_at: float | None
    backend: str
    stuck: bool
    doomed: bool = False
    """It is dead, or has been asked to end; what runs will not go on."""

    def holds_up(self, until: Until) -> bool:
        """Whether it is because of this node that the tree is not yet so."""
        if until == "stopped":
            return self.runs
        return self.doomed or (until == "healthy" and self.state is NodeState.NEW)

    @property
    def as_it_is(self) -> str:
        """Its state, in the words of an error message."""
        if self.stuck:
            return "stuck"
        return "asked to end" if self.doomed and self.runs else self.state.upper()

    @property
    def runs(self) -> bool:
        """Whether its runnable has begun and has not ended."""
        return self.state in {NodeState.NEW, NodeState.HEALTHY}


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """One node of a tree as it was. Times are Unix seconds."""

    dn: str
    """Its distinguished name, as in `root.a.b`."""
    parent: str | None
    """The DN of its parent; `None`: it is the root."""
    state: NodeState
    incarnation: int
    """Which one, from 1; 0: it was never started, for its parent was canceled already."""
    restarts: int
    """How often it has been started again since its parent was."""
    since: float
    """When it changed to its state."""
    last_error: str | None
    """Why it died last, in one line."""
    next_restart: float | None
    """When its backoff ends; the exit barrier may hold it longer."""
    backend: str
    """What runs it: `thread` or `coroutine`."""
    stuck: bool
    """It was canceled, and still runs after its deadline."""
    _children: list[NodeSnapshot] = field(default_factory=list, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of the DN."""
        return self.dn.rpartition(".")[2]

    @property
    def children(self) -> tuple[NodeSnapshot, ...]:
        """Its children, in start order."""
        return tuple(self._children)

    def walk(self) -> Iterator[NodeSnapshot]:
        """This node and all below it, each before its children, in start order."""
        left: list[NodeSnapshot] = [self]
        while left:
            node = left.pop()
            yield node
            left.extend(reversed(node._children))  # noqa: SLF001 - of its own class

    def __reduce__(self) -> tuple[Callable[..., NodeSnapshot], tuple[list[tuple[Any, ...]]]]:
        """Copied and sent flat, each node without its children: it may be deeper than any stack."""
        names = [each.name for each in fields(self) if each.compare]
        return _nest, ([tuple(getattr(node, name) for name in names) for node in self.walk()],)


def take(tree: Tree, backends: dict[int, str]) -> list[Row]:
    """The rows of `tree`, each before those of its children."""
    nodes = subtree(tree.root)
    index = {node.id: number for number, node in enumerate(nodes)}
    return [
        Row(
            node.dn,
            -1 if node.parent is None else index[node.parent.id],
            node.state,
            node.incarnation,
            node.since,
            node.last_error,
            node.restart_at,
            backends[node.id],
            node.stuck,
            node.doomed,
        )
        for node in nodes
    ]


def _nest(flat: list[tuple[Any, ...]]) -> NodeSnapshot:
    """The first of the nodes, with all others below it."""
    made: dict[str, NodeSnapshot] = {}
    for values in flat:
        node = made[values[0]] = NodeSnapshot(*values)
        if node.parent is not None and node.parent in made:
            made[node.parent]._children.append(node)  # noqa: SLF001 - before anybody has seen it
    return made[flat[0][0]]


def snapshot(rows: list[Row], offset: float) -> dict[str, NodeSnapshot]:
    """The nodes by DN; `offset` is what turns the moments of `rows` into Unix seconds."""
    made: list[NodeSnapshot] = []
    for row in rows:
        node = NodeSnapshot(
            dn=row.dn,
            parent=None if row.parent < 0 else made[row.parent].dn,
            state=row.state,
            incarnation=row.incarnation,
            restarts=max(0, row.incarnation - 1),
            since=row.since + offset,
            last_error=row.last_error,
            next_restart=None if row.restart_at is None else row.restart_at + offset,
            backend=row.backend,
            stuck=row.stuck,
        )
        if row.parent >= 0:
            made[row.parent]._children.append(node)  # noqa: SLF001 - before anybody has seen it
        made.append(node)
    return {node.dn: node for node in made}
