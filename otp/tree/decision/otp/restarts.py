"""What the end of a child leads to: a restart by the strategy, the end of its spec, or the end of the supervisor."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import TYPE_CHECKING

from otp.tree.decision.messages import Cause, Why
from otp.tree.decision.otp.children import part
from otp.tree.decision.otp.record import Again, Job, Status, Task
from otp.tree.decision.otp.tasks import give_up
from otp.tree.decision.policy import AutoShutdown, Restart, Strategy

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action
    from otp.tree.decision.model import Tree
    from otp.tree.decision.otp.record import Anew, Exit, Spec, Supervisor

__all__ = ["again", "anew", "exited"]


def exited(tree: Tree, record: Supervisor, item: Exit, at: float, out: list[Action]) -> None:
    """A child has ended by itself, and all below it."""
    spec = item.spec
    if spec.status is not Status.STARTED or spec.node.incarnation != item.incarnation:
        return  # it has been stopped or restarted since
    restart = spec.node.policy.restart
    if restart is Restart.PERMANENT or (restart is Restart.TRANSIENT and not spec.clean):
        if _too_often(record, at):
            give_up(record, Why.INTENSITY, spec, out)
        else:
            _restart(record, spec)
        return
    part(tree, record, spec, at, out)
    if spec.node.policy.significant and _ends_with(record):
        give_up(record, Why.AUTO_SHUTDOWN, spec, out)


def _ends_with(record: Supervisor) -> bool:
    """Whether the supervisor ends when a significant child has ended."""
    if record.supervision.auto_shutdown is AutoShutdown.ALL_SIGNIFICANT:
        return all(spec.status is Status.STOPPED for spec in record.specs.values() if spec.node.policy.significant)
    return record.supervision.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT


def again(record: Supervisor, item: Again, at: float, out: list[Action]) -> None:
    """The next try of a restart."""
    spec = item.spec
    if spec.again is not item:
        return  # `terminate_child`, or the restart of a sibling, has ended the loop
    if spec.node.open:
        item.behind = (spec.node,)
        record.parked.append(item)
        return
    spec.again = None
    if item.alone:
        _restart_alone(record, spec)
    elif not item.free and _too_often(record, at):
        give_up(record, Why.INTENSITY, spec, out)
    else:
        _restart(record, spec)


def anew(tree: Tree, record: Supervisor, item: Anew) -> None:
    """Restart that child alone, uncounted."""
    spec = item.spec
    is_that = spec.node.id in tree.nodes and spec.node.incarnation == item.incarnation
    if is_that and spec.status is not Status.STOPPED:
        _restart_alone(record, spec)


def _restart_alone(record: Supervisor, spec: Spec) -> None:
    alone = (spec,)
    record.task = Task(
        Job.RESTART,
        record,
        spec,
        stops=[spec],
        starts=deque(alone),
        members=alone,
        anew=set(alone),
        cause=Cause.RESTART,
        by=spec.node.dn,
    )


def _restart(record: Supervisor, spec: Spec) -> None:
    spec.status = Status.STOPPED
    members = _members(record, spec)
    starts = [each for each in members if each.node.policy.restart is not Restart.TEMPORARY and not each.parting]
    record.task = Task(
        Job.RESTART,
        record,
        spec,
        stops=[each for each in members if each is not spec],
        starts=deque(starts),
        members=tuple(members),
        anew=set(starts),
        cause=Cause.DEATH,
        by=spec.node.dn,
    )


def _members(record: Supervisor, spec: Spec) -> list[Spec]:
    """The children that are restarted together with one of them."""
    if record.supervision.strategy is Strategy.ONE_FOR_ONE:
        return [spec]
    members = list(record.specs.values())
    return members[members.index(spec) :] if record.supervision.strategy is Strategy.REST_FOR_ONE else members


def _too_often(record: Supervisor, at: float) -> bool:
    """Count a restart; whether it is one more than there may be."""
    restarts = record.restarts
    insort(restarts, at)
    del restarts[: bisect_left(restarts, at - record.supervision.max_seconds)]
    return len(restarts) > record.supervision.max_restarts
