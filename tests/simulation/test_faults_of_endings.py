"""The test of the tests, as in `test_faults_of_nodes`: faults in what becomes of TEMPORARY nodes, deadlines and stops."""

from __future__ import annotations

import importlib

import pytest

from otp.testing.simulation import Rule
from otp.tree import decision
from otp.tree.decision import cancel, restart
from otp.tree.decision.messages import Cause, Kill, Stuck
from otp.tree.decision.model import Stop

stopping = importlib.import_module("otp.tree.decision.stop")  # in the package, that name is the function
FAULTS = {}


def breaks(*rules):
    def register(fault):
        FAULTS[fault.__name__] = (fault, rules)
        return fault

    return register


@breaks(Rule.RESTART_TYPE)
def temporary_nodes_start_again(patch):
    patch.setattr(restart, "_remove", restart._restart)


def deadlines(patch, instead):
    original = cancel.deadline_over

    def deadline_over(tree, deadline, at, out):
        mine = []
        original(tree, deadline, at, mine)
        out.extend(instead(mine))

    patch.setattr(cancel, "deadline_over", deadline_over)
    patch.setattr(decision, "deadline_over", deadline_over)


@breaks(Rule.R12)
def stuck_nodes_are_not_reported(patch):
    deadlines(patch, lambda actions: [action for action in actions if not isinstance(action, Stuck)])


@breaks(Rule.R12)
def stuck_nodes_are_reported_one_by_one(patch):
    def one_by_one(actions):
        for action in actions:
            if isinstance(action, Stuck):
                yield from (Stuck((node,), action.at) for node in action.nodes)
            else:
                yield action

    deadlines(patch, one_by_one)


@breaks(Rule.R12)
def nothing_is_killed(patch):
    deadlines(patch, lambda actions: [action for action in actions if not isinstance(action, Kill)])


@breaks(Rule.COUNTS)
def what_was_stuck_counts_as_stuck_for_ever(patch):
    original = cancel.leave_deadline

    def leave_deadline(tree, node, out):
        stuck = tree.stuck
        original(tree, node, out)
        tree.stuck = stuck

    patch.setattr(restart, "leave_deadline", leave_deadline)


@breaks(Rule.R14)
def the_first_started_is_stopped_first(patch):
    patch.setattr(stopping, "Stop", lambda path: Stop([(node, children[::-1]) for node, children in path]))


@breaks(Rule.R14)
def a_stop_cancels_all_at_once(patch):
    original = stopping.stop

    def stop(tree, timeout, at, out):
        original(tree, timeout, at, out)
        cancel.cancel(tree, [tree.root], at, out, cause=Cause.STOP, by=tree.root.dn)

    patch.setattr(decision, "stop", stop)


@breaks(Rule.R14)
def a_stop_does_not_end_the_restarts(patch):
    original = restart._settle

    def settle(tree, node, at, out):
        stop, tree.stop = tree.stop, None
        original(tree, node, at, out)
        tree.stop = stop

    patch.setattr(restart, "_settle", settle)


@breaks(Rule.R14)
def the_timeout_of_a_stop_is_not_heeded(patch):
    for module in (decision, stopping):
        patch.setattr(module, "order_over", lambda _tree, _stop, _at, _out: None)


@breaks(Rule.R14, Rule.TIMERS, Rule.COUNTS)
def the_last_grace_is_as_long_as_was_promised(patch):
    patch.setattr(stopping, "hurry", lambda _tree, _top, _limit, _at, _out: None)


@breaks(Rule.R15)
def a_tree_in_which_all_is_done_goes_on(patch):
    original = stopping.advance
    patch.setattr(decision, "advance", lambda tree, at, out: original(tree, at, out) if tree.stop else None)


@breaks(Rule.PROPAGATE, Rule.R8)
def the_first_death_stops_nothing(patch):
    original = decision.plant
    patch.setattr(decision, "plant", lambda root, at, **_: original(root, at, propagate=False))


# --- the tests ------------------------------------------------------------------------------------------------------


@breaks(Rule.CONTRACT)
def what_the_decision_does_depends_on_what_it_did_before(patch):
    original = restart.cancel
    calls = []

    def cancel_this_way_or_that(tree, tops, at, out, **why):
        calls.append(at)
        original(tree, tops[:: 1 if len(calls) % 2 else -1], at, out, **why)

    patch.setattr(restart, "cancel", cancel_this_way_or_that)


@pytest.mark.parametrize("name", FAULTS)
def test_the_planted_fault_is_found(name, monkeypatch, found):
    plant_fault, rules = FAULTS[name]
    plant_fault(monkeypatch)

    outcome = found()

    assert outcome is not None, f"{name} is not found"
    print(f"{name}: seed {outcome.seed}, event {outcome.events}")  # noqa: T201 - how soon it is found is the figure
    assert outcome.rule in rules, outcome.violation
