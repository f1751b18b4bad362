"""The test of the tests, as in `test_faults_of_nodes`: faults in what behaviour supervisors do with their children."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import pytest

from otp.testing.simulation import Rule
from otp.tree import decision
from otp.tree.decision.bookkeeping import change
from otp.tree.decision.messages import Why
from otp.tree.decision.model import NodeState
from otp.tree.decision.otp import children, exits, halt, requests, restarts, tasks
from otp.tree.decision.otp.record import Outcome, Status
from otp.tree.decision.policy import AutoShutdown, Restart, Strategy
from tests.simulation.planting import after, before

FAULTS = {}


def breaks(*rules):
    def register(fault):
        FAULTS[fault.__name__] = (fault, rules)
        return fault

    return register


# --- O1, O2, O12: starts --------------------------------------------------------------------------------------------


@breaks(Rule.O1)
def a_child_counts_as_started_before_it_is_healthy(patch):
    def started(_tree, task, spec, _at, _out):
        task.outcome, spec.status = Outcome.STARTED, Status.STARTED

    after(patch, tasks, "try_to_start", started)


@breaks(Rule.O1)
def a_supervisor_is_healthy_before_its_children_are(patch):
    original = decision.spawned

    def spawned(tree, event, out):
        original(tree, event, out)
        node = tree.nodes.get(event.node)
        if node is not None and node.supervisor is not None and node.state is NodeState.NEW and not node.doomed:
            change(tree, node, NodeState.HEALTHY, event.at, out)

    patch.setattr(decision, "spawned", spawned)


@breaks(Rule.O1, Rule.O4)
def children_are_started_last_first(patch):
    before(patch, tasks, "_start", lambda _tree, task, _at, _out: task.starts.reverse())


@breaks(Rule.O2, Rule.O10)
def a_supervisor_goes_on_although_one_of_its_first_children_does_not_start(patch):
    original = tasks.give_up

    def give_up(record, why, spec, out):
        if why is Why.START_FAILED:
            spec.status = Status.STOPPED
        else:
            original(record, why, spec, out)

    patch.setattr(tasks, "give_up", give_up)


@breaks(Rule.O12)
def a_start_may_take_for_ever(patch):
    patch.setattr(tasks, "too_late", lambda _tree, _task, _at, _out: None)


# --- O3: stops ------------------------------------------------------------------------------------------------------


@breaks(Rule.O2, Rule.O3, Rule.O5, Rule.O6, Rule.O8)
def children_are_stopped_first_first(patch):
    def rotate(_tree, task, _at, _out):
        if not task.record.supervision.dynamic:
            task.stops.append(task.stops.pop(0))

    before(patch, tasks, "_stop", rotate)


@breaks(Rule.O1, Rule.O3, Rule.O5, Rule.O11, Rule.R14)
def a_stop_does_not_begin_with_the_innermost(patch):
    original = halt.begin

    def begin(tree, node, above, at, out, **why):
        original(tree, node, above, at, out, **why)
        if node.supervisor is not None and node.running and not node.doomed:
            halt.cancel(tree, [node], at, out, **why)

    patch.setattr(halt, "begin", begin)


@breaks(Rule.O3)
def a_supervisor_may_take_longer_to_stop_than_its_shutdown(patch):
    patch.setattr(halt, "order_over", lambda _tree, _halt, _at, _out: None)


# --- O4, O5: restart types and strategies ---------------------------------------------------------------------------


@breaks(Rule.O4, Rule.RESTART_TYPE)
def a_transient_child_is_restarted_after_a_clean_end(patch):
    def soil(_tree, _record, item, _at, _out):
        item.spec.clean = False

    before(patch, restarts, "exited", soil)


@breaks(Rule.O3, Rule.O4, Rule.O5)
def a_transient_child_is_not_restarted_after_a_crash(patch):
    def clean(_tree, _record, item, _at, _out):
        item.spec.clean = True

    before(patch, restarts, "exited", clean)


@breaks(Rule.O4, Rule.O15, Rule.O17, Rule.RESTART_TYPE)
def a_temporary_child_is_kept(patch):
    original = children.part

    def keep(tree, record, spec, at, out):
        node = spec.node
        if node.policy.restart is Restart.TEMPORARY:
            node.policy = replace(node.policy, restart=Restart.TRANSIENT)
        original(tree, record, spec, at, out)

    for module in (exits, requests, restarts, tasks):
        patch.setattr(module, "part", keep)


@breaks(Rule.O5)
def every_strategy_is_one_for_one(patch):
    patch.setattr(restarts, "_members", lambda _record, spec: [spec])


@breaks(Rule.O5, Rule.O7)
def rest_for_one_takes_the_earlier_along(patch):
    original = restarts._members

    def members(record, spec):
        if record.supervision.strategy is Strategy.REST_FOR_ONE:
            return list(record.specs.values())
        return original(record, spec)

    patch.setattr(restarts, "_members", members)


@breaks(Rule.O5, Rule.O7)
def the_restart_of_a_group_leaves_out_what_had_been_stopped(patch):
    original = restarts._members
    patch.setattr(
        restarts,
        "_members",
        lambda record, spec: [each for each in original(record, spec) if each is spec or each.status is Status.STARTED],
    )


@breaks(Rule.O5, Rule.O7, Rule.O9, Rule.R11)
def the_restart_of_a_group_does_not_wait_for_what_is_stuck(patch):
    original = restarts._restart

    def hasty(record, spec):
        original(record, spec)
        record.task.members = (spec,)

    patch.setattr(restarts, "_restart", hasty)


@breaks(Rule.R5, Rule.R6)
def what_is_below_a_dead_child_runs_on(patch):
    patch.setattr(exits, "cancel", lambda *_arguments, **_why: None)


# --- O6, O7: intensity, and restarts that fail ----------------------------------------------------------------------


@breaks(Rule.O6)
def a_supervisor_gives_up_one_restart_too_late(patch):
    original = restarts._too_often

    def too_often(record, at):
        original(record, at)
        return len(record.restarts) > record.supervision.max_restarts + 1

    patch.setattr(restarts, "_too_often", too_often)


@breaks(Rule.O6)
def the_window_does_not_include_its_end(patch):
    patch.setattr(restarts, "bisect_left", bisect_right)


@breaks(Rule.O5, Rule.O6, Rule.O7, Rule.O10)
def restarts_count_for_ever(patch):
    patch.setattr(restarts, "bisect_left", lambda _restarts, _at: 0)


@breaks(Rule.O6)
def a_restart_that_is_tried_again_is_not_counted(patch):
    def free(_record, item, _at, _out):
        item.free = True

    before(patch, restarts, "again", free)


@breaks(Rule.O7)
def a_restart_that_fails_is_not_tried_again(patch):
    def drop(_tree, task, spec, _at, _out):
        if spec.again in task.record.queue:
            task.record.queue.remove(spec.again)

    after(patch, tasks, "_failed", drop)


@breaks(Rule.O7, Rule.O9, Rule.O13, Rule.O3)
def a_restart_that_fails_is_tried_again_before_anything_else(patch):
    def hurry(_tree, task, spec, _at, _out):
        if spec.again in task.record.queue:
            task.record.queue.rotate(1)

    after(patch, tasks, "_failed", hurry)


@breaks(Rule.O7, Rule.O9, Rule.O11, Rule.TIMERS)
def terminate_child_does_not_end_a_restart_that_keeps_failing(patch):
    original = requests.part

    def keep(tree, record, spec, at, out):
        again = spec.again
        original(tree, record, spec, at, out)
        spec.again = again

    patch.setattr(requests, "part", keep)


# --- O8: automatic shutdown -----------------------------------------------------------------------------------------


@breaks(Rule.O8, Rule.O3)
def nothing_is_significant(patch):
    patch.setattr(restarts, "_ends_with", lambda _record: False)


@breaks(Rule.O8, Rule.O4)
def the_first_significant_child_ends_a_supervisor_that_waits_for_all(patch):
    patch.setattr(restarts, "_ends_with", lambda record: record.supervision.auto_shutdown is not AutoShutdown.NEVER)


@breaks(Rule.O9, Rule.O11)
def a_significant_child_that_is_terminated_ends_its_supervisor(patch):
    def end(_tree, task, _at, out):
        any_ends = task.record.supervision.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT
        if task.request is not None and task.spec is not None and task.spec.node.policy.significant and any_ends:
            tasks.give_up(task.record, Why.AUTO_SHUTDOWN, task.spec, out)

    after(patch, tasks, "_stopped", end)


# --- the tests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_the_planted_fault_is_found(name, monkeypatch, found):
    plant_fault, rules = FAULTS[name]
    plant_fault(monkeypatch)

    outcome = found(supervised=1.0)

    assert outcome is not None, f"{name} is not found"
    print(f"{name}: seed {outcome.seed}, event {outcome.events}")  # noqa: T201 - how soon it is found is the figure
    assert outcome.rule in rules, outcome.violation
