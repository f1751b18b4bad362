"""The start of a supervisor: its children in order, each once the one before it has started; or nothing."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import End, Verdict
from tests.decision.supervision.conftest import PERMANENT, TEMPORARY, TRANSIENT, child, dynamic, sup


def test_sup_start_normal_a_supervisor_without_children_is_healthy_at_once(plant):
    world = plant(sup("root"))

    assert world.told_at_first == ["start root#1"]
    assert world.states() == {"root": "healthy#1"}
    assert world.tree.healthy


def test_a_dynamic_supervisor_is_healthy_at_once(plant):
    assert plant(dynamic("root")).states() == {"root": "healthy#1"}


def test_each_child_starts_only_when_the_one_before_it_is_healthy(plant):
    world = plant(sup("root", "a", "b", "c"))

    assert world.told_at_first == ["start root#1", "start root.a#1"]
    assert world.state("root") == "new#1"
    assert world.healthy("root.a") == ["start root.b#1"]
    assert world.healthy("root.b") == ["start root.c#1"]
    assert world.state("root") == "new#1"
    assert world.healthy("root.c") == []
    assert world.state("root") == "healthy#1"


def test_a_supervisor_below_a_supervisor_has_started_when_all_its_children_have(plant):
    world = plant(sup("root", sup("s", "a", "b"), "c"))

    assert world.told_at_first == ["start root#1", "start root.s#1", "start root.s.a#1"]
    assert world.healthy("root.s.a") == ["start root.s.b#1"]
    assert world.healthy("root.s.b") == ["start root.c#1"]
    assert world.state("root.s") == "healthy#1"


def test_a_thousand_supervisors_in_one_another_start_and_stop(plant):
    kid = child("bottom")
    for _ in range(1000):
        kid = sup("s", kid)
    world = plant(sup("root"))
    world.checks = False
    world.start_child("root", kid)
    world.up()

    assert world.tree.healthy
    assert len(world.tree.nodes) == 1002

    world.dies("root" + ".s" * 1000 + ".bottom")
    world.up()
    world.stop()
    world.leaves("root" + ".s" * 1000 + ".bottom")
    assert world.tree.stopped
    assert world.tree.running == 0


@pytest.mark.parametrize("end", [End.RAISED, End.LEFT, End.SHUTDOWN, End.RETURNED])
def test_sup_start_fail_what_was_started_is_stopped_in_reverse_and_the_supervisor_ends(plant, end):
    world = plant(sup("root", "a", "b", "c", "d"))
    world.healthy("root.a", "root.b")

    assert world.ends("root.c", end) == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["cancel root.a#1"]
    assert world.why() == []
    world.leaves("root.a")
    assert world.why() == ["start_failed c"]
    assert world.states() == {"root": "dead#1"}
    assert world.tree.stopped
    assert world.node("root").last_error == "c could not be started"


def test_the_first_child_that_fails_ends_the_supervisor_at_once(plant):
    world = plant(sup("root", "a", "b"))
    world.dies("root.a")

    assert world.why() == ["start_failed a"]


def test_a_temporary_child_that_cannot_be_started_ends_the_supervisor_too(plant):
    world = plant(sup("root", child("a", TEMPORARY)))
    world.dies("root.a")

    assert world.why() == ["start_failed a"]


def test_a_child_that_takes_too_long_to_start_is_canceled_and_has_failed(plant):
    world = plant(sup("root", "a", child("b", start_timeout=2.0, shutdown=1.0)))
    world.healthy("root.a")

    assert world.passes(1.9) == []
    assert world.passes(0.1) == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.why() == ["start_failed b"]


def test_a_child_that_has_started_in_time_is_not_timed(plant):
    world = plant(sup("root", child("a", start_timeout=2.0), child("b", start_timeout=None)))
    world.healthy("root.a")

    assert world.timers == {}
    assert world.passes(1000.0) == []


def test_the_start_of_a_child_that_fails_ends_with_all_below_it(plant):
    world = plant(sup("root", "a"))
    world.run("root.a", "below")

    assert world.dies("root.a") == ["cancel root.a.below#1"]
    assert world.why() == []
    world.leaves("root.a.below")
    assert world.why() == ["start_failed a"]


@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT])
def test_sup_start_ignore_child_keeps_the_spec(plant, restart):
    world = plant(sup("root", child("a", restart), "b"))

    assert world.ends("root.a", End.IGNORED) == ["start root.b#1"]
    world.healthy("root.b")
    assert world.rows("root") == {"a": "stopped", "b": "running"}
    assert world.counts("root") == (2, 1, 0, 2)
    assert world.tree.healthy
    assert "root.a" not in world.states()


def test_sup_start_ignore_temporary_child_does_not_keep_the_spec(plant):
    world = plant(sup("root", child("a", TEMPORARY), "b"))
    world.ends("root.a", End.IGNORED)
    world.healthy("root.b")

    assert world.rows("root") == {"b": "running"}


def test_a_child_that_returns_without_a_word_has_started_if_it_need_not_run_on(plant):
    world = plant(sup("root", child("a", TRANSIENT), "b"))

    assert world.returns("root.a") == ["start root.b#1"]
    world.healthy("root.b")
    assert world.rows("root") == {"a": "stopped", "b": "running"}


def test_an_end_during_the_start_is_dealt_with_after_it(plant):
    world = plant(sup("root", "a", "b"))
    world.healthy("root.a")

    assert world.dies("root.a") == []
    assert world.healthy("root.b") == ["start root.a#2"]


def test_requests_during_the_start_are_dealt_with_after_it(plant):
    world = plant(sup("root", "a", "b"))
    request = world.terminate_child("root", "a")
    world.healthy("root.a")

    assert world.verdict(request) is None
    assert world.healthy("root.b") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.verdict(request) is Verdict.OK


def test_requests_of_a_supervisor_that_could_not_start_find_no_process(plant):
    world = plant(sup("root", "a", "b"))
    requests = [world.start_child("root", "c"), world.terminate_child("root", "a")]
    world.healthy("root.a")
    world.dies("root.b")

    assert [world.verdict(request) for request in requests] == [Verdict.NO_PROCESS] * 2
