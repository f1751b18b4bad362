"""The life of a node from start to restart (R1-R9): one function per kind of event, and the exit barrier.

spawned --> _start ... signaled ... ended --> DONE
              ^                       |
              |                       +--> CANCELED ---+
              |                       +--> DEAD, backoff
              |                                        |  close: the subtree has ended
              +------- _launch <-----------------------+
                       the whole group's doomed members have ended (R7)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import arm, change, close, doom, drop_subtree, enter, remove, reprieve, start
from otp.tree.decision.cancel import cancel, end_backoff, leave_deadline
from otp.tree.decision.messages import (
    Answer,
    Cause,
    End,
    Ended,
    Finish,
    Forget,
    Removed,
    Signal,
    Stopped,
    Verdict,
    Why,
)
from otp.tree.decision.model import Group, Node, NodeState
from otp.tree.decision.names import is_name
from otp.tree.decision.otp import exits, serve
from otp.tree.decision.otp.close import dissolve
from otp.tree.decision.policy import Restart, Strategy
from otp.tree.decision.stop import stop

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Birth, RestartRequested, Signaled, Spawned
    from otp.tree.decision.model import Tree
    from otp.tree.decision.otp.record import Task

__all__ = ["backoff_over", "ended", "finished", "restart_requested", "signaled", "spawned"]


def spawned(tree: Tree, event: Spawned, out: list[Action]) -> None:
    """Start a group below a NEW node: all of it, in declared order, or nothing (R1).

    A parent that has been canceled, or whose tree is being stopped, gets its children too, but they are never started.
    """
    parent = _current(tree, event.node, event.incarnation)
    if parent is None or parent.state is not NodeState.NEW or not _free(parent, event.births):
        return
    held = parent.doomed or parent.halt is not None or tree.stop is not None
    if parent.supervisor is not None and not held:
        serve.spawned(tree, parent.supervisor, event.births)
        return
    group = Group(event.strategy)
    for birth in event.births:
        dn = f"{parent.dn}.{birth.name}"
        node = Node(birth.node, birth.name, dn, birth.policy, parent, group)
        enter(tree, node)
        if held:
            doom(tree, node)
            change(tree, node, NodeState.CANCELED, event.at, out)
        else:
            start(tree, node, event.at, out)


def _free(parent: Node, births: tuple[Birth, ...]) -> bool:
    names = {birth.name for birth in births}
    return len(names) == len(births) and parent.children.keys().isdisjoint(names) and all(map(is_name, names))


def signaled(tree: Tree, event: Signaled, out: list[Action]) -> None:
    """HEALTHY only from NEW, DONE only once and after HEALTHY (R2); DONE is seen when the runnable returns (R3)."""
    node = _current(tree, event.node, event.incarnation)
    if node is None:
        return
    if event.signal is Signal.DONE:
        node.done_signaled = node.state is NodeState.HEALTHY
    elif node.state is NodeState.NEW:
        node.healthy_at = event.at
        change(tree, node, NodeState.HEALTHY, event.at, out)
        if node.parent is not None and node.parent.supervisor is not None:
            exits.started(tree, node.parent.supervisor, node)


def ended(tree: Tree, event: Ended, out: list[Action]) -> None:
    """A runnable runs no more: DONE (R3), CANCELED (R4) or DEAD (R5)."""
    node = _current(tree, event.node, event.incarnation)
    if node is None:
        return
    node.running = False
    tree.running -= 1
    leave_deadline(tree, node, out)
    if node.supervisor is not None:
        dissolve(tree, node, out)
    if node.healthy_at is not None and event.at - node.healthy_at >= node.policy.backoff.reset_after:
        node.failures = 0
    if node.doomed:
        change(tree, node, NodeState.CANCELED, event.at, out, error=event.error, traceback=event.traceback)
    elif node.parent is not None and node.parent.supervisor is not None:
        exits.exited(tree, node.parent.supervisor, node, event, out)
    elif event.end is not End.RAISED and _is_done(node, event.end):
        change(tree, node, NodeState.DONE, event.at, out)
    else:
        _die(tree, node, event, out)
    if node.halt is not None:
        tree.due.append(node.halt)
    _settle(tree, close(node), event.at, out)


def _is_done(node: Node, end: End) -> bool:
    """Whether it needs no restart by itself, for it ended as it should."""
    if end is End.RETURNED:
        return node.done_signaled or node.policy.restart is not Restart.PERMANENT
    return end is End.IGNORED or (end is End.SHUTDOWN and node.policy.restart is Restart.TRANSIENT)


def finished(tree: Tree, task: Task, at: float, out: list[Action]) -> None:
    """A behaviour supervisor has ended by its own decision, after all its children."""
    node = task.record.node
    event = _last_words(task, at, out)
    if event is None:
        return
    dissolve(tree, node, out)
    gone = drop_subtree(tree, node)
    if gone:
        out.append(Forget(gone))
    if node.parent is None:
        _end_of_the_root(tree, node, event, out)
    else:
        ended(tree, event, out)


def _last_words(task: Task, at: float, out: list[Action]) -> Ended | None:
    record, spec, why, order = task.record, task.spec, task.why, task.order
    node = record.node
    if order is not None:
        out.append(Finish(node.id, node.incarnation, Why.STOPPED, request=order.request))
        out.append(Answer(order.request, Verdict.OK))
        task.request = None
        node.done_signaled = order.end is End.RETURNED
        return Ended(node.id, node.incarnation, order.end, at, order.draw, order.error, order.traceback)
    if spec is None or why is None:
        return None
    name, limit = spec.node.name, record.supervision
    out.append(Finish(node.id, node.incarnation, why, spec.node.id, name, spec.node.policy))
    error = {
        Why.INTENSITY: f"gave up: {name} exceeds {limit.max_restarts} restarts within {limit.max_seconds} s",
        Why.START_FAILED: f"{name} could not be started",
        Why.AUTO_SHUTDOWN: f"{name}, which is significant, has ended",
    }[why]
    return Ended(node.id, node.incarnation, End.SHUTDOWN, at, record.draw, error)


def _end_of_the_root(tree: Tree, node: Node, event: Ended, out: list[Action]) -> None:
    """A behaviour supervisor at the root is not restarted: the tree stops (R15)."""
    node.running = False
    tree.running -= 1
    doom(tree, node)
    if event.end is End.RETURNED:
        change(tree, node, NodeState.DONE, event.at, out, traceback=event.traceback)
    else:
        node.last_error = event.error
        change(tree, node, NodeState.DEAD, event.at, out, error=event.error, traceback=event.traceback)
    close(node)
    tree.stopped = True
    out.append(Stopped((), event.at))


def _die(tree: Tree, node: Node, event: Ended, out: list[Action]) -> None:
    doom(tree, node)
    node.last_error = event.error or "returned without having signaled DONE"
    restarts = (
        tree.stop is None
        and not tree.propagate
        and node.policy.restart is not Restart.TEMPORARY
        and (node.parent is None or node.parent.halt is None)
    )
    if restarts:
        _back_off(tree, node, event, out)
    change(tree, node, NodeState.DEAD, event.at, out, error=node.last_error, traceback=event.traceback)
    for child in node.children.values():
        end_backoff(tree, child, out)  # a child in its backoff is doomed already, so the cancel leaves it alone (R8)
    taken_along = [*node.children.values(), *(_companions(node) if restarts else ())]
    cancel(tree, taken_along, event.at, out, cause=Cause.DEATH, by=node.dn)
    if tree.propagate:
        stop(tree, None, event.at, out)


def _back_off(tree: Tree, node: Node, event: Ended, out: list[Action]) -> None:
    delay = node.policy.backoff.delay(node.failures, event.draw)
    node.failures += 1
    if delay > 0:
        node.restart_at = event.at + delay
        arm(tree, node, node.restart_at, out)


def _companions(node: Node) -> list[Node]:
    """The members of its group that the death of `node` takes along (R7)."""
    if node.group.strategy is Strategy.ONE_FOR_ONE:
        return []
    members = list(node.group.members.values())
    return members[members.index(node) + 1 :] if node.group.strategy is Strategy.REST_FOR_ONE else members


def backoff_over(tree: Tree, node: Node, at: float, out: list[Action]) -> None:
    """A dead node has waited long enough; the exit barrier may still hold it."""
    node.restart_at = None
    _settle(tree, node, at, out)


def restart_requested(tree: Tree, event: RestartRequested, out: list[Action]) -> None:
    """Cancel that node alone and start it anew without backoff; its group stays."""
    node = tree.nodes.get(event.node)
    if node is None or tree.stop is not None or tree.stopped:
        return
    if node.parent is not None and node.parent.supervisor is not None:
        exits.anew(tree, node.parent.supervisor, node)
        return
    node.wanted = True
    end_backoff(tree, node, out)
    cancel(tree, [node], event.at, out, cause=Cause.RESTART, by=node.dn)
    _settle(tree, node, event.at, out)


def _settle(tree: Tree, node: Node | None, at: float, out: list[Action]) -> None:
    """`node` may be ready for what comes after its end: a restart with its group, or removal (R6)."""
    if node is None or node.open or tree.stop is not None:
        return
    parent = node.parent
    if parent is not None:
        if parent.doomed or parent.halt is not None:
            return
        if parent.supervisor is not None:
            exits.gone(tree, parent.supervisor, node, at, out)
            return
    if node.group.strategy is Strategy.ONE_FOR_ONE:
        _launch(tree, [node], at, out)
    elif not node.group.open:
        _launch(tree, list(node.group.members.values()), at, out)


def _launch(tree: Tree, members: list[Node], at: float, out: list[Action]) -> None:
    """What has ended starts anew: a dead one after its backoff (R8), and in REST_FOR_ONE all behind it after it."""
    for node in members:
        if not node.doomed:
            continue
        if node.timer:
            if node.group.strategy is Strategy.REST_FOR_ONE:
                return
        elif node.policy.restart is Restart.TEMPORARY and not node.wanted:
            _remove(tree, node, at, out)
        else:
            _restart(tree, node, at, out)


def _restart(tree: Tree, node: Node, at: float, out: list[Action]) -> None:
    gone = reprieve(tree, node)
    if gone:
        out.append(Forget(gone))
    node.wanted = False
    start(tree, node, at, out)


def _remove(tree: Tree, node: Node, at: float, out: list[Action]) -> None:
    """A TEMPORARY node has ended for good."""
    gone = (*remove(tree, node), node.id)
    out.append(Removed(node.dn, node.incarnation, at))
    out.append(Forget(gone))


def _current(tree: Tree, node_id: int, incarnation: int) -> Node | None:
    """The node, if that very incarnation of it is running (R10)."""
    node = tree.nodes.get(node_id)
    if node is None or node.incarnation != incarnation or not node.running:
        return None
    return node
