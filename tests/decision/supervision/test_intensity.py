"""When a supervisor gives up: more than `max_restarts` within `max_seconds`."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Stopped, Verdict
from otp.tree.decision.policy import Strategy
from tests.decision.supervision.conftest import child, sup


def planted(plant, *kids, **supervision):
    world = plant(sup("root", *(kids or ("a", "b")), **supervision))
    world.up()
    return world


def test_one_for_one_one_restart_more_than_allowed_ends_the_supervisor(plant):
    world = planted(plant, max_restarts=2, max_seconds=3600.0)
    world.crash_and_up("root.a")
    world.crash_and_up("root.b")

    assert world.dies("root.a") == ["cancel root.b#2"]
    assert world.why() == []
    world.leaves("root.b")
    assert world.why() == ["intensity a"]
    assert world.states() == {"root": "dead#1"}
    assert world.reports(Stopped) == [Stopped((), 0.0)]
    assert world.node("root").last_error.startswith("gave up: a exceeds 2 restarts")


def test_intensity_zero_is_the_first_crash(plant):
    world = planted(plant, "a", max_restarts=0)
    world.dies("root.a")

    assert world.why() == ["intensity a"]


def test_by_default_the_fourth_crash_is_one_too_many(plant):
    world = planted(plant, "a")
    for _ in range(3):
        world.crash_and_up("root.a")
    assert world.why() == []

    world.dies("root.a")
    assert world.why() == ["intensity a"]


def test_multiple_restarts_slower_than_the_window_never_end_it(plant):
    world = planted(plant, "a", max_restarts=1, max_seconds=2.0)
    for _ in range(20):
        world.crash_and_up("root.a")
        world.passes(2.001)

    assert world.why() == []
    assert world.state("root.a") == "healthy#21"


@pytest.mark.parametrize(("seconds", "why"), [(2.0, ["intensity a"]), (2.001, [])])
def test_the_window_includes_its_end(plant, seconds, why):
    world = planted(plant, "a", max_restarts=1, max_seconds=2.0)
    world.crash_and_up("root.a")
    world.passes(seconds)
    world.dies("root.a")

    assert world.why() == why


@pytest.mark.parametrize("strategy", list(Strategy))
def test_escalation_a_restart_that_keeps_failing_ends_the_siblings_too(plant, strategy):
    world = planted(plant, "other", "a", strategy=strategy, max_restarts=3)
    is_group = strategy is Strategy.ONE_FOR_ALL
    world.dies("root.a")
    for incarnation in (2, 3, 4):
        if is_group:
            assert world.leaves("root.other") == [f"start root.other#{incarnation}"]
            world.healthy("root.other")
        assert world.state("root.a") == f"new#{incarnation}"
        world.dies("root.a")
        assert world.rows("root")["a"] == "restarting"
        assert world.why() == []
        world.turns()

    assert world.told == [f"cancel root.other#{4 if is_group else 1}"]
    world.leaves("root.other")
    assert world.why() == ["intensity a"]
    assert world.tree.stopped


def test_each_try_has_a_turn_of_its_own(plant):
    world = planted(plant, "a", max_restarts=100)
    world.dies("root.a")
    for incarnation in range(2, 50):
        assert world.dies("root.a") == []
        assert world.turns() == [f"start root.a#{incarnation + 1}"]


def test_what_an_admin_starts_and_stops_does_not_count(plant):
    world = planted(plant, "a", max_restarts=0)
    for _ in range(3):
        world.terminate_child("root", "a")
        world.leaves("root.a")
        world.restart_child("root", "a")
        world.healthy("root.a")
        world.restart("root.a")
        world.leaves("root.a")
        world.healthy("root.a")

    assert world.why() == []
    assert world.state("root.a") == "healthy#7"


def test_a_child_whose_requested_restart_fails_is_tried_again_and_counted(plant):
    world = planted(plant, "a", max_restarts=1)
    world.restart("root.a")
    world.leaves("root.a")
    world.dies("root.a")

    assert world.turns() == ["start root.a#3"]
    world.dies("root.a")
    world.turns()
    assert world.why() == ["intensity a"]


def test_one_that_gives_up_takes_no_requests(plant):
    world = planted(plant, "a", "b", max_restarts=0)
    world.dies("root.a")
    requests = [world.terminate_child("root", "b"), world.start_child("root", "c")]

    assert [world.verdict(request) for request in requests] == [Verdict.NO_PROCESS] * 2
    world.leaves("root.b")
    assert world.why() == ["intensity a"]


def test_what_waits_when_one_gives_up_is_answered(plant):
    world = planted(plant, "a", "b", "c", max_restarts=0)
    first = world.terminate_child("root", "c")
    world.dies("root.a")
    second = world.terminate_child("root", "b")
    world.leaves("root.c")

    assert world.verdict(first) is Verdict.OK
    assert world.verdict(second) is Verdict.NO_PROCESS


def test_a_start_that_times_out_in_a_restart_counts(plant):
    world = planted(plant, child("a", start_timeout=1.0), max_restarts=1)
    world.dies("root.a")
    assert world.passes(1.0) == ["cancel root.a#2"]
    world.leaves("root.a")
    world.turns()

    assert world.why() == ["intensity a"]
