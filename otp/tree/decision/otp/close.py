"""The end of a behaviour supervisor's service: everybody who waits for it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import disarm
from otp.tree.decision.messages import Answer, Forget, StartChild, Verdict
from otp.tree.decision.otp.record import Again, Anew, Exit

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Request
    from otp.tree.decision.model import Node, Tree
    from otp.tree.decision.otp.record import Supervisor

__all__ = ["close", "dissolve", "refuse"]


def refuse(request: Request, verdict: Verdict, out: list[Action], child: int | None = None) -> None:
    """Answer a request that changes nothing."""
    out.append(Answer(request.request, verdict, child))
    if isinstance(request, StartChild):
        out.append(Forget((request.birth.node,)))


def close(record: Supervisor, out: list[Action]) -> None:
    """The supervisor takes no requests any more, and forgets what waits for it."""
    record.closed = True
    for item in record.queue:
        if not isinstance(item, (Exit, Again, Anew)):
            refuse(item, Verdict.NO_PROCESS, out)
    record.queue.clear()
    record.parked.clear()


def dissolve(tree: Tree, node: Node, out: list[Action]) -> None:
    """It is stopped or has ended: what it was at is given up, and the children outside the tree will not come back."""
    record = node.supervisor
    if record is None:
        return
    disarm(tree, record, out)
    task, record.task = record.task, None
    if task is not None:
        disarm(tree, task, out)
        if task.request is not None:
            out.append(Answer(task.request, Verdict.NO_PROCESS))
    close(record, out)
    gone = tuple(spec.node.id for spec in record.specs.values() if spec.node.id in tree.kept)
    if gone:
        for each in gone:
            del tree.kept[each]
        out.append(Forget(gone))
    record.specs = {}
