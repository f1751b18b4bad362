"""What is told about supervisors: why children are canceled, whom an answer speaks of, errors, and queries at any moment."""

from __future__ import annotations

import pytest

from otp.tree.decision import count_children, decide, which_children
from otp.tree.decision import plant as plant_tree
from otp.tree.decision.messages import Answer, Birth, Canceling, Cause, Changed, End, Finish, StartChild, Verdict, Why
from otp.tree.decision.policy import AutoShutdown, Policy, Strategy, Supervision
from tests.decision.supervision.conftest import TEMPORARY, TRANSIENT, child, dynamic, sup

ALL, REST = Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE


def planted(plant, *kids, **supervision):
    world = plant(sup("root", *(kids or ("a", "b")), **supervision))
    world.up()
    return world


def canceled(world) -> list[tuple[tuple[str, ...], Cause, str]]:
    return [(report.dns, report.cause, report.by) for report in world.reports(Canceling)]


# --- why children are canceled --------------------------------------------------------------------------------------


def test_a_terminated_child_is_stopped_by_its_supervisor(plant):
    world = planted(plant)
    world.terminate_child("root", "a")

    assert canceled(world) == [(("root.a",), Cause.STOP, "root")]


def test_what_is_below_a_terminated_child_is_stopped_by_the_same_supervisor(plant):
    world = planted(plant, sup("s", "x"))
    world.terminate_child("root", "s")

    assert canceled(world) == [(("root.s.x",), Cause.STOP, "root")]
    world.leaves("root.s.x")
    assert canceled(world) == [(("root.s",), Cause.STOP, "root")]


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_siblings_are_canceled_because_of_the_one_that_has_died(plant, strategy):
    world = planted(plant, strategy=strategy)
    world.dies("root.a")

    assert canceled(world) == [(("root.b",), Cause.DEATH, "root.a")]


def test_what_is_below_a_dead_child_is_canceled_because_of_it(plant):
    world = plant(sup("root", "a", "b"))
    world.run("root.a", "x")
    world.up()
    world.dies("root.a")

    assert canceled(world) == [(("root.a.x",), Cause.DEATH, "root.a")]


def test_what_is_below_a_child_that_has_failed_to_start_is_canceled_because_of_it(plant):
    world = planted(plant)
    world.start_child("root", "c")
    world.run("root.c", "x")
    world.ends("root.c", End.IGNORED)

    assert canceled(world) == [(("root.c.x",), Cause.DEATH, "root.c")]


def test_a_restart_on_request_is_the_cause_of_its_own_cancel(plant):
    world = planted(plant)
    world.restart("root.a")

    assert canceled(world) == [(("root.a",), Cause.RESTART, "root.a")]


def test_a_child_that_takes_too_long_to_start_is_stopped_by_its_supervisor(plant):
    world = planted(plant)
    world.start_child("root", child("c", start_timeout=1.0))
    world.passes(1.0)

    assert canceled(world) == [(("root.c",), Cause.STOP, "root")]


def test_a_supervisor_that_gives_up_cancels_because_of_the_death(plant):
    world = planted(plant, max_restarts=0)
    world.dies("root.b")

    assert canceled(world) == [(("root.a",), Cause.DEATH, "root.b")]


def test_a_supervisor_that_could_not_start_cancels_because_of_the_death(plant):
    world = plant(sup("root", "a", "b"))
    world.healthy("root.a")
    world.dies("root.b")

    assert canceled(world) == [(("root.a",), Cause.DEATH, "root.b")]


