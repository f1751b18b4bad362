"""The task that a behaviour supervisor is at: stop some children, the last one first, then start some, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import change, disarm
from otp.tree.decision.messages import Answer, Cause, Verdict, Why
from otp.tree.decision.model import NodeState
from otp.tree.decision.otp import exits, halt
from otp.tree.decision.otp.children import part, try_to_start
from otp.tree.decision.otp.close import close
from otp.tree.decision.otp.record import Again, Job, Outcome, Status, Task
from otp.tree.decision.policy import Restart

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, StopSupervisor
    from otp.tree.decision.model import Tree
    from otp.tree.decision.otp.record import Spec, Supervisor

__all__ = ["give_up", "obey", "step", "too_late"]


def step(tree: Tree, task: Task, at: float, out: list[Action]) -> bool:
    """Go on with the task by one step; whether that was possible."""
    if task.waits:
        return False
    if task.stopping:
        _stopped(tree, task, at, out)
    elif task.stops:
        _stop(tree, task, at, out)
    elif task.trial is not None:
        if task.outcome is None:
            return False
        _tried(tree, task, task.trial, at, out)
    elif task.starts:
        _start(tree, task, at, out)
    else:
        return _completed(tree, task, at, out)
    return True


def give_up(record: Supervisor, why: Why, spec: Spec, out: list[Action]) -> None:
    """The supervisor ends: first all its children, in order."""
    close(record, out)
    cause = Cause.STOP if why is Why.AUTO_SHUTDOWN else Cause.DEATH
    stops = list(record.specs.values())
    record.task = Task(Job.FINISH, record, spec, stops=stops, cause=cause, by=spec.node.dn, why=why)


def obey(record: Supervisor, order: StopSupervisor, out: list[Action]) -> None:
    """The same, because somebody wants it."""
    close(record, out)
    stops = list(record.specs.values())
    record.task = Task(Job.FINISH, record, None, order.request, stops=stops, by=record.node.dn, order=order)


def too_late(tree: Tree, task: Task, at: float, out: list[Action]) -> None:
    """The start of a child has taken longer than its `start_timeout`."""
    if task.trial is not None:
        task.outcome = Outcome.FAILED
        halt.begin(tree, task.trial.node, task, at, out, cause=Cause.STOP, by=task.record.node.dn)


# --- stopping -------------------------------------------------------------------------------------------------------


def _stop(tree: Tree, task: Task, at: float, out: list[Action]) -> None:
    if task.record.supervision.dynamic:
        batch, task.stops = task.stops, []
    else:
        batch = [task.stops.pop()]
    task.stopping = tuple(spec for spec in batch if spec.node.id in tree.nodes)
    for spec in task.stopping:
        halt.begin(tree, spec.node, task, at, out, cause=task.cause, by=task.by)


def _stopped(tree: Tree, task: Task, at: float, out: list[Action]) -> None:
    """What was to be stopped has ended or is stuck; what is to be started again stays in the tree meanwhile."""
    stopping, task.stopping = task.stopping, ()
    for spec in stopping:
        if task.job is Job.FINISH or spec in task.anew:
            spec.status = Status.STOPPED
            spec.again = None
        else:
            part(tree, task.record, spec, at, out)


# --- starting -------------------------------------------------------------------------------------------------------


def _start(tree: Tree, task: Task, at: float, out: list[Action]) -> None:
    if task.spec is not None and any(each.node.open for each in task.members):  # something is stuck
        _park(tree, task, task.spec, at, out)
        return
    task.members = ()
    spec = task.starts.popleft()
    task.anew.discard(spec)
    try_to_start(tree, task, spec, at, out)


def _tried(tree: Tree, task: Task, spec: Spec, at: float, out: list[Action]) -> None:
    """The start of a child has come to its end."""
    disarm(tree, task, out)
    outcome = task.outcome
    if outcome is not Outcome.STARTED and spec.node.halt is None:  # what is below it may still run
        halt.begin(tree, spec.node, task, at, out, cause=Cause.DEATH, by=spec.node.dn)
        return
    task.outcome = task.trial = None
    if outcome is Outcome.FAILED:
        _answer(task, Verdict.START_FAILED, out)
        _failed(tree, task, spec, at, out)
    elif outcome is Outcome.IGNORED:
        _answer(task, Verdict.IGNORED, out)
        part(tree, task.record, spec, at, out)


def _failed(tree: Tree, task: Task, spec: Spec, at: float, out: list[Action]) -> None:
    record = task.record
    record.task = None
    if task.job is Job.INITIAL:
        give_up(record, Why.START_FAILED, spec, out)
    elif task.job is Job.RESTART and spec.node.policy.restart is not Restart.TEMPORARY:
        _leave_unstarted(tree, task, at, out)
        spec.status = Status.RESTARTING
        spec.again = Again(spec)
        record.queue.append(spec.again)
    else:
        spec.parting = task.job is Job.START_CHILD
        part(tree, record, spec, at, out)


def _park(tree: Tree, task: Task, spec: Spec, at: float, out: list[Action]) -> None:
    """A restart has to wait for something stuck (R7); meanwhile the supervisor serves others."""
    record = task.record
    record.task = None
    task.starts.remove(spec)
    _leave_unstarted(tree, task, at, out)
    spec.status = Status.RESTARTING
    behind = tuple(each.node for each in task.members if each.node.open)
    spec.again = Again(spec, free=True, alone=task.cause is Cause.RESTART, behind=behind)
    record.parked.append(spec.again)


def _leave_unstarted(tree: Tree, task: Task, at: float, out: list[Action]) -> None:
    """What the restart has not come to is stopped, until the next try."""
    for spec in task.starts:
        if spec.node.id in tree.nodes:
            part(tree, task.record, spec, at, out)


# --- the end --------------------------------------------------------------------------------------------------------


def _completed(tree: Tree, task: Task, at: float, out: list[Action]) -> bool:
    node = task.record.node
    if task.job is Job.FINISH:
        task.over = node.open == 1  # itself; otherwise something is stuck
        return task.over
    task.record.task = None
    _answer(task, Verdict.OK, out)
    if task.job is Job.INITIAL:
        node.healthy_at = at
        change(tree, node, NodeState.HEALTHY, at, out)
        if node.parent is not None and node.parent.supervisor is not None:
            exits.started(tree, node.parent.supervisor, node)
    return True


def _answer(task: Task, verdict: Verdict, out: list[Action]) -> None:
    if task.request is not None and task.spec is not None:
        out.append(Answer(task.request, verdict, task.spec.node.id))
        task.request = None
