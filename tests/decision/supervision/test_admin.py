"""What is asked of a supervisor from outside, and every answer."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import DeleteChild, End, Forget, Verdict
from otp.tree.decision.policy import Strategy
from tests.decision.supervision.conftest import TEMPORARY, TRANSIENT, child, dynamic, sup


@pytest.fixture
def world(plant):
    """A supervisor of a and b, both healthy."""
    world = plant(sup("root", "a", "b"))
    world.up()
    return world


@pytest.fixture
def looping(plant):
    """A supervisor whose child a fails to restart over and over; b is behind it."""
    world = plant(sup("root", "a", "b", max_restarts=1000))
    world.up()
    world.dies("root.a")
    world.dies("root.a")
    assert world.rows("root") == {"a": "restarting", "b": "running"}
    return world


def refused(world, request: int) -> bool:
    return world.known == set(world.tree.nodes) | set(world.tree.kept) and world.verdict(request) is not None


def test_child_adm(world):
    child_of = world.node("root.a").id
    taken = world.start_child("root", "a")
    assert world.verdict(taken) is Verdict.ALREADY_STARTED
    assert world.answers[taken].child == child_of
    assert refused(world, taken)

    assert world.verdict(world.delete_child("root", "a")) is Verdict.RUNNING
    assert world.verdict(world.restart_child("root", "a")) is Verdict.RUNNING
    stopped = world.terminate_child("root", "a")
    assert world.told == ["cancel root.a#1"]
    assert world.verdict(stopped) is None
    world.leaves("root.a")
    assert world.verdict(stopped) is Verdict.OK
    assert world.rows("root") == {"a": "stopped", "b": "running"}
    assert world.verdict(world.terminate_child("root", "a")) is Verdict.OK
    assert world.verdict(world.start_child("root", "a")) is Verdict.ALREADY_PRESENT

    again = world.restart_child("root", "a")
    assert world.told == ["start root.a#2"]
    assert world.verdict(again) is None
    world.healthy("root.a")
    assert world.verdict(again) is Verdict.OK
    assert world.answers[again].child == child_of
    assert [node.name for node in world.node("root").children.values()] == ["a", "b"]

    world.terminate_child("root", "a")
    world.leaves("root.a")
    assert world.verdict(world.delete_child("root", "a")) is Verdict.OK
    assert world.reports(Forget) == [Forget((child_of,))]
    for ask in (world.terminate_child, world.restart_child, world.delete_child):
        assert world.verdict(ask("root", "a")) is Verdict.NOT_FOUND

    world.admit("root", "a")
    assert list(world.rows("root")) == ["b", "a"]


def test_a_child_that_is_started_later_is_answered_for_when_it_is_healthy(world):
    request = world.start_child("root", "c")

    assert world.told == ["start root.c#1"]
    assert world.verdict(request) is None
    world.healthy("root.c")
    assert world.verdict(request) is Verdict.OK
    assert world.answers[request].child == world.node("root.c").id


def test_sup_start_child_returns_error_no_spec_is_kept(world):
    request = world.start_child("root", "c")
    world.dies("root.c")

    assert world.verdict(request) is Verdict.START_FAILED
    assert world.rows("root") == {"a": "running", "b": "running"}
    assert refused(world, request)
    assert world.tree.healthy


def test_sup_start_restart_child_returns_error_the_child_stays_stopped(world):
    world.terminate_child("root", "a")
    world.leaves("root.a")
    request = world.restart_child("root", "a")
    world.dies("root.a")

    assert world.verdict(request) is Verdict.START_FAILED
    assert world.rows("root") == {"a": "stopped", "b": "running"}
    assert world.timers == {}


def test_a_start_that_takes_too_long_has_failed(world):
    request = world.start_child("root", child("c", start_timeout=3.0))
    assert world.passes(3.0) == ["cancel root.c#1"]
    assert world.verdict(request) is None
    world.leaves("root.c")

    assert world.verdict(request) is Verdict.START_FAILED
    assert "c" not in world.rows("root")


def test_a_child_that_ignores_its_start_is_kept_unless_it_is_temporary(world):
    kept = world.start_child("root", "c")
    world.ends("root.c", End.IGNORED)
    dropped = world.start_child("root", child("d", TEMPORARY))
    world.ends("root.d", End.IGNORED)

    assert world.verdict(kept) is world.verdict(dropped) is Verdict.IGNORED
    assert world.rows("root") == {"a": "running", "b": "running", "c": "stopped"}
    again = world.restart_child("root", "c")
    world.ends("root.c", End.IGNORED)
    assert world.verdict(again) is Verdict.IGNORED


def test_a_child_that_ignores_a_restart_is_stopped(world):
    world.dies("root.a")
    world.ends("root.a", End.IGNORED)

    assert world.rows("root") == {"a": "stopped", "b": "running"}


def test_a_temporary_child_that_is_terminated_is_gone(world):
    world.admit("root", child("x", TEMPORARY))
    request = world.terminate_child("root", "x")
    world.leaves("root.x")

    assert world.verdict(request) is Verdict.OK
    assert world.verdict(world.terminate_child("root", "x")) is Verdict.NOT_FOUND


def test_a_transient_child_that_ended_can_be_restarted(world):
    world.admit("root", child("t", TRANSIENT))
    world.returns("root.t")
    request = world.restart_child("root", "t")
    world.healthy("root.t")

    assert world.verdict(request) is Verdict.OK
    assert world.state("root.t") == "healthy#2"


def test_child_unlink_a_child_that_ends_by_itself_while_it_is_terminated(world):
    request = world.terminate_child("root", "a")
    world.dies("root.a")

    assert world.verdict(request) is Verdict.OK
    assert world.rows("root") == {"a": "stopped", "b": "running"}


def test_a_child_that_had_died_before_its_terminate_came_to_its_turn_is_not_restarted(world):
    world.start_child("root", "c")
    request = world.terminate_child("root", "a")
    world.dies("root.a")

    assert world.healthy("root.c") == []
    assert world.verdict(request) is Verdict.OK
    assert world.rows("root")["a"] == "stopped"


def test_requests_are_dealt_with_in_order(world):
    first, second = world.start_child("root", "c"), world.start_child("root", "d")
    third = world.start_child("root", "c")

    assert world.healthy("root.c") == ["start root.d#1"]
    assert (world.verdict(first), world.verdict(second), world.verdict(third)) == (Verdict.OK, None, None)
    world.healthy("root.d")
    assert (world.verdict(second), world.verdict(third)) == (Verdict.OK, Verdict.ALREADY_STARTED)


def test_a_supervisor_that_is_not_there_answers_no_process(world):
    node = world.node("root")
    for request, (sup_id, incarnation) in enumerate([(99, 1), (node.id, 2), (world.node("root.a").id, 1)], start=1):
        world.asked[request] = None
        world.send(DeleteChild(request, sup_id, incarnation, "a", world.now))
        assert world.verdict(request) is Verdict.NO_PROCESS


def test_hanging_restart_loop(looping):
    for verdict, ask in [
        (Verdict.ALREADY_PRESENT, looping.start_child),
        (Verdict.RESTARTING, looping.restart_child),
        (Verdict.RESTARTING, looping.delete_child),
    ]:
        request = ask("root", "a")
        assert looping.verdict(request) is None  # the next try was there first
        looping.turns()
        looping.dies("root.a")
        assert looping.verdict(request) is verdict
    assert looping.counts("root") == (2, 1, 0, 2)

    request = looping.terminate_child("root", "a")
    looping.turns()
    looping.dies("root.a")
    assert looping.verdict(request) is Verdict.OK
    assert looping.rows("root") == {"a": "stopped", "b": "running"}
    assert looping.turns() == []
    assert looping.timers == {}
    assert looping.tree.healthy


def test_hanging_restart_loop_of_one_child_does_not_keep_others_from_being_served(looping):
    request = looping.terminate_child("root", "b")
    assert looping.turns() == ["start root.a#3"]
    assert looping.dies("root.a") == ["cancel root.b#1"]
    looping.leaves("root.b")

    assert looping.verdict(request) is Verdict.OK
    assert looping.turns() == ["start root.a#4"]


def test_hanging_restart_loop_ends_with_the_stop_of_the_supervisor(looping):
    assert looping.stop() == ["cancel root.b#1"]
    looping.leaves("root.b")

    assert looping.tree.stopped


def test_hanging_restart_loop_rest_for_one_shows_what_waits_behind_it_as_stopped(plant):
    world = plant(sup("root", "a", "b", "c", strategy=Strategy.REST_FOR_ONE, max_restarts=1000))
    world.up()
    world.dies("root.b")
    world.leaves("root.c")
    world.dies("root.b")
    assert world.rows("root") == {"a": "running", "b": "restarting", "c": "stopped"}

    world.terminate_child("root", "b")
    world.turns()
    world.dies("root.b")
    assert world.rows("root") == {"a": "running", "b": "stopped", "c": "stopped"}
    assert world.turns() == []


def test_hanging_restart_loop_dynamic(plant):
    world = plant(dynamic("root", max_restarts=1000, max_children=1))
    world.admit("root", "a")
    world.dies("root.a")
    world.dies("root.a")
    assert world.rows("root") == {"a": "restarting"}
    assert world.counts("root") == (1, 0, 0, 1)

    full = world.start_child("root", "b")
    taken = world.start_child("root", "a")
    world.turns()
    world.dies("root.a")
    assert (world.verdict(full), world.verdict(taken)) == (Verdict.MAX_CHILDREN, Verdict.ALREADY_PRESENT)

    gone = world.terminate_child("root", "a")
    world.turns()
    world.dies("root.a")
    assert world.verdict(gone) is Verdict.OK
    assert world.counts("root") == (0, 0, 0, 0)
    assert world.turns() == []


def test_restart_requested_of_a_child_restarts_that_one_alone(plant):
    world = plant(sup("root", "a", "b", child("x", TEMPORARY), strategy=Strategy.ONE_FOR_ALL, max_restarts=0))
    world.up()

    for dn in ("root.a", "root.x"):
        assert world.restart(dn) == [f"cancel {dn}#1"]
        assert world.leaves(dn) == [f"start {dn}#2"]
        world.healthy(dn)
    assert world.why() == []
    assert world.state("root.b") == "healthy#1"


def test_restart_requested_of_an_incarnation_that_was_replaced_meanwhile_is_done_with(plant):
    world = plant(sup("root", "a", "b", strategy=Strategy.ONE_FOR_ALL))
    world.up()
    world.dies("root.a")
    world.restart("root.b")
    world.leaves("root.b")
    world.up()

    assert world.state("root.b") == "healthy#2"
    assert world.tree.healthy


def test_restart_requested_of_a_supervisor_below_a_supervisor_stops_it_in_order(plant):
    world = plant(sup("root", sup("s", "a", "b")))
    world.up()

    assert world.restart("root.s") == ["cancel root.s.b#1"]
    assert world.leaves("root.s.b") == ["cancel root.s.a#1"]
    assert world.leaves("root.s.a") == ["cancel root.s#1", "start root.s#2", "start root.s.a#1"]


def test_restart_requested_of_a_temporary_child_that_cannot_be_started_again_removes_it(plant):
    world = plant(sup("root", child("x", TEMPORARY)))
    world.up()
    world.restart("root.x")
    world.leaves("root.x")
    world.dies("root.x")

    assert world.rows("root") == {}


def test_restart_requested_of_a_child_in_a_restart_loop_is_done_by_the_next_try(looping):
    assert looping.restart("root.a") == []
    assert looping.turns() == ["start root.a#3"]
    assert looping.dies("root.a") == []
    assert looping.turns() == ["start root.a#4"]


def test_queries_of_what_is_no_supervisor_are_empty(world):
    assert world.rows("root.a") == {}
    assert world.counts("root.a") == (0, 0, 0, 0)


def test_count_children_and_supervisors(plant):
    world = plant(sup("root", sup("s"), dynamic("d")))
    world.checks = False
    for number in range(1000):
        world.admit("root", f"w{number}")
    assert world.counts("root") == (1002, 1002, 2, 1000)

    world.terminate_child("root", "s")
    world.terminate_child("root", "w7")
    world.leaves("root.w7")
    assert world.counts("root") == (1002, 1000, 2, 1000)