def test_a_supervisor_that_shuts_down_stops_the_others(plant):
    world = planted(plant, child("a", TRANSIENT, significant=True), "b", auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    world.ends("root.a", End.SHUTDOWN)

    assert canceled(world) == [(("root.b",), Cause.STOP, "root.a")]


def test_what_is_left_of_a_supervisor_after_its_shutdown_is_canceled_for_the_same_reason(plant):
    policy = child("s", shutdown=1.0).policy
    world = planted(plant, sup("s", child("x", shutdown=None), "y", policy=policy))
    world.terminate_child("root", "s")
    world.passes(1.0)

    assert canceled(world) == [(("root.s",), Cause.STOP, "root")]


# --- whom an answer speaks of ---------------------------------------------------------------------------------------


def test_an_answer_names_the_child_it_is_about(plant):
    world = planted(plant)
    a = world.node("root.a").id

    def ask(what, name="a"):
        answer = world.answers[what("root", name)]
        return answer.verdict, answer.child

    assert ask(world.start_child) == (Verdict.ALREADY_STARTED, a)
    assert ask(world.restart_child) == (Verdict.RUNNING, a)
    assert ask(world.delete_child) == (Verdict.RUNNING, a)
    request = world.terminate_child("root", "a")
    world.leaves("root.a")
    assert world.answers[request] == Answer(request, Verdict.OK, a)
    assert ask(world.terminate_child) == (Verdict.OK, a)
    assert ask(world.start_child) == (Verdict.ALREADY_PRESENT, a)
    assert ask(world.delete_child) == (Verdict.OK, a)
    assert ask(world.delete_child) == (Verdict.NOT_FOUND, None)


def test_a_request_before_the_first_children_are_named_waits_for_them():
    tree, _ = plant_tree(Birth(1, "root", Policy(supervision=Supervision())), 0.0)
    tree, actions = decide(tree, StartChild(7, 1, 1, Birth(2, "a", Policy()), 0.0))

    assert actions == []


def test_what_waits_behind_a_restart_that_is_one_too_many_is_answered(plant):
    world = planted(plant, max_restarts=1)
    world.dies("root.a")
    world.dies("root.a")
    request = world.start_child("root", "c")
    assert world.verdict(request) is None
    world.turns()

    assert world.verdict(request) is Verdict.NO_PROCESS


# --- errors ---------------------------------------------------------------------------------------------------------


def test_the_death_of_a_child_is_reported_with_its_error_and_where_it_was_raised(plant):
    world = planted(plant)
    traceback = object()
    world.ends("root.a", End.RAISED, error="ValueError: boom", traceback=traceback)

    (dead, _) = world.reports(Changed)
    assert (dead.error, dead.traceback) == ("ValueError: boom", traceback)


@pytest.mark.parametrize(
    ("restart", "end", "is_death"),
    [
        (TRANSIENT, End.SHUTDOWN, False),
        (TEMPORARY, End.SHUTDOWN, False),
        (TRANSIENT, End.RETURNED, False),
        (TRANSIENT, End.RAISED, True),
        (TEMPORARY, End.LEFT, True),
        (child("a").policy.restart, End.SHUTDOWN, True),
        (child("a").policy.restart, End.IGNORED, False),
    ],
)
def test_in_a_tree_that_stops_at_the_first_death_an_end_in_good_order_is_none(plant, restart, end, is_death):
    world = plant(sup("root", child("a", restart), "b"), propagate=True)
    world.up()
    world.ends("root.a", end)

    assert (world.tree.stop is not None) == is_death


def test_a_supervisor_that_ends_by_its_own_decision_says_because_of_whom(plant):
    world = planted(plant, max_restarts=0)
    a = world.node("root.a").id
    world.dies("root.a")
    world.leaves("root.b")

    assert world.finishes == [Finish(1, 1, Why.INTENSITY, a, "a")]
    (dead,) = [report for report in world.reports(Changed) if report.dn == "root"]
    assert dead.error == world.node("root").last_error == "gave up: a exceeds 0 restarts within 5.0 s"


# --- queries --------------------------------------------------------------------------------------------------------


def test_in_the_restart_of_a_group_what_has_started_runs_and_the_rest_is_restarting(plant):
    world = planted(plant, "a", "b", "c", strategy=ALL)
    world.dies("root.b")
    assert world.rows("root") == {"a": "restarting", "b": "restarting", "c": "restarting"}
    assert world.counts("root") == (3, 0, 0, 3)
    world.leaves("root.c", "root.a")
    world.healthy("root.a")

    assert world.rows("root") == {"a": "running", "b": "restarting", "c": "restarting"}
    assert world.counts("root") == (3, 1, 0, 3)


def test_in_the_restart_of_the_rest_those_before_it_run(plant):
    world = planted(plant, "a", "b", "c", strategy=REST)
    world.dies("root.b")

    assert world.rows("root") == {"a": "running", "b": "restarting", "c": "restarting"}


def test_a_child_whose_descendants_have_not_ended_is_not_active_any_more(plant):
    world = plant(sup("root", "a", "b"))
    world.run("root.a", "x")
    world.up()
    world.dies("root.a")

    assert world.rows("root") == {"a": "running", "b": "running"}
    assert world.counts("root") == (2, 1, 0, 2)


def test_of_a_node_that_is_not_there_no_children_are_known(plant):
    world = planted(plant)

    assert which_children(world.tree, 999) == []
    assert tuple(count_children(world.tree, 999)) == (0, 0, 0, 0)


# --- what holds on meanwhile ----------------------------------------------------------------------------------------


def test_a_stuck_child_that_ends_while_its_siblings_are_stopped_stays_for_the_restart(plant):
    world = planted(plant, "a", "b", child("c", shutdown=0.0), strategy=ALL)
    assert world.dies("root.a") == ["cancel root.c#1", "cancel root.b#1"]
    world.leaves("root.c")

    assert world.state("root.c") == "canceled#1"
    assert not world.tree.settled
    assert world.leaves("root.b") == ["start root.a#2"]


def test_what_was_below_the_siblings_of_a_restart_that_waits_is_forgotten(plant):
    world = plant(sup("root", child("a", shutdown=0.0), "b", "c", strategy=ALL))
    world.healthy("root.a")
    world.run("root.b", "x")
    world.up()
    below = world.node("root.b.x").id
    world.dies("root.c")
    world.leaves("root.b.x")
    world.leaves("root.b")

    assert world.rows("root") == {"a": "running", "b": "stopped", "c": "restarting"}
    assert below not in world.known


def test_a_stop_of_a_dynamic_supervisor_that_is_giving_up_waits_for_all_of_its_children(plant):
    world = planted(plant, dynamic("d", max_restarts=0))
    world.admit("root.d", "x", "y", "z")
    world.dies("root.d.x")
    world.terminate_child("root", "d")

    assert world.leaves("root.d.y") == []
    assert world.leaves("root.d.z") == ["cancel root.d#1"]


def test_a_supervisor_that_was_healthy_for_long_begins_its_backoff_anew(plant):
    """As any plain child: what it needs to be healthy is that all its children have started."""
    backoff = {"initial": 1.0, "multiplier": 2.0, "jitter": 0.0, "reset_after": 10.0}
    policy = child("s", shutdown=None, backoff=type(Policy().backoff)(**backoff)).policy
    world = plant()
    world.run("root", sup("s", "x", policy=policy, max_restarts=0))
    world.healthy("root")
    for seconds in (9.0, 9.0, 10.0):
        world.up()
        world.passes(seconds)
        world.dies("root.s.x")
        restart_at = world.node("root.s").restart_at
        delay = restart_at - world.now
        world.passes(delay)

    assert delay == 1.0


def test_an_end_that_is_told_late_counts_when_it_happened(plant):
    """Threads tell of their ends as they come to it; a restart outside the window is none of those that count."""
    world = planted(plant, "a", "b", "c", max_restarts=2, max_seconds=1.0)
    for dn, at in (("root.a", 10.0), ("root.b", 8.9), ("root.c", 10.05)):
        world.now = at
        world.crash_and_up(dn)

    assert world.why() == []
