"""A behaviour supervisor takes one thing after the other from its queue."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import arm, wake
from otp.tree.decision.otp import requests, restarts
from otp.tree.decision.otp.children import adopt
from otp.tree.decision.otp.record import Again, Anew, Exit, Job, Task
from otp.tree.decision.otp.tasks import step

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Birth
    from otp.tree.decision.model import Node, Tree
    from otp.tree.decision.otp.record import Item, Supervisor

__all__ = ["serve", "spawned", "turn"]


def spawned(tree: Tree, record: Supervisor, births: tuple[Birth, ...]) -> None:
    """The initial children are known, and are started one after the other."""
    if record.spawned:
        return
    record.spawned = True
    specs = [adopt(record, birth) for birth in births]
    tree.kept.update((spec.node.id, spec.node) for spec in specs)
    record.task = Task(Job.INITIAL, record, starts=deque(specs))
    wake(tree, record.node)


def turn(tree: Tree, record: Supervisor) -> None:
    """The next try of a restart may be made."""
    record.turn = True
    wake(tree, record.node)


def serve(tree: Tree, sup: Node, at: float, out: list[Action]) -> Task | None:
    """Go on as far as possible. Returns its last task, if the supervisor has ended by its own decision."""
    record = sup.supervisor
    if record is None or not record.spawned:
        return None
    while True:
        task = record.task
        if task is not None:
            if not step(tree, task, at, out):
                return None
            if task.over:
                return task
        elif record.queue and _has_turn(tree, record, at, out):
            _handle(tree, record, record.queue.popleft(), at, out)
        else:
            return None


def _has_turn(tree: Tree, record: Supervisor, at: float, out: list[Action]) -> bool:
    """Whether the first of the queue may be dealt with in this event; each try to restart has one of its own."""
    if not isinstance(record.queue[0], Again):
        return True
    if record.turn:
        record.turn = False
        return True
    if not record.timer:
        arm(tree, record, at, out)
    return False


def _handle(tree: Tree, record: Supervisor, item: Item, at: float, out: list[Action]) -> None:
    match item:
        case Exit():
            restarts.exited(tree, record, item, at, out)
        case Again():
            restarts.again(record, item, at, out)
        case Anew():
            restarts.anew(tree, record, item)
        case _:
            requests.handle(tree, record, item, at, out)
