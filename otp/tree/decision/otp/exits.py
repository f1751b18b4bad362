"""What the children of a behaviour supervisor tell it: the hooks of the other rules.

Nothing is decided here. What happened is written down, and the supervisor is woken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import change, doom, wake
from otp.tree.decision.cancel import cancel, end_backoff
from otp.tree.decision.messages import Cause, End
from otp.tree.decision.model import NodeState
from otp.tree.decision.otp.children import part
from otp.tree.decision.otp.record import Anew, Exit, Outcome, Status
from otp.tree.decision.policy import Restart
from otp.tree.decision.stop import stop

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Ended
    from otp.tree.decision.model import Node, Tree
    from otp.tree.decision.otp.record import Spec, Supervisor

__all__ = ["anew", "exited", "gone", "started"]


def started(tree: Tree, record: Supervisor, node: Node) -> None:
    """A child is HEALTHY, which is what its start was waiting for."""
    task = record.task
    if task is not None and task.trial is not None and task.trial.node is node and task.outcome is None:
        task.outcome = Outcome.STARTED
        task.trial.status = Status.STARTED
        wake(tree, record.node)


def exited(tree: Tree, record: Supervisor, node: Node, event: Ended, out: list[Action]) -> None:
    """A child that nobody had asked to end has ended. What is below it goes along."""
    record.draw = event.draw
    returned = event.end is End.RETURNED and (node.done_signaled or node.policy.restart is not Restart.PERMANENT)
    doom(tree, node)
    if returned or event.end is End.IGNORED:
        change(tree, node, NodeState.DONE, event.at, out, traceback=event.traceback)
    else:
        node.last_error = event.error or "returned without having signaled DONE"
        change(tree, node, NodeState.DEAD, event.at, out, error=node.last_error, traceback=event.traceback)
    for child in node.children.values():
        end_backoff(tree, child, out)
    cancel(tree, node.children.values(), event.at, out, cause=Cause.DEATH, by=node.dn)
    spec = record.specs.get(node.name)
    if spec is not None and spec.node is node:
        spec.clean = returned or event.end in {End.SHUTDOWN, End.IGNORED}
        _note(tree, record, spec, event.end, returned=returned)
    if tree.propagate and node.state is NodeState.DEAD and _is_death(node, event.end):
        stop(tree, None, event.at, out)


def _is_death(node: Node, end: End) -> bool:
    return end is not End.SHUTDOWN or node.policy.restart is Restart.PERMANENT


def _note(tree: Tree, record: Supervisor, spec: Spec, end: End, *, returned: bool) -> None:
    task = record.task
    if task is None or task.trial is not spec or task.outcome is not None:
        return
    if end is End.IGNORED:
        task.outcome = Outcome.IGNORED
    elif returned:
        task.outcome = Outcome.STARTED
        spec.status = Status.STARTED
    else:
        task.outcome = Outcome.FAILED
    wake(tree, record.node)


def gone(tree: Tree, record: Supervisor, node: Node, at: float, out: list[Action]) -> None:
    """A child and all below it have ended, one way or another: only now does its supervisor see its end.

    The behaviours below a child end before it in OTP too, for a supervisor ends after its children. That a plain child
    has descendants is otp's own; they are canceled with it (R5), and until the last of them has ended its place is taken
    (R6): an earlier reaction could stop siblings, but start nothing.
    """
    wake(tree, record.node)
    spec = record.specs.get(node.name)
    if record.closed or spec is None:
        return
    task = record.task
    if spec.status is Status.STARTED:
        if node.state is not NodeState.CANCELED:
            record.queue.append(Exit(spec, node.incarnation))
    elif spec.status is Status.STOPPED and (task is None or spec not in task.anew):
        part(tree, record, spec, at, out)
    if record.parked:
        _unpark(record)


def _unpark(record: Supervisor) -> None:
    """What a restart has waited for may have ended."""
    current = [again for again in record.parked if again.spec.again is again]
    record.parked = [again for again in current if any(node.open for node in again.behind)]
    record.queue.extend(again for again in current if again not in record.parked)


def anew(tree: Tree, record: Supervisor, node: Node) -> None:
    """Somebody wants a child restarted."""
    spec = record.specs.get(node.name)
    if not record.closed and spec is not None:
        record.queue.append(Anew(spec, node.incarnation))
        wake(tree, record.node)
