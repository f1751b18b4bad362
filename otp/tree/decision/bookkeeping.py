"""The counts of the tree and the timers: the only functions that touch them.

What is counted is defined in `model`; here it is kept true, one change at a time and without recursion.
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING

from otp.tree.decision.messages import Arm, Changed, Disarm, Start
from otp.tree.decision.model import NodeState
from otp.tree.decision.otp.record import Supervisor

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action
    from otp.tree.decision.model import Node, Purpose, Tree

__all__ = [
    "arm",
    "change",
    "close",
    "disarm",
    "doom",
    "drop_subtree",
    "enter",
    "remove",
    "reopen",
    "reprieve",
    "start",
    "subtree",
    "wake",
]


def change(  # noqa: PLR0913 - a report has that many parts
    tree: Tree,
    node: Node,
    state: NodeState,
    at: float,
    out: list[Action],
    *,
    error: str | None = None,
    traceback: object = None,
) -> None:
    """Give `node` its new state and report it. Whether its subtree has ended is for `close` and `reopen`."""
    tree.counts[node.state] -= 1
    tree.counts[state] += 1
    node.state = state
    node.since = at
    supervised = node.parent is not None and node.parent.supervisor is not None
    out.append(
        Changed(
            node.id,
            node.dn,
            node.incarnation,
            state,
            at,
            error,
            traceback,
            node.restart_at,
            node.policy,
            supervised,
        )
    )


def enter(tree: Tree, node: Node) -> None:
    """Put a node into the tree that has not been started yet."""
    tree.nodes[node.id] = node
    tree.counts[node.state] += 1
    node.group.members[node.name] = node
    if node.parent is not None:
        node.parent.children[node.name] = node


def reopen(node: Node) -> None:
    """`node` itself runs again: neither its subtree nor any around it has ended."""
    above: Node | None = node
    while above is not None:
        above.open += 1
        if above.open > 1:
            return
        above = above.parent


def close(node: Node) -> Node | None:
    """`node` itself has ended. Returns the topmost doomed node whose subtree has ended by that, if there is one."""
    topmost: Node | None = None
    above: Node | None = node
    while above is not None:
        above.open -= 1
        if above.open:
            break
        if above.doomed:
            above.group.open -= 1
            topmost = above
        above = above.parent
    return topmost


def doom(tree: Tree, node: Node) -> None:
    """This incarnation of `node` will not go on: its group's barrier waits for its subtree."""
    node.doomed = True
    tree.doomed += 1
    if node.open:
        node.group.open += 1


def subtree(node: Node) -> list[Node]:
    """`node` and all below it, each before its children."""
    found = [node]
    for above in found:  # grows while it is walked, which takes no stack however deep the tree is
        found.extend(above.children.values())
    return found


def drop_subtree(tree: Tree, node: Node) -> tuple[int, ...]:
    """Take all nodes below a doomed `node`, so doomed too, out of the tree; they have ended. Returns their ids."""
    below = subtree(node)[1:]
    for gone in below:
        del tree.nodes[gone.id]
        tree.counts[gone.state] -= 1
    tree.doomed -= len(below)
    node.children = {}
    return tuple(gone.id for gone in below)


def reprieve(tree: Tree, node: Node) -> tuple[int, ...]:
    """A doomed `node`, which has ended with all below it, is not doomed any more. Returns the ids of those below it."""
    gone = drop_subtree(tree, node)
    node.doomed = False
    tree.doomed -= 1
    return gone


def remove(tree: Tree, node: Node) -> tuple[int, ...]:
    """Take a doomed `node`, which has ended with all below it, out of the tree. Returns the ids of those below it."""
    gone = reprieve(tree, node)
    del tree.nodes[node.id]
    tree.counts[node.state] -= 1
    del node.group.members[node.name]
    if node.parent is not None:
        del node.parent.children[node.name]
    return gone


def start(tree: Tree, node: Node, at: float, out: list[Action]) -> None:
    """Begin the next incarnation of a node that has no children."""
    node.incarnation += 1
    node.running = True
    tree.running += 1
    node.done_signaled = False
    node.healthy_at = None
    node.halt = None
    if node.policy.supervision is not None:
        node.supervisor = Supervisor(node, node.policy.supervision)
    reopen(node)
    change(tree, node, NodeState.NEW, at, out)
    out.append(Start(node.id, node.incarnation))


def arm(tree: Tree, purpose: Purpose, at: float, out: list[Action]) -> None:
    """Have `purpose` seen to at `at`."""
    tree.last_timer += 1
    purpose.timer = tree.last_timer
    tree.timers[purpose.timer] = purpose
    out.append(Arm(purpose.timer, at))


def wake(tree: Tree, sup: Node) -> None:
    """The behaviour supervisor `sup` may go on by what has just happened."""
    heappush(tree.awake, (-sup.dn.count("."), sup.id))


def disarm(tree: Tree, purpose: Purpose, out: list[Action]) -> None:
    """Take the timer of `purpose` back, if it has one pending."""
    if purpose.timer:
        del tree.timers[purpose.timer]
        out.append(Disarm(purpose.timer))
        purpose.timer = 0
