"""The end of a behaviour supervisor's service: everybody who waits for it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import disarm
from otp.tree.decision.messages import Answer, Forget, StartChild, Verdict
from otp.tree.decision.otp.record import Again, Anew, Exit

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Request
    from otp.tree.decision.model import Node, Tree

__all__ = ["dismiss", "dissolve", "refuse"]


def refuse(request: Request, verdict: Verdict, out: list[Action], child: int | None = None) -> None:
    """Answer a request that changes nothing."""
    out.append(Answer(request.request, verdict, child))
    if isinstance(request, StartChild):
        out.append(Forget((request.birth.node,)))


def dismiss(tree: Tree, node: Node, out: list[Action]) -> None:
    """The supervisor takes no requests any more; what it was at is given up."""
    record = node.supervisor
    if record is None or record.closed:
        return
    record.closed = True
    task, record.task = record.task, None
    if task is not None:
        disarm(tree, task, out)
        if task.request is not None:
            out.append(Answer(task.request, Verdict.NO_PROCESS))
    for item in record.queue:
        if not isinstance(item, (Exit, Again, Anew)):
            refuse(item, Verdict.NO_PROCESS, out)
    record.queue.clear()
    record.parked.clear()
    disarm(tree, record, out)


def dissolve(tree: Tree, node: Node, out: list[Action]) -> None:
    """It is stopped or has ended: the children that are not in the tree will not come back."""
    dismiss(tree, node, out)
    record = node.supervisor
    if record is None:
        return
    if record.task is not None:  # it was giving up, and is stopped before it came to that
        record.task = None
    gone = tuple(spec.node.id for spec in record.specs.values() if spec.node.id in tree.kept)
    if gone:
        for each in gone:
            del tree.kept[each]
        out.append(Forget(gone))
    record.specs = {}
