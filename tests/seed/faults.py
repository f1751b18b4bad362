"""The engine with one decision taken wrongly, for the tests of the tests: each story must fail over it.

Every fault is one that some supervisor has had: the seed, its upstream, or a port of them. A fault replaces what it
breaks through the `MonkeyPatch` that it is given.
"""

from __future__ import annotations

import threading
from dataclasses import replace
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
        if event.end is End.RETURNED:
            uncancel(tree, tree.nodes[event.node], out)
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


def error_after_a_cancel_is_a_death(patch):
    ended = decision.ended

    def ended_for_the_worse(tree, event, out):
        if event.end is End.RAISED:
            uncancel(tree, tree.nodes[event.node], out)
        ended(tree, event, out)

    patch.setattr(decision, "ended", ended_for_the_worse)


def uncancel(tree, node, out):
    """Have it that this node, which still runs, was never canceled."""
    if node.doomed:
        restart.leave_deadline(tree, node, out)
        node.doomed = False
        tree.doomed -= 1
        node.group.open -= 1


def backoff_gives_up_after_fifteen_minutes(patch):
    """Counted from the last time the node was healthy, or from the first that it died."""
    back_off = restart._back_off
    since = {}

    def back_off_for_so_long(tree, node, event, out):
        begin = since.setdefault(node.id, event.at if node.healthy_at is None else node.healthy_at)
        if event.at - begin < 15 * 60:
            back_off(tree, node, event, out)

    patch.setattr(restart, "_back_off", back_off_for_so_long)


def healthy_resets_at_once(patch):
    signaled = decision.signaled

    def signaled_and_reset(tree, event, out):
        signaled(tree, event, out)
        if event.signal is Signal.HEALTHY:
            tree.nodes[event.node].failures = 0

    patch.setattr(decision, "signaled", signaled_and_reset)


def group_has_no_barrier(patch):
    launch = restart._launch

    def settle_alone(tree, node, at, out):
        if node is not None and not node.open and node.doomed and tree.stop is None:
            launch(tree, [node], at, out)

    patch.setattr(restart, "_settle", settle_alone)


def nobody_is_stuck(patch):
    patch.setattr(decision, "deadline_over", lambda *_: None)


def each_blocker_is_told_by_itself(patch):
    join = cancel._join
    patch.setattr(cancel, "_join", lambda deadlines, node, at: join(deadlines, node, at + 1e-6 * len(deadlines)))


def death_of_a_sibling_ends_the_backoff(patch):
    die = restart._die

    def die_and_wake(tree, node, event, out):
        for sibling in restart._companions(node):
            restart.end_backoff(tree, sibling, out)
        die(tree, node, event, out)

    patch.setattr(restart, "_die", die_and_wake)


def temporary_is_restarted(patch):
    launch = restart._launch

    def launch_all(tree, members, at, out):
        for node in members:
            node.wanted = True
        launch(tree, members, at, out)

    patch.setattr(restart, "_launch", launch_all)


def restart_takes_the_group_along(patch):
    requested = decision.restart_requested

    def requested_for_all(tree, event, out):
        group = tree.nodes[event.node].group.members.values()
        for node in list(group):
            requested(tree, replace(event, node=node.id), out)

    patch.setattr(decision, "restart_requested", requested_for_all)


def group_starts_backwards(patch):
    spawned = decision.spawned
    patch.setattr(
        decision, "spawned", lambda tree, event, out: spawned(tree, replace(event, births=event.births[::-1]), out)
    )


def stop_has_no_order(patch):
    stop = decision.stop
    patch.setattr(decision, "stop", lambda tree, _timeout, at, out: stop(tree, 0.0, at, out))


def deaths_are_never_propagated(patch):
    ended = decision.ended

    def ended_quietly(tree, event, out):
        tree.propagate = False
        ended(tree, event, out)

    patch.setattr(decision, "ended", ended_quietly)
