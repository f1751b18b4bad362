"""Canceling: whom it reaches, and what happens to those that do not end in time (R4, R6, R12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otp.tree.decision.bookkeeping import arm, change, disarm, doom, subtree
from otp.tree.decision.messages import Cancel, Canceling, Kill, Stuck
from otp.tree.decision.model import Deadline, NodeState
from otp.tree.decision.otp.close import dissolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otp.tree.decision.messages import Action, Cause
    from otp.tree.decision.model import Node, Tree

__all__ = ["LAST_GRACE", "cancel", "deadline_over", "end_backoff", "hurry", "leave_deadline"]

LAST_GRACE: Final = 0.5
"""Seconds for what is canceled when the time for an orderly stop is over. A runnable that listens needs milliseconds;
one that does not is reported, and the stop is over soon after its timeout."""


def cancel(  # noqa: PLR0913 - whom, why and when
    tree: Tree,
    tops: Iterable[Node],
    at: float,
    out: list[Action],
    *,
    cause: Cause,
    by: str,
) -> None:
    """Cancel `tops` and all below them, as one cancellation; tops that are doomed already are left as they are."""
    fresh = [node for node in tops if not node.doomed]
    if fresh:
        out.append(Canceling(tuple(node.dn for node in fresh), cause, by, at))
    deadlines: dict[float, Deadline] = {}
    for top in fresh:
        for node in subtree(top):
            end_backoff(tree, node, out)
            if node.doomed:
                continue
            doom(tree, node)
            if node.supervisor is not None:
                _close(tree, node, out)
            if node.running:
                out.append(Cancel(node.id, node.incarnation))
                if node.policy.shutdown is not None and node.supervisor is None:  # which has nothing that could last
                    _join(deadlines, node, at + node.policy.shutdown)
            else:
                change(tree, node, NodeState.CANCELED, at, out)
    _set(tree, deadlines, at, out)


def _close(tree: Tree, node: Node, out: list[Action]) -> None:
    dissolve(tree, node, out)
    if node.halt is not None:
        disarm(tree, node.halt, out)


def hurry(tree: Tree, top: Node, limit: float, at: float, out: list[Action]) -> None:
    """Whatever has been canceled from `top` on has until `limit` to end, however long it was promised."""
    deadlines: dict[float, Deadline] = {}
    for node in subtree(top):
        if node.running and not node.stuck and (node.deadline is None or node.deadline.at >= limit):
            leave_deadline(tree, node, out)
            _join(deadlines, node, limit)
    _set(tree, deadlines, at, out)


def _join(deadlines: dict[float, Deadline], node: Node, at: float) -> None:
    node.deadline = deadlines.setdefault(at, Deadline(at))
    node.deadline.nodes[node.id] = node


def _set(tree: Tree, deadlines: dict[float, Deadline], at: float, out: list[Action]) -> None:
    for deadline in deadlines.values():
        if deadline.at > at:
            arm(tree, deadline, deadline.at, out)
        else:
            deadline_over(tree, deadline, at, out)


def end_backoff(tree: Tree, node: Node, out: list[Action]) -> None:
    """`node` waits for its backoff no longer."""
    disarm(tree, node, out)
    node.restart_at = None


def leave_deadline(tree: Tree, node: Node, out: list[Action]) -> None:
    """`node` has ended, in time or not; the last one takes the timer along."""
    if node.stuck:
        node.stuck = False
        tree.stuck -= 1
    deadline, node.deadline = node.deadline, None
    if deadline is not None:
        del deadline.nodes[node.id]
        if not deadline.nodes:
            disarm(tree, deadline, out)


def deadline_over(tree: Tree, deadline: Deadline, at: float, out: list[Action]) -> None:
    """What still runs is killed, where that can be done, and is stuck, where it cannot (R12)."""
    stuck: list[tuple[int, str, int]] = []
    for node in deadline.nodes.values():
        if node.policy.killable:
            out.append(Kill(node.id, node.incarnation))
        else:
            node.stuck = True
            tree.stuck += 1
            stuck.append((node.id, node.dn, node.incarnation))
            if node.halt is not None:
                tree.due.append(node.halt)
    if stuck:
        out.append(Stuck(tuple(stuck), at))
