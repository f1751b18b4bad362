"""What does not end within its `shutdown` and cannot be killed: waited for before anything starts in its place."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Verdict
from otp.tree.decision.policy import Strategy
from tests.decision.supervision.conftest import TEMPORARY, child, dynamic, sup


@pytest.fixture
def stuck(plant):
    """A supervisor whose child b was terminated and is stuck."""
    world = plant(sup("root", "a", child("b", shutdown=1.0), "c"))
    world.up()
    request = world.terminate_child("root", "b")
    world.passes(1.0)
    assert world.verdict(request) is Verdict.OK
    return world


def test_a_stuck_child_still_runs_whatever_is_asked(stuck):
    assert stuck.rows("root") == {"a": "running", "b": "running", "c": "running"}
    assert stuck.verdict(stuck.restart_child("root", "b")) is Verdict.RUNNING
    assert stuck.verdict(stuck.delete_child("root", "b")) is Verdict.RUNNING
    assert stuck.verdict(stuck.start_child("root", "b")) is Verdict.ALREADY_STARTED
    assert stuck.verdict(stuck.terminate_child("root", "b")) is Verdict.OK
    assert not stuck.tree.settled


def test_a_stuck_child_leaves_when_it_has_ended(stuck):
    stuck.leaves("root.b")

    assert stuck.rows("root")["b"] == "stopped"
    assert stuck.tree.healthy
    stuck.restart_child("root", "b")
    assert stuck.told == ["start root.b#2"]


def test_a_stuck_child_that_is_not_kept_is_dropped_when_it_has_ended(plant):
    world = plant(dynamic("root", max_children=1))
    world.admit("root", child("x", TEMPORARY, shutdown=0.0))
    assert world.verdict(world.terminate_child("root", "x")) is Verdict.OK
    for ask in (world.terminate_child, world.restart_child, world.delete_child):
        assert world.verdict(ask("root", "x")) is Verdict.NOT_FOUND
    assert world.verdict(world.start_child("root", "y")) is Verdict.MAX_CHILDREN

    world.leaves("root.x")
    assert world.known == {1}


def test_a_stuck_child_of_another_restart_does_not_hold_it_up(stuck):
    assert stuck.dies("root.a") == ["start root.a#2"]


def test_a_group_waits_for_a_stuck_member_and_its_supervisor_serves_others_meanwhile(plant):
    world = plant(sup("root", "a", child("b", shutdown=1.0), "c", strategy=Strategy.ONE_FOR_ALL))
    world.up()
    world.dies("root.a")
    world.leaves("root.c")
    assert world.passes(1.0) == []
    assert world.rows("root") == {"a": "restarting", "b": "running", "c": "stopped"}
    assert world.timers == {}

    assert world.start_child("root", "d") == 1
    assert world.told == ["start root.d#1"]
    world.healthy("root.d")
    assert world.leaves("root.b") == []
    assert world.turns() == ["cancel root.d#1"]
    assert world.leaves("root.d") == ["start root.a#2"]
    world.up()
    assert world.rows("root") == dict.fromkeys("abcd", "running")
    assert list(world.node("root").supervisor.restarts) == [0.0]  # the wait is no further restart


def test_a_group_that_waits_for_something_stuck_is_not_tried_when_something_else_ends(plant):
    world = plant(sup("root", "a", child("b", shutdown=1.0), strategy=Strategy.ONE_FOR_ALL))
    world.up()
    world.dies("root.a")
    world.passes(1.0)
    world.admit("root", child("x", TEMPORARY), "d")
    world.returns("root.x")

    assert world.turns() == []
    assert world.state("root.d") == "healthy#1"
    assert world.leaves("root.b") == []
    assert world.turns() == ["cancel root.d#1"]


def test_terminate_child_ends_a_restart_that_waits_for_something_stuck(plant):
    world = plant(sup("root", "a", child("b", shutdown=1.0), strategy=Strategy.ONE_FOR_ALL))
    world.up()
    world.dies("root.a")
    world.passes(1.0)
    assert world.verdict(world.terminate_child("root", "a")) is Verdict.OK
    world.leaves("root.b")

    assert world.timers == {}
    assert world.rows("root") == {"a": "stopped", "b": "stopped"}


def test_a_start_that_times_out_and_is_stuck_is_answered_and_leaves_later(plant):
    world = plant(sup("root"))
    request = world.start_child("root", child("x", start_timeout=1.0, shutdown=1.0))
    world.passes(2.0)

    assert world.verdict(request) is Verdict.START_FAILED
    assert world.verdict(world.start_child("root", "x")) is Verdict.ALREADY_STARTED
    world.leaves("root.x")
    assert world.known == {1}


def test_a_restart_that_times_out_and_is_stuck_is_not_tried_again_before_it_has_ended(plant):
    world = plant(sup("root", child("a", start_timeout=1.0, shutdown=1.0), max_restarts=2))
    world.up()
    world.dies("root.a")
    assert world.passes(100.0) == ["cancel root.a#2"]
    assert world.rows("root") == {"a": "restarting"}
    assert world.timers == {}

    assert world.leaves("root.a") == []
    assert world.turns() == ["start root.a#3"]


def test_a_supervisor_that_gives_up_ends_after_its_stuck_children(plant):
    world = plant(sup("root", "a", child("b", shutdown=1.0), "c", max_restarts=0))
    world.up()
    world.dies("root.a")
    world.leaves("root.c")
    world.passes(1.0)
    assert world.why() == []
    assert world.verdict(world.start_child("root", "d")) is Verdict.NO_PROCESS

    world.leaves("root.b")
    assert world.why() == ["intensity a"]


def test_a_requested_restart_waits_for_the_stuck_one_and_takes_nobody_along(plant):
    kids = "a", child("b", TEMPORARY, shutdown=1.0)
    world = plant(sup("root", *kids, strategy=Strategy.ONE_FOR_ALL, max_restarts=0))
    world.up()
    world.restart("root.b")
    assert world.passes(1.0) == []
    assert world.leaves("root.b") == []
    assert world.turns() == ["start root.b#2"]
    world.healthy("root.b")
    assert world.state("root.a") == "healthy#1"


def test_something_stuck_below_a_dead_child_holds_up_that_child_alone(plant):
    world = plant(sup("root", "a", "b"))
    world.run("root.a", child("x", shutdown=1.0))
    world.healthy("root.a", "root.a.x", "root.b")
    world.dies("root.a")
    world.passes(1.0)

    assert world.dies("root.b") == ["start root.b#2"]
    world.healthy("root.b")
    assert world.leaves("root.a.x") == ["start root.a#2"]


def test_a_stop_does_not_wait_for_what_is_stuck(stuck):
    assert stuck.stop() == ["cancel root.c#1"]
    assert stuck.leaves("root.c") == ["cancel root.a#1"]
    stuck.leaves("root.a")
    assert stuck.tree.stopped


def test_the_restart_of_a_group_does_not_bring_back_a_child_whose_first_start_failed(plant):
    """It is stuck, but its specification is gone: once it has ended it is forgotten, and nobody starts it."""
    world = plant(sup("root", "a", "b", strategy=Strategy.ONE_FOR_ALL))
    world.up()
    request = world.start_child("root", child("c", start_timeout=1.0, shutdown=0.0))
    world.passes(1.0)
    assert world.verdict(request) is Verdict.START_FAILED
    world.dies("root.a")

    assert world.leaves("root.c", "root.b") == ["start root.a#2"]
    world.up()
    assert world.rows("root") == {"a": "running", "b": "running"}
