"""The engine with one decision taken wrongly, for the tests of the tests: each story must fail over it.

Every fault is one that some supervisor has had: the seed, its upstream, or a port of them. A fault replaces what it
breaks through the `MonkeyPatch` that it is given.
"""

from __future__ import annotations

import threading
from importlib import import_module

from otp.backends import thread
from otp.tree.decision.messages import Changed, End, Ended, Signal
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Backoff

# By import: as attributes of the package, some of these names are the functions that they hold.
decision = import_module("otp.tree.decision")
cancel = import_module("otp.tree.decision.cancel")
restart = import_module("otp.tree.decision.restart")


def group_is_not_canceled(patch):
    patch.setattr(restart, "_companions", lambda _node: [])


def children_are_not_canceled(patch):
    """A cancel reaches its top, and nobody below it."""
    patch.setattr(cancel, "subtree", lambda node: [node])


def canceled_member_waits_for_the_backoff_of_the_dead_one(patch):
    launch = restart._launch

    def all_or_nobody(tree, members, at, out):
        if not any(node.timer for node in members):
            launch(tree, members, at, out)

    patch.setattr(restart, "_launch", all_or_nobody)


def nothing_is_restarted(patch):
    patch.setattr(restart, "_launch", lambda *_: None)


def group_starts_only_its_first(patch):
    start = restart.start

    def start_first(tree, node, at, out):
        if next(iter(node.group.members)) == node.name:
            start(tree, node, at, out)

    patch.setattr(restart, "start", start_first)


def panic_is_not_caught(patch):
    """What is no `Exception` ends the thread, and nobody hears of it before the fault is mended."""
    run = thread._run
    mended = threading.Event()

    def run_without_a_net(incarnation, job):
        end, exception = run(incarnation, job)
        if exception is not None and not isinstance(exception, Exception):
            mended.wait()
        return end, exception

    patch.setattr(thread, "_run", run_without_a_net)
    return mended.set


def backoff_never_grows(patch):
    delay = Backoff.delay
    patch.setattr(Backoff, "delay", lambda self, _failures, draw: delay(self, 0, draw))


def backoff_never_resets(patch):
    ended = decision.ended

    def ended_unhealthy(tree, event, out):
        tree.nodes[event.node].healthy_at = None
        ended(tree, event, out)

    patch.setattr(decision, "ended", ended_unhealthy)


def backoff_is_ignored(patch):
    patch.setattr(Backoff, "delay", lambda *_: 0.001)


def pending_backoff_is_not_ended_by_the_death_of_the_parent(patch):
    """A node whose child waits for its backoff has not ended yet, so it waits too."""
    settle = restart._settle

    def settle_late(tree, node, at, out):
        if node is None or not any(child.timer for child in node.children.values()):
            settle(tree, node, at, out)

    def backoff_over(tree, node, at, out):
        node.restart_at = None
        settle_late(tree, node, at, out)
        settle_late(tree, node.parent, at, out)

    patch.setattr(restart, "end_backoff", lambda *_: None)
    patch.setattr(restart, "_settle", settle_late)
    patch.setattr(decision, "backoff_over", backoff_over)


def done_at_the_signal(patch):
    signaled = decision.signaled

    def signaled_and_ended(tree, event, out):
        signaled(tree, event, out)
        if event.signal is Signal.DONE:
            decision.ended(tree, Ended(event.node, event.incarnation, End.RETURNED, event.at), out)

    patch.setattr(decision, "signaled", signaled_and_ended)


def done_is_a_death(patch):
    signaled = decision.signaled

    def signaled_healthy_only(tree, event, out):
        if event.signal is not Signal.DONE:
            signaled(tree, event, out)

    patch.setattr(decision, "signaled", signaled_healthy_only)


def done_sibling_is_not_restarted(patch):
    companions = restart._companions
    patch.setattr(
        restart, "_companions", lambda node: [one for one in companions(node) if one.state is not NodeState.DONE]
    )


def return_after_a_cancel_is_a_death(patch):
    ended = decision.ended

    def ended_for_the_worse(tree, event, out):
        node = tree.nodes[event.node]
        if event.end is End.RETURNED and node.doomed and node.running:
            restart.leave_deadline(tree, node, out)
            node.doomed = False
            tree.doomed -= 1
            node.group.open -= 1
        ended(tree, event, out)

    patch.setattr(decision, "ended", ended_for_the_worse)


def cancels_are_not_told(patch):
    change = restart.change

    def change_in_silence(tree, node, state, at, out, **more):
        change(tree, node, state, at, out, **more)
        if state is NodeState.CANCELED:
            assert isinstance(out.pop(), Changed)

    patch.setattr(restart, "change", change_in_silence)
    patch.setattr(cancel, "change", change_in_silence)


def dead_shows_as_new(patch):
    """A snapshot shows a dead node as it will be after its backoff."""
    take = import_module("otp.tree.supervisor").take

    def take_wrongly(tree, backends):
        return [
            row._replace(state=NodeState.NEW) if row.state is NodeState.DEAD else row for row in take(tree, backends)
        ]

    patch.setattr(import_module("otp.tree.supervisor"), "take", take_wrongly)
