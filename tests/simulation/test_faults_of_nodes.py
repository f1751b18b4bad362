"""The test of the tests: faults are planted in what the decision does with nodes, and the simulation must find each soon.

Many of them are faults that the Go supervisor had or has. Each is a function that patches the decision and is named after
what goes wrong then; beside it stand the rules as whose violation it may be found. What goes wrong with deadlines and stops
is in `test_faults_of_endings`.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from otp.testing.simulation import Rule
from otp.tree import decision
from otp.tree.decision import bookkeeping, cancel, restart
from otp.tree.decision.messages import Cancel, Cause, End, Signal
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Backoff, Strategy

FAULTS = {}


def breaks(*rules):
    def register(fault):
        FAULTS[fault.__name__] = (fault, rules)
        return fault

    return register


def current(tree, event):
    node = tree.nodes.get(event.node)
    return node if node is not None and node.running and node.incarnation == event.incarnation else None


# --- R1, R2, R3, R10: what runnables ask for and say ----------------------------------------------------------------


@breaks(Rule.R1)
def half_a_group_is_started(patch):
    original = restart.spawned

    def spawned(tree, event, out):
        original(tree, event, out)
        if not out:
            for birth in event.births:
                original(tree, replace(event, births=(birth,)), out)

    patch.setattr(decision, "spawned", spawned)


@breaks(Rule.R1)
def names_are_not_anchored(patch):
    patch.setattr(restart, "is_name", lambda text: re.search(r"[A-Za-z0-9_-]{1,64}", text) is not None)


@breaks(Rule.R1)
def a_group_is_started_backwards(patch):
    original = restart.spawned
    patch.setattr(
        decision, "spawned", lambda tree, event, out: original(tree, replace(event, births=event.births[::-1]), out)
    )


@breaks(Rule.R10, Rule.COUNTS)
def an_earlier_incarnation_is_listened_to(patch):
    def current_by_name_only(tree, node_id, _incarnation):
        node = tree.nodes.get(node_id)
        return node if node is not None and node.running else None

    patch.setattr(restart, "_current", current_by_name_only)


@breaks(Rule.CONTRACT)
def the_decision_dies_of_a_message_from_a_forgotten_node(patch):
    def current_or_error(tree, node_id, incarnation):
        node = tree.nodes[node_id]
        return node if node.running and node.incarnation == incarnation else None

    patch.setattr(restart, "_current", current_or_error)


@breaks(Rule.R2)
def healthy_counts_again_and_again(patch):
    original = restart.signaled

    def signaled(tree, event, out):
        node = current(tree, event)
        if node is not None and node.state is NodeState.HEALTHY and event.signal is Signal.HEALTHY:
            node.state = NodeState.NEW
            tree.counts[NodeState.HEALTHY] -= 1
            tree.counts[NodeState.NEW] += 1
        original(tree, event, out)

    patch.setattr(decision, "signaled", signaled)


@breaks(Rule.R3)
def done_is_seen_at_the_signal(patch):
    original = restart.signaled

    def signaled(tree, event, out):
        original(tree, event, out)
        node = current(tree, event)
        if node is not None and node.state is NodeState.HEALTHY and event.signal is Signal.DONE:
            bookkeeping.change(tree, node, NodeState.DONE, event.at, out)

    patch.setattr(decision, "signaled", signaled)


@breaks(Rule.R5, Rule.COUNTS)
def done_counts_before_healthy(patch):
    original = restart.signaled

    def signaled(tree, event, out):
        original(tree, event, out)
        node = current(tree, event)
        if node is not None and event.signal is Signal.DONE:
            node.done_signaled = True

    patch.setattr(decision, "signaled", signaled)


# --- R4, R5, R6: ends and cancels -----------------------------------------------------------------------------------


@breaks(Rule.R4)
def an_error_after_a_cancel_is_a_death_again(patch):
    original = restart.ended

    def ended(tree, event, out):
        node = current(tree, event)
        if node is not None and node.doomed and event.end is End.RAISED:
            node.doomed = False
            tree.doomed -= 1
            node.group.open -= 1
        original(tree, event, out)

    patch.setattr(decision, "ended", ended)


@breaks(Rule.R5, Rule.R14, Rule.REQUEST)
def a_cancel_misses_the_grandchildren(patch):
    patch.setattr(cancel, "subtree", lambda node: [node, *node.children.values()])


def companions(patch, whom):
    original = restart._companions
    patch.setattr(restart, "_companions", lambda node: whom(node, list(node.group.members.values()), original(node)))


@breaks(Rule.R5)
def a_death_spares_its_group(patch):
    companions(patch, lambda _node, _members, _right: [])


@breaks(Rule.ISOLATION)
def a_death_takes_the_earlier_members_along(patch):
    companions(patch, lambda node, all_, right: all_ if node.group.strategy is Strategy.REST_FOR_ONE else right)


@breaks(Rule.ISOLATION)
def a_death_takes_independent_members_along(patch):
    companions(patch, lambda _node, members, _right: members)


def nothing(*_):
    pass


def cancels(patch, choose=lambda tops, _cause: tops, after=nothing):
    """Cancels reach what `choose` makes of their tops, and `after(tree, tops, at, out)` comes next."""
    original = restart.cancel

    def faulty(tree, tops, at, out, **why):
        others = [top for top in tops if top.dn != why["by"] or why["cause"] is not Cause.DEATH]
        original(tree, choose(others, why["cause"]), at, out, **why)
        after(tree, others, at, out)

    patch.setattr(restart, "cancel", faulty)


@breaks(Rule.R6)
def a_done_sibling_is_left_as_it_is(patch):
    cancels(patch, choose=lambda tops, _cause: [top for top in tops if top.state is not NodeState.DONE])


@breaks(Rule.ISOLATION, Rule.REQUEST)
def what_is_ending_is_canceled_again(patch):
    original = restart.cancel

    def cancel_again(tree, tops, at, out, **why):
        out.extend(Cancel(top.id, top.incarnation) for top in tops if top.doomed and top.running)
        original(tree, tops, at, out, **why)

    patch.setattr(restart, "cancel", cancel_again)


@breaks(Rule.REQUEST)
def a_requested_restart_takes_the_group_along(patch):
    def with_group(tops, cause):
        return [member for top in tops for member in top.group.members.values()] if cause is Cause.RESTART else tops

    cancels(patch, choose=with_group)


@breaks(Rule.R6)
def a_child_starts_again_under_a_canceled_parent(patch):
    original = restart.ended

    def ended(tree, event, out):
        original(tree, event, out)
        node = tree.nodes.get(event.node)
        lies = node is not None and node.doomed and not node.open and tree.stop is None
        if lies and node.parent is not None and node.parent.doomed:
            restart._restart(tree, node, event.at, out)

    patch.setattr(decision, "ended", ended)


@breaks(Rule.R11)
def a_restart_does_not_wait_for_the_end(patch):
    original = restart.restart_requested

    def restart_requested(tree, event, out):
        original(tree, event, out)
        node = tree.nodes.get(event.node)
        if node is not None and node.doomed and node.running and tree.stop is None and not node.children:
            node.group.open -= 1
            node.open -= 1
            tree.running -= 1
            restart._restart(tree, node, event.at, out)

    patch.setattr(decision, "restart_requested", restart_requested)


@breaks(Rule.R6)
def incarnations_are_not_counted(patch):
    original = restart.start

    def start(tree, node, at, out):
        node.incarnation = 0
        original(tree, node, at, out)

    patch.setattr(restart, "start", start)


@breaks(Rule.R6)
def old_children_are_not_forgotten(patch):
    patch.setattr(bookkeeping, "drop_subtree", lambda _tree, _node: ())


# --- R7, R8, R9: barrier and backoff --------------------------------------------------------------------------------


@breaks(Rule.R7)
def there_is_no_exit_barrier(patch):
    def settle(tree, node, at, out):
        free = node is not None and not node.open and tree.stop is None
        if free and (node.parent is None or not node.parent.doomed):
            restart._launch(tree, [node], at, out)

    patch.setattr(restart, "_settle", settle)


@breaks(Rule.R8, Rule.R9)
def a_siblings_death_shortens_a_backoff(patch):
    def release(tree, tops, _at, out):
        for top in tops:
            cancel.end_backoff(tree, top, out)

    cancels(patch, after=release)


@breaks(Rule.R8, Rule.R9)
def a_group_in_a_crash_loop_gets_hot(patch):
    """A sibling in its backoff becomes CANCELED, and what is CANCELED does not wait: what the Go supervisor does."""

    def release(tree, tops, at, out):
        for top in tops:
            if top.timer:
                cancel.end_backoff(tree, top, out)
                bookkeeping.change(tree, top, NodeState.CANCELED, at, out)

    cancels(patch, after=release)


@breaks(Rule.R8, Rule.R9)
def there_is_no_backoff(patch):
    def back_off(_tree, node, _event, _out):
        node.failures += 1

    patch.setattr(restart, "_back_off", back_off)


def delays(patch, instead):
    original = Backoff.delay
    patch.setattr(Backoff, "delay", lambda self, failures, draw: instead(self, original, failures, draw))


@breaks(Rule.R8, Rule.R9)
def the_backoff_does_not_grow(patch):
    delays(patch, lambda self, original, _failures, draw: original(self, 0, draw))


@breaks(Rule.R8, Rule.R9)
def the_backoff_ends_for_good_after_some_deaths(patch):
    delays(patch, lambda self, original, failures, draw: original(self, failures, draw) if failures < 4 else 0.0)


@breaks(Rule.R8, Rule.R9)
def the_jitter_is_below_the_maximum(patch):
    delays(patch, lambda self, original, failures, draw: min(original(self, failures, draw), self.maximum))


@breaks(Rule.R9, Rule.COUNTS)
def the_backoff_is_never_reset(patch):
    original = restart.ended

    def ended(tree, event, out):
        node = current(tree, event)
        if node is not None:
            node.healthy_at = None
        original(tree, event, out)

    patch.setattr(decision, "ended", ended)


@breaks(Rule.R9, Rule.COUNTS)
def the_backoff_is_reset_by_the_signal_alone(patch):
    original = restart.signaled

    def signaled(tree, event, out):
        original(tree, event, out)
        node = current(tree, event)
        if node is not None and event.signal is Signal.HEALTHY:
            node.failures = 0

    patch.setattr(decision, "signaled", signaled)


@breaks(Rule.R8)
def the_rest_does_not_wait_for_the_one(patch):
    original = restart._launch

    def launch(tree, members, at, out):
        for node in members:
            original(tree, [node], at, out)

    patch.setattr(restart, "_launch", launch)


@breaks(Rule.TIMERS)
def a_childs_backoff_outlives_its_parent(patch):
    patch.setattr(restart, "end_backoff", lambda _tree, _node, _out: None)
    patch.setattr(cancel, "end_backoff", lambda _tree, _node, _out: None)


@pytest.mark.parametrize("name", FAULTS)
def test_the_planted_fault_is_found(name, monkeypatch, found):
    plant_fault, rules = FAULTS[name]
    plant_fault(monkeypatch)

    outcome = found()

    assert outcome is not None, f"{name} is not found"
    print(f"{name}: seed {outcome.seed}, event {outcome.events}")  # noqa: T201 - how soon it is found is the figure
    assert outcome.rule in rules, outcome.violation


def test_without_a_fault_nothing_is_found(found):
    assert found() is None
