"""The test of the tests, as in `test_faults_of_nodes`: faults in what behaviour supervisors answer, end with, forget and show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otp.testing.simulation import Rule
from otp.testing.simulation.supervision import verdict
from otp.tree import decision
from otp.tree.decision.messages import Answer, End, Forget, Verdict
from otp.tree.decision.otp import children, close, exits, queries, requests, restarts, tasks
from otp.tree.decision.otp.record import Status
from tests.simulation.planting import after, before

FAULTS = {}


def breaks(*rules):
    def register(fault):
        FAULTS[fault.__name__] = (fault, rules)
        return fault

    return register


# --- O9, O10, O11, O13: requests ------------------------------------------------------------------------------------


def verdicts(patch, instead):
    original = requests.refuse
    patch.setattr(
        requests,
        "refuse",
        lambda request, right, out, child=None: original(request, instead.get(right, right), out, child),
    )


@breaks(Rule.O9, Rule.O13)
def what_runs_is_said_to_be_present_only(patch):
    verdicts(patch, {Verdict.ALREADY_STARTED: Verdict.ALREADY_PRESENT})


@breaks(Rule.O9, Rule.O13)
def what_is_not_there_is_terminated_with_success(patch):
    verdicts(patch, {Verdict.NOT_FOUND: Verdict.OK})


@breaks(Rule.O9)
def what_is_being_restarted_is_said_to_run(patch):
    verdicts(patch, {Verdict.RESTARTING: Verdict.RUNNING})


@breaks(Rule.O9, Rule.O13)
def an_answer_names_no_child(patch):
    for module in (requests, tasks):
        patch.setattr(module, "Answer", lambda request, right, _child=None: Answer(request, right))


@breaks(Rule.O10)
def who_waits_for_a_supervisor_that_ends_waits_for_ever(patch):
    patch.setattr(close, "refuse", lambda *_arguments: None)


@breaks(Rule.O10)
def a_supervisor_that_has_ended_takes_requests(patch):
    def revive(tree, request, _out):
        node = tree.nodes.get(request.node)
        if node is not None and node.supervisor is not None and not node.running:
            node.supervisor.closed = False

    before(patch, decision, "asked", revive)


@breaks(Rule.O10)
def requests_are_answered_twice(patch):
    after(
        patch,
        tasks,
        "_answer",
        lambda task, verdict, out: out.append(Answer(task.spec.order, verdict)) if task.spec else None,
    )


@breaks(Rule.O9, Rule.O10, Rule.O13, Rule.O15, Rule.O17, Rule.RESTART_TYPE)
def a_terminated_child_loses_its_specification(patch):
    def part(_tree, record, request, _at, _out):
        spec = record.specs.get(request.name)
        if spec is not None and spec.status is Status.STARTED:
            spec.parting = True

    before(patch, requests, "_terminate", part)


@breaks(Rule.O5, Rule.O6, Rule.O7, Rule.RESTART_TYPE)
def restart_child_counts_as_a_restart(patch):
    before(patch, requests, "_restart", lambda record, _request, _out: record.restarts.append(1e9))


@breaks(Rule.O13)
def a_dynamic_supervisor_has_one_child_too_many(patch):
    def widen(record, _request, _out):
        if record.supervision.max_children is not None:
            record.supervision = replace(
                record.supervision, max_children=record.node.policy.supervision.max_children + 1
            )

    before(patch, requests, "_start", widen)


# --- O14, O15, O16, O17 ---------------------------------------------------------------------------------------------


@breaks(Rule.O4, Rule.O8, Rule.O14, Rule.RESTART_TYPE)
def a_supervisor_that_gave_up_is_restarted_as_if_it_had_crashed(patch):
    original = exits.exited

    def exited(tree, record, node, event, out):
        crash = node.policy.supervision is not None and event.end is End.SHUTDOWN
        original(tree, record, node, replace(event, end=End.RAISED) if crash else event, out)

    patch.setattr(exits, "exited", exited)


@breaks(Rule.O14, Rule.O3, Rule.O6, Rule.O2, Rule.O8)
def a_supervisor_ends_before_its_children(patch):
    original = tasks.give_up

    def give_up(record, why, spec, out):
        original(record, why, spec, out)
        record.task.stops = []

    for module in (tasks, restarts):
        patch.setattr(module, "give_up", give_up)


@breaks(Rule.O15)
def what_has_no_specification_any_more_is_not_forgotten(patch):
    patch.setattr(children, "Forget", lambda _nodes: Forget(()))


@breaks(Rule.O1, Rule.O16)
def a_restart_on_request_takes_the_group_along(patch):
    patch.setattr(restarts, "_restart_alone", restarts._restart)


@breaks(Rule.O5, Rule.O6, Rule.O7)
def a_restart_on_request_counts(patch):
    def count(_tree, record, _item):
        record.restarts.append(1e9)

    before(patch, restarts, "anew", count)


@breaks(Rule.O17)
def what_is_being_restarted_is_shown_as_stopped(patch):
    original = queries._state

    def state(record, spec):
        found = original(record, spec)
        return queries.ChildState.STOPPED if found is queries.ChildState.RESTARTING else found

    patch.setattr(queries, "_state", state)


@breaks(Rule.O17)
def what_is_stopped_is_not_shown(patch):
    original = queries.which_children
    patch.setattr(
        verdict,
        "which_children",
        lambda tree, node: [row for row in original(tree, node) if row.state is not queries.ChildState.STOPPED],
    )


# --- O18: a supervisor that is asked to end --------------------------------------------------------------------------


def obeyed(patch, then):
    """`then` is given the task of a supervisor that is asked to end."""
    after(patch, requests, "obey", lambda record, _order, out: then(record.task, out))


@breaks(Rule.O18)
def a_supervisor_that_is_asked_to_end_ends_as_if_it_had_given_up(patch):
    obeyed(patch, lambda task, _out: setattr(task, "order", replace(task.order, end=End.SHUTDOWN)))


@breaks(Rule.O10, Rule.O18)
def who_asks_a_supervisor_to_end_is_told_before_it_has(patch):
    obeyed(patch, lambda task, out: out.append(Answer(task.request, Verdict.OK)) if task.stops else None)


@breaks(Rule.O18, Rule.O3)
def a_supervisor_that_is_asked_to_end_leaves_its_children_alone(patch):
    obeyed(patch, lambda task, _out: task.stops.clear())


@breaks(Rule.O10, Rule.O18, Rule.RESTART_TYPE)
def a_supervisor_that_is_to_end_takes_requests(patch):
    obeyed(patch, lambda task, _out: setattr(task.record, "closed", False))


@breaks(Rule.O10, Rule.O18)
def who_asks_a_supervisor_to_end_waits_for_ever_when_it_is_stopped_otherwise(patch):
    obeyed(patch, lambda task, _out: setattr(task, "request", None))


# --- the tests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_the_planted_fault_is_found(name, monkeypatch, found):
    plant_fault, rules = FAULTS[name]
    plant_fault(monkeypatch)

    outcome = found(supervised=1.0)

    assert outcome is not None, f"{name} is not found"
    print(f"{name}: seed {outcome.seed}, event {outcome.events}")  # noqa: T201 - how soon it is found is the figure
    assert outcome.rule in rules, outcome.violation
