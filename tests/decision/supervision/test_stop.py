"""The stop of supervisors: in reverse, one at a time, each within its `shutdown`."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import End, Stopped, Stuck, Verdict
from otp.tree.decision.policy import Strategy
from tests.decision.supervision.conftest import PERMANENT, TEMPORARY, TRANSIENT, Kid, child, dynamic, sup

EVERY_END = [End.RAISED, End.LEFT, End.RETURNED, End.SHUTDOWN]


def planted(plant, *kids, **supervision):
    world = plant(sup("root", *kids, **supervision))
    world.up()
    return world


def test_order_of_children_is_that_of_their_start_whatever_their_names(plant):
    world = planted(plant, "a2", "a1", "a4", "a3", "a5", strategy=Strategy.REST_FOR_ONE)

    assert list(world.rows("root")) == ["a2", "a1", "a4", "a3", "a5"]
    assert world.dies("root.a4") == ["cancel root.a5#1"]
    assert world.leaves("root.a5") == ["cancel root.a3#1"]
    world.leaves("root.a3")
    world.up()
    assert world.stop() == ["cancel root.a5#2"]
    assert world.leaves("root.a5") == ["cancel root.a3#2"]
    assert world.leaves("root.a3") == ["cancel root.a4#2"]
    assert world.leaves("root.a4") == ["cancel root.a1#1"]
    assert world.leaves("root.a1") == ["cancel root.a2#1"]
    assert world.leaves("root.a2") == ["cancel root#1"]
    assert world.tree.stopped


def test_sup_stop_infinity_waits_for_ever(plant):
    world = planted(plant, child("a", shutdown=None), child("b", shutdown=None))
    world.stop()

    assert world.timers == {}
    assert world.passes(100_000.0) == []
    assert world.leaves("root.b") == ["cancel root.a#1"]


def test_sup_stop_timeout_what_can_be_killed_is_killed(plant):
    world = planted(plant, child("a", shutdown=1.0, killable=True), child("b", shutdown=1.0, killable=True))
    world.stop()

    assert world.passes(1.0) == ["kill root.b#1"]
    assert world.leaves("root.b") == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["cancel root#1"]


def test_sup_stop_timeout_what_cannot_be_killed_is_stuck_and_does_not_hold_up_the_others(plant):
    world = planted(plant, child("a", shutdown=1.0), child("b", shutdown=1.0))
    world.stop()

    assert world.passes(1.0) == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["cancel root#1"]
    assert world.reports(Stopped) == [Stopped(("root.b",), 1.0)]


def test_sup_stop_brutal_kill(plant):
    world = planted(plant, "a", child("b", shutdown=0.0, killable=True))

    assert world.stop() == ["cancel root.b#1", "kill root.b#1"]
    assert world.leaves("root.b") == ["cancel root.a#1"]


@pytest.mark.parametrize("end", EVERY_END)
@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT, TEMPORARY])
def test_sup_stop_race_children_that_end_by_themselves_in_the_stop(plant, restart, end):
    world = planted(plant, child("a", restart), child("b", restart), child("c", restart))
    world.stop()

    assert world.ends("root.a", end) == []
    assert world.ends("root.c", end) == ["cancel root.b#1"]
    assert world.ends("root.b", end) == ["cancel root#1"]
    assert world.tree.stopped


@pytest.mark.parametrize("end", EVERY_END)
@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT, TEMPORARY])
def test_sup_stop_non_shutdown_exit_dynamic(plant, restart, end):
    world = plant(dynamic("root"))
    world.admit("root", child("a", restart), child("b", restart))
    world.stop()
    world.ends("root.a", end)

    assert world.ends("root.b", end) == ["cancel root#1"]
    assert world.tree.stopped


def test_the_children_of_a_dynamic_supervisor_are_stopped_at_once_each_with_its_own_deadline(plant):
    world = plant(sup("root", "z", dynamic("d")))
    world.up()
    world.admit("root.d", child("a", shutdown=1.0), child("b", shutdown=2.0, killable=True), sup("s", "x", "y"))

    assert world.stop() == ["cancel root.d.a#1", "cancel root.d.b#1", "cancel root.d.s.y#1"]
    assert world.leaves("root.d.s.y") == ["cancel root.d.s.x#1"]
    world.passes(1.0)
    assert world.reports(Stuck)[0].nodes[0][1] == "root.d.a"
    assert world.leaves("root.d.s.x") == ["cancel root.d.s#1"]
    assert world.passes(1.0) == ["kill root.d.b#1"]
    assert world.leaves("root.d.b") == ["cancel root.d#1", "cancel root.z#1"]


def test_a_supervisor_is_stopped_after_its_children_and_before_what_was_started_before_it(plant):
    world = planted(plant, "a", sup("s", "x", "y"), "b")
    world.stop()
    assert world.leaves("root.b") == ["cancel root.s.y#1"]
    assert world.leaves("root.s.y") == ["cancel root.s.x#1"]
    assert world.leaves("root.s.x") == ["cancel root.s#1", "cancel root.a#1"]


def test_a_plain_node_below_a_supervisor_is_stopped_after_what_is_below_it(plant):
    world = plant(sup("root", "a", "b"))
    world.run("root.a", "x", "y")
    world.healthy("root.a", "root.a.x", "root.a.y", "root.b")
    world.terminate_child("root", "a")

    assert world.told == ["cancel root.a.y#1"]
    assert world.dies("root.a.x") == []  # nothing is started any more below what is being stopped
    assert world.leaves("root.a.y") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.verdict(1) is Verdict.OK


def test_what_a_node_asks_for_while_it_is_being_stopped_is_never_started(plant):
    policy = child("s", start_timeout=1.0, shutdown=None).policy
    world = plant(sup("root"))
    world.start_child("root", Kid("a", policy))
    world.run("root.a", child("slow", shutdown=None))

    assert world.passes(1.0) == ["cancel root.a.slow#1"]
    assert world.run("root.a", "late") == []
    assert world.state("root.a.late") == "canceled#0"
    assert world.leaves("root.a.slow") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.known == {1}


def test_a_supervisor_that_takes_longer_than_its_shutdown_has_all_the_rest_canceled_at_once(plant):
    policy = child("s", shutdown=2.0).policy
    world = planted(plant, "a", sup("s", child("x", shutdown=None), child("y", shutdown=None), policy=policy))
    request = world.terminate_child("root", "s")
    assert world.told == ["cancel root.s.y#1"]

    assert world.passes(2.0) == ["cancel root.s#1", "cancel root.s.x#1"]
    assert world.verdict(request) is None
    world.leaves("root.s.x")
    world.passes(0.5)
    assert world.reports(Stuck)[0].nodes[0][1] == "root.s.y"
    assert world.verdict(request) is Verdict.OK


def test_a_supervisor_that_stops_within_its_shutdown_leaves_no_timer(plant):
    policy = child("s", shutdown=2.0).policy
    world = planted(plant, sup("s", "x", policy=policy))
    world.terminate_child("root", "s")
    world.leaves("root.s.x")

    assert world.verdict(1) is Verdict.OK
    assert world.timers == {}


def test_a_stop_in_the_midst_of_anything_answers_everybody(plant):
    world = planted(plant, "a", "b")
    requests = [world.terminate_child("root", "b"), world.start_child("root", "c"), world.delete_child("root", "a")]
    assert world.stop() == []  # b is being stopped already

    assert [world.verdict(request) for request in requests] == [Verdict.NO_PROCESS] * 3
    assert world.leaves("root.b") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.tree.stopped
    assert world.known == set(world.tree.nodes)


def test_a_stop_while_a_supervisor_starts_stops_what_has_started(plant):
    world = plant(sup("root", "a", "b", "c"))
    world.healthy("root.a")

    assert world.stop() == ["cancel root.b#1"]
    assert world.healthy("root.b") == []
    assert world.leaves("root.b") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.tree.stopped
    assert world.timers == {}


def test_a_stop_while_a_supervisor_gives_up_goes_on_with_that(plant):
    world = planted(plant, "a", "b", "c", max_restarts=0)
    world.dies("root.a")
    assert world.stop() == []
    assert world.leaves("root.c") == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["cancel root#1"]
    assert world.tree.stopped
    assert world.why() == []


def test_a_stop_in_a_hurry_cancels_all_of_a_supervisor_at_once(plant):
    world = planted(plant, "a", "b", sup("s", "x"))

    assert sorted(world.stop(0.0)) == [
        "cancel root#1",
        "cancel root.a#1",
        "cancel root.b#1",
        "cancel root.s#1",
        "cancel root.s.x#1",
    ]
    world.leaves("root.s.x", "root.b", "root.a")
    assert world.tree.stopped


def test_the_stop_of_one_supervisor_by_another_that_is_stopped_is_not_begun_twice(plant):
    world = planted(plant, sup("s", sup("t", "a", "b"), "c"))
    world.terminate_child("root.s", "t")
    assert world.terminate_child("root", "s") == 2
    assert world.told == []
    assert world.verdict(1) is Verdict.NO_PROCESS
    assert world.leaves("root.s.t.b") == ["cancel root.s.t.a#1"]
    assert world.leaves("root.s.t.a") == ["cancel root.s.t#1", "cancel root.s.c#1"]
    world.leaves("root.s.c")
    assert world.verdict(2) is Verdict.OK
