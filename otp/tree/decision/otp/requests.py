"""What is asked of a behaviour supervisor from outside: start, restart, terminate and delete a child; and to end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import wake
from otp.tree.decision.messages import (
    Answer,
    DeleteChild,
    Forget,
    RestartChild,
    StartChild,
    StopSupervisor,
    TerminateChild,
    Verdict,
)
from otp.tree.decision.otp.children import adopt, part
from otp.tree.decision.otp.close import refuse
from otp.tree.decision.otp.record import Job, Status, Task
from otp.tree.decision.otp.tasks import obey

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Request
    from otp.tree.decision.model import Tree
    from otp.tree.decision.otp.record import Spec, Supervisor

__all__ = ["asked", "handle"]


def asked(tree: Tree, request: Request, out: list[Action]) -> None:
    """Take a request down; the supervisor deals with it in its turn."""
    node = tree.nodes.get(request.node)
    record = None if node is None or node.incarnation != request.incarnation else node.supervisor
    if record is None or record.closed:
        refuse(request, Verdict.NO_PROCESS, out)
    else:
        record.queue.append(request)
        wake(tree, record.node)


def handle(tree: Tree, record: Supervisor, request: Request, at: float, out: list[Action]) -> None:
    """Answer it, or begin what it asks for."""
    match request:
        case StartChild():
            _start(record, request, out)
        case RestartChild():
            _restart(record, request, out)
        case TerminateChild():
            _terminate(tree, record, request, at, out)
        case DeleteChild():
            _delete(tree, record, request, out)
        case StopSupervisor():
            obey(record, request, out)


def _start(record: Supervisor, request: StartChild, out: list[Action]) -> None:
    spec = record.specs.get(request.birth.name)
    limit = record.supervision.max_children
    if spec is not None:
        present = Verdict.ALREADY_STARTED if _refusal(spec) is Verdict.RUNNING else Verdict.ALREADY_PRESENT
        refuse(request, present, out, spec.node.id)
    elif limit is not None and len(record.specs) >= limit:
        refuse(request, Verdict.MAX_CHILDREN, out)
    else:
        spec = adopt(record, request.birth)
        record.task = Task(Job.START_CHILD, record, spec, request.request, starts=deque((spec,)))


def _refusal(spec: Spec) -> Verdict | None:
    """Why a child that must be stopped for that cannot be restarted or deleted."""
    if spec.status is Status.RESTARTING:
        return Verdict.RESTARTING
    if spec.status is Status.STARTED or spec.node.open:  # it may be stuck
        return Verdict.RUNNING
    return None


def _restart(record: Supervisor, request: RestartChild, out: list[Action]) -> None:
    spec = record.specs.get(request.name)
    if spec is None or spec.parting:
        refuse(request, Verdict.NOT_FOUND, out)
    elif (refusal := _refusal(spec)) is not None:
        refuse(request, refusal, out, spec.node.id)
    else:
        record.task = Task(Job.RESTART_CHILD, record, spec, request.request, starts=deque((spec,)))


def _terminate(tree: Tree, record: Supervisor, request: TerminateChild, at: float, out: list[Action]) -> None:
    spec = record.specs.get(request.name)
    if spec is None or spec.parting:
        refuse(request, Verdict.NOT_FOUND, out)
    elif spec.status is Status.STARTED:
        record.task = Task(
            Job.TERMINATE_CHILD,
            record,
            spec,
            request.request,
            stops=[spec],
            by=record.node.dn,
        )
    else:
        if spec.status is Status.RESTARTING:
            part(tree, record, spec, at, out)
        refuse(request, Verdict.OK, out, spec.node.id)


def _delete(tree: Tree, record: Supervisor, request: DeleteChild, out: list[Action]) -> None:
    spec = record.specs.get(request.name)
    if spec is None or spec.parting:
        refuse(request, Verdict.NOT_FOUND, out)
    elif (refusal := _refusal(spec)) is not None:
        refuse(request, refusal, out, spec.node.id)
    else:
        node = spec.node
        del record.specs[node.name]
        del tree.kept[node.id]
        out.append(Answer(request.request, Verdict.OK, node.id))
        out.append(Forget((node.id,)))
