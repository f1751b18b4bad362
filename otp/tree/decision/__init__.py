"""The restart decision: a pure function of a tree and an event.

    tree, actions = decide(tree, event)

It has no threads, no clock, no random source, no I/O and no log. What it needs of them comes with the event (the moment,
a random number), and what is to be done comes back as actions, in the order in which they are to be done. The same tree
and the same event always give the same result.

`decide` consumes the tree that it is given: the tree it returns is the one to go on with. It is the same object, because
a copy of 10,000 nodes per event would cost a thousand times what the decision itself does. Who wants to keep a tree
copies it (`copy.deepcopy`).

    model         nodes, groups and the counts over them
    policy        what a child is promised; written by the user
    messages      events, actions, reports
    bookkeeping   keeps counts and timers true
    restart       R1-R9: start, signals, ends, deaths, the exit barrier
    cancel        whom a cancel reaches; deadlines (R12)
    stop          the ordered stop (R14), the end of the tree (R15)
    otp           behaviour supervisors: their children are restarted by OTP's algorithm
"""

from __future__ import annotations

from heapq import heappop
from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import enter, start
from otp.tree.decision.cancel import deadline_over
from otp.tree.decision.messages import Ended, Expired, RestartRequested, Signaled, Spawned, StopRequested
from otp.tree.decision.model import Deadline, Group, Node, Stop, Tree
from otp.tree.decision.otp import halt, serve, tasks
from otp.tree.decision.otp.queries import count_children, which_children
from otp.tree.decision.otp.record import Halt, Supervisor
from otp.tree.decision.otp.requests import asked
from otp.tree.decision.restart import backoff_over, ended, finished, restart_requested, signaled, spawned
from otp.tree.decision.stop import advance, order_over, stop

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Birth, Event

__all__ = ["count_children", "decide", "plant", "which_children"]


def plant(root: Birth, at: float, *, propagate: bool = False) -> tuple[Tree, list[Action]]:
    """A new tree, its root about to start. With `propagate` the first death stops it."""
    node = Node(root.node, root.name, root.name, root.policy, None, Group())
    tree = Tree(node, propagate=propagate)
    actions: list[Action] = []
    enter(tree, node)
    start(tree, node, at, actions)
    return tree, actions


def decide(tree: Tree, event: Event) -> tuple[Tree, list[Action]]:
    """What becomes of `tree` by `event`, and what is to be done about it."""
    actions: list[Action] = []
    match event:
        case Ended():
            ended(tree, event, actions)
            if tree.due or tree.awake:
                _go_on(tree, event.at, actions)
            advance(tree, event.at, actions)
        case Spawned():
            spawned(tree, event, actions)
        case Signaled():
            signaled(tree, event, actions)
        case Expired():
            _expired(tree, event, actions)
        case RestartRequested():
            restart_requested(tree, event, actions)
        case StopRequested():
            stop(tree, event.timeout, event.at, actions)
        case _:
            asked(tree, event, actions)
    if tree.due or tree.awake:
        _go_on(tree, event.at, actions)
        advance(tree, event.at, actions)
    return tree, actions


def _go_on(tree: Tree, at: float, actions: list[Action]) -> None:
    """What waits for something to happen, in the behaviour supervisors, goes on as far as it can.

    In OTP they are processes, and when several have something to do in the same moment, nothing says who is first. Here
    it is the deepest: what it is about, it does before whoever is above it may stop it.
    """
    while tree.due or tree.awake:
        if tree.due:
            halt.step(tree, tree.due.popleft(), at, actions)
            continue
        sup = tree.nodes.get(heappop(tree.awake)[1])
        last = None if sup is None else serve.serve(tree, sup, at, actions)
        if last is not None:
            finished(tree, last, at, actions)


def _expired(tree: Tree, event: Expired, actions: list[Action]) -> None:
    purpose = tree.timers.pop(event.timer, None)
    if purpose is None:
        return
    purpose.timer = 0
    if isinstance(purpose, Node):
        backoff_over(tree, purpose, event.at, actions)
    elif isinstance(purpose, Deadline):
        deadline_over(tree, purpose, event.at, actions)
        advance(tree, event.at, actions)
    elif isinstance(purpose, Supervisor):
        serve.turn(tree, purpose)
    elif isinstance(purpose, Halt):
        halt.order_over(tree, purpose, event.at, actions)
    elif not isinstance(purpose, Stop):
        tasks.too_late(tree, purpose, event.at, actions)
    else:  # somebody was being waited for, who has the last grace now: it cannot be over yet
        order_over(tree, purpose, event.at, actions)
