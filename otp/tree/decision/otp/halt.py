"""The stop of one node with all below it, in order: what a behaviour supervisor does to its children.

As in the stop of the whole tree, children end before their parent, the last one first, one at a time; only those of a
dynamic supervisor all at once. What has to be waited for says so itself: a node that ends or is stuck has its `halt`
put down in `tree.due`, and so has the one above when this one is over (a supervisor is woken). Nothing here calls itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import arm, wake
from otp.tree.decision.cancel import LAST_GRACE, cancel, end_backoff, hurry
from otp.tree.decision.otp.close import dissolve
from otp.tree.decision.otp.record import Halt

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Cause
    from otp.tree.decision.model import Node, Tree
    from otp.tree.decision.otp.record import Task

__all__ = ["begin", "order_over", "step"]


def begin(  # noqa: PLR0913 - what, for whom, why and when
    tree: Tree,
    node: Node,
    above: Halt | Task | None,
    at: float,
    out: list[Action],
    *,
    cause: Cause,
    by: str,
) -> None:
    """Stop `node` for `above`, which is told when all of it has ended or is stuck."""
    if above is not None:
        above.waits += 1
    end_backoff(tree, node, out)
    dissolve(tree, node, out)
    halt = node.halt = Halt(node, above, cause, by)
    for child in node.children.values():
        if child.halt is None or child.halt.over:
            halt.left.append(child)
        else:  # the supervisor had begun to stop it: as it would have, wait for that first
            child.halt.above = halt
            halt.waits += 1
    tree.due.append(halt)
    if node.supervisor is not None and node.running and not node.doomed and node.policy.shutdown is not None:
        arm(tree, halt, at + node.policy.shutdown, out)


def step(tree: Tree, halt: Halt, at: float, out: list[Action]) -> None:
    """Go on, if nothing has to be waited for."""
    node = halt.node
    if halt.over or halt.waits:
        return
    if halt.left:
        if node.policy.supervision is not None and node.policy.supervision.dynamic:
            batch, halt.left = halt.left, []
        else:
            batch = [halt.left.pop()]
        for child in batch:
            begin(tree, child, halt, at, out, cause=halt.cause, by=halt.by)
        return
    if node.running:
        cancel(tree, [node], at, out, cause=halt.cause, by=halt.by)
        if not node.stuck:
            return
    halt.over = True  # its timer was disarmed when the node was canceled
    above = halt.above
    if above is not None:
        above.waits -= 1
        if not above.waits:
            if isinstance(above, Halt):
                tree.due.append(above)
            else:
                wake(tree, above.record.node)


def order_over(tree: Tree, halt: Halt, at: float, out: list[Action]) -> None:
    """A supervisor has not stopped within its `shutdown`: all that is left of it is canceled at once."""
    cancel(tree, [halt.node], at, out, cause=halt.cause, by=halt.by)
    hurry(tree, halt.node, at + LAST_GRACE, at, out)
