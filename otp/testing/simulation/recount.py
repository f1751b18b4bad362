"""Checks the tree's own bookkeeping: every count against what is counted, every node against what was seen of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from otp.testing.simulation.supervision.verdict import queries
from otp.testing.simulation.violation import Rule, Violation
from otp.tree.decision.model import Deadline, Node, NodeState, Stop

if TYPE_CHECKING:
    from otp.testing.simulation.picture import Picture, Seen
    from otp.tree.decision.model import Tree

__all__ = ["flat", "recount"]

_ENDED = (NodeState.DONE, NodeState.DEAD, NodeState.CANCELED)


def recount(tree: Tree, picture: Picture) -> None:
    """Compare `tree` with itself and with `picture`.

    Raises:
        Violation: with the rule `counts`, when something differs.
    """
    nodes = _walk(tree)
    _equal("nodes", {node.id for node in nodes} - picture.limbo.keys(), picture.nodes.keys())
    _equal("index", {node.id: node for node in nodes}, tree.nodes)
    _equal("states", Counter(node.state for node in nodes), Counter({s: n for s, n in tree.counts.items() if n}))
    _equal("running", sum(node.running for node in nodes), tree.running)
    _equal("doomed", sum(node.doomed for node in nodes), tree.doomed)
    _equal("stuck", sum(node.stuck for node in nodes), tree.stuck)
    for node in reversed(nodes):
        seen = picture.nodes.get(node.id)
        if seen is not None:
            _node(node, seen)
            if seen.life is not None:
                queries(tree, seen.life)
    _timers(tree, nodes, picture)
    calm = all(node.runs or node.state is NodeState.DONE for node in picture.nodes.values())
    condemned = any(node.condemned for node in picture.nodes.values())
    calm = calm and not condemned
    if not picture.limbo:
        _equal("settled", tree.settled, picture.stopped or (calm and picture.order is None))
    _equal("stopped", tree.stopped, picture.stopped)
    _equal("stop", tree.stop is not None, picture.order is not None)
    well = all(node.state in (NodeState.HEALTHY, NodeState.DONE) for node in picture.nodes.values())
    if not picture.limbo:
        _equal("healthy", tree.healthy, well and not condemned)


def _walk(tree: Tree) -> list[Node]:
    nodes = [tree.root]
    for node in nodes:
        nodes.extend(node.children.values())
    return nodes


def _node(node: Node, seen: Seen) -> None:
    where = f"of {seen.dn}"
    _equal(f"DN {where}", node.dn, seen.dn)
    _equal(f"state {where}", node.state, seen.state)
    _equal(f"incarnation {where}", node.incarnation, seen.incarnation)
    _equal(f"running {where}", node.running, seen.runs)
    _equal(f"doomed {where}", node.doomed, seen.condemned)
    _equal(f"stuck {where}", node.stuck, seen.late)
    _equal(f"DONE signal {where}", node.done_signaled, seen.done)
    _equal(f"HEALTHY signal {where}", node.healthy_at, seen.healthy_at)
    _equal(f"last change {where}", node.since, seen.since)
    _equal(f"deadline {where}", node.deadline and node.deadline.at, seen.deadline and seen.deadline.at)
    _equal(f"failures {where}", node.failures, seen.deaths)
    if not seen.called_off():
        _equal(f"backoff {where}", node.restart_at, seen.wait.at if seen.wait is not None else None)
    if seen.life is None:
        _equal(f"children {where}", list(node.children), [child.name for child in seen.children()])
    if not seen.group.kept:
        _equal(f"group {where}", list(node.group.members), [member.name for member in seen.group.members])
    _equal(f"parent {where}", node.parent.id if node.parent else None, seen.parent.id if seen.parent else None)
    above = int(node.state not in _ENDED)
    _equal(f"open {where}", node.open, above + sum(child.open > 0 for child in node.children.values()))
    _equal(f"over {where}", node.open == 0, seen.over())
    for group in {id(child.group): child.group for child in node.children.values()}.values():
        _equal(f"barrier below {seen.dn}", group.open, sum(m.doomed and m.open > 0 for m in group.members.values()))


def _timers(tree: Tree, nodes: list[Node], picture: Picture) -> None:
    purposes: list[Node | Deadline | Stop] = [node for node in nodes if node.timer]
    deadlines = {id(node.deadline): node.deadline for node in nodes if node.deadline is not None}
    for deadline in deadlines.values():
        members = {node.id: node for node in nodes if node.deadline is deadline}
        _equal("a deadline's nodes", deadline.nodes, members)
        _equal("a deadline's nodes that have ended", [node.dn for node in members.values() if not node.running], [])
        if deadline.timer:
            purposes.append(deadline)
    if tree.stop is not None and tree.stop.timer:
        purposes.append(tree.stop)
    supervised = any(seen.policy.supervision is not None for seen in picture.nodes.values())
    if not supervised:
        _equal(Rule.TIMERS, {purpose.timer: purpose for purpose in purposes}, tree.timers)
    loose = {timer for timer, alarm in picture.alarms.items() if alarm.loose}
    _equal("armed", tree.timers.keys() - loose, picture.alarms.keys() - loose)


def _equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Violation(Rule.COUNTS, f"{what}: in the tree {found}, counted {expected}")


def flat(tree: Tree) -> list[tuple[object, ...]]:
    """The tree as plain values, for comparing two of them."""
    rows: list[tuple[object, ...]] = [
        (
            node.dn,
            node.id,
            node.state,
            node.incarnation,
            node.running,
            node.done_signaled,
            node.doomed,
            node.stuck,
            node.open,
            node.group.open,
            node.failures,
            node.since,
            node.healthy_at,
            node.restart_at,
            node.timer,
            (node.deadline.at, node.deadline.timer, tuple(node.deadline.nodes)) if node.deadline else None,
            node.last_error,
            node.wanted,
        )
        for node in _walk(tree)
    ]
    order = [(node.id, [child.id for child in left]) for node, left in tree.stop.path] if tree.stop else None
    rows.append(
        (tree.running, tree.doomed, tree.stuck, tree.stopped, tree.last_timer, tuple(tree.counts.values()), order)
    )
    rows.append(tuple(sorted(tree.timers)))
    return rows
