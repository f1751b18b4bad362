"""The stop of a tree, in order (R14), and its end by itself (R15).

The order is a walk over the tree, last started first and children before their parent, that pauses at each runnable
until it has ended or is stuck. The walk is kept as a path, so each step costs the same however large the tree is. At a
behaviour supervisor it waits for that one's own stop (`otp.halt`): the children of a dynamic one are stopped at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import arm, disarm, subtree
from otp.tree.decision.cancel import LAST_GRACE, cancel, end_backoff, hurry
from otp.tree.decision.messages import Cause, Stopped, Stopping
from otp.tree.decision.model import NodeState, Stop
from otp.tree.decision.otp.close import dissolve
from otp.tree.decision.otp.halt import begin

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action
    from otp.tree.decision.model import Node, Tree

__all__ = ["LAST_GRACE", "advance", "order_over", "stop"]


def stop(tree: Tree, timeout: float | None, at: float, out: list[Action]) -> None:
    """Stop the tree; asked again, a new timeout counts from now and the order goes on."""
    if tree.stopped:
        return
    if tree.stop is None:
        out.append(Stopping(at))
        for node in tree.nodes.values():
            end_backoff(tree, node, out)
            if node.supervisor is not None:
                dissolve(tree, node, out)
        tree.stop = Stop([(tree.root, list(tree.root.children.values()))])
    if timeout is not None and not tree.stop.rushed:
        disarm(tree, tree.stop, out)
        if timeout > 0:
            arm(tree, tree.stop, at + timeout, out)
        else:
            order_over(tree, tree.stop, at, out)
    advance(tree, at, out)


def order_over(tree: Tree, current: Stop, at: float, out: list[Action]) -> None:
    """The time for an orderly stop is over: all that is left is canceled at once."""
    current.rushed = True
    cancel(tree, [tree.root], at, out, cause=Cause.STOP, by=tree.root.dn)
    hurry(tree, tree.root, at + LAST_GRACE, at, out)


def advance(tree: Tree, at: float, out: list[Action]) -> None:
    """Something has ended or is stuck: go on as far as that allows, and stop where everything has come to its end."""
    if tree.stopped:
        return
    if tree.stop is not None:
        _walk(tree, tree.stop.path, at, out)
        over = tree.running == tree.stuck
    else:
        over = tree.counts[NodeState.DONE] == len(tree.nodes)
    if over:
        tree.stopped = True
        if tree.stop is not None:
            disarm(tree, tree.stop, out)
        unstopped = tuple(node.dn for node in subtree(tree.root) if node.running)
        out.append(Stopped(unstopped, at))


def _walk(tree: Tree, path: list[tuple[Node, list[Node]]], at: float, out: list[Action]) -> None:
    """Cancel one runnable after the other, up to one that has to be waited for.

    A child whose parent's turn had begun already was never started, so what is on the path is all there is.
    """
    while path:
        node, children = path[-1]
        if node.supervisor is not None and node.running and not node.doomed:
            if node.halt is None:
                begin(tree, node, None, at, out, cause=Cause.STOP, by=tree.root.dn)
            return
        if children:
            child = children.pop()
            path.append((child, list(child.children.values())))
        elif node.running and not node.doomed:
            cancel(tree, [node], at, out, cause=Cause.STOP, by=tree.root.dn)
        elif node.running and not node.stuck:
            return
        else:
            path.pop()
