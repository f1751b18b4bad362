"""R12: what happens to a canceled runnable that does not end in time."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Arm, Cancel, Disarm, Kill, Stuck
from otp.tree.decision.policy import Backoff, Policy

FOR_EVER = Policy(shutdown=None)
BRUTAL = Policy(shutdown=0.0)
KILLABLE = Policy(killable=True)


@pytest.mark.defect("B12")
def test_a_canceled_runnable_that_outlives_its_shutdown_is_stuck(world):
    world.run("root", "a", "b")
    world.dies("root.a")
    world.passes(4.9)
    assert not world.node("root.b").stuck

    assert world.passes(0.1) == []
    assert world.node("root.b").stuck
    assert world.reports(Stuck) == [Stuck(((world.node("root.b").id, "root.b", 1),), 5.0)]


@pytest.mark.defect("B12")
def test_all_blockers_of_one_cancellation_with_the_same_deadline_are_one_report(world):
    world.run("root", "a")
    world.run("root.a", "b", "c")
    world.run("root.a.b", "d")
    world.dies("root.a")
    world.leaves("root.a.c")
    world.passes(5.0)

    (report,) = world.reports(Stuck)
    assert [(dn, incarnation) for _id, dn, incarnation in report.nodes] == [("root.a.b", 1), ("root.a.b.d", 1)]
    assert world.tree.stuck == 2


def test_different_deadlines_of_one_cancellation_are_different_reports(world):
    world.run("root", "a", ("b", Policy(shutdown=1.0)), ("c", Policy(shutdown=2.0)))
    world.dies("root.a")

    world.passes(1.0)
    assert [dn for _id, dn, _incarnation in world.reports(Stuck)[0].nodes] == ["root.b"]
    world.passes(1.0)
    assert [dn for _id, dn, _incarnation in world.reports(Stuck)[0].nodes] == ["root.c"]


def test_equal_deadlines_of_one_cancellation_share_one_timer(world):
    world.run("root", "a", "b", "c", "d")
    world.dies("root.a")

    assert [action.at for action in world.last if isinstance(action, Arm)] == [0.5, 5.0]


def test_two_cancellations_at_the_same_moment_are_two_reports(world):
    world.run_each("root", "a", "b")
    world.restart("root.a")
    world.restart("root.b")
    world.passes(5.0)

    assert [[dn for _id, dn, _incarnation in report.nodes] for report in world.reports(Stuck)] == [
        ["root.a"],
        ["root.b"],
    ]


def test_the_deadline_counts_from_the_cancel(world):
    world.run("root", "a")
    world.passes(100.0)
    world.restart("root.a")

    world.passes(4.9)
    assert not world.node("root.a").stuck
    world.passes(0.1)
    assert world.node("root.a").stuck


def test_a_runnable_that_ends_in_time_takes_the_timer_along(world):
    world.run("root", "a")
    world.restart("root.a")
    world.passes(4.9)
    world.leaves("root.a")

    assert len(world.reports(Disarm)) == 1
    assert world.timers == {}


def test_the_timer_goes_with_the_last_one_that_ends_not_with_the_first(world):
    world.run("root", "a", "b", "c")
    world.dies("root.a")
    world.leaves("root.b")
    assert world.reports(Disarm) == []

    world.leaves("root.c")
    assert len(world.reports(Disarm)) == 1


def test_a_stuck_runnable_is_stuck_no_more_when_it_ends_after_all(world):
    world.run("root", "a")
    world.restart("root.a")
    world.passes(5.0)
    assert world.tree.stuck == 1

    assert world.leaves("root.a") == ["start root.a#2"]
    assert not world.node("root.a").stuck
    assert world.tree.stuck == 0
    assert world.reports(Disarm) == []


@pytest.mark.defect("B12")
def test_a_runnable_that_was_promised_for_ever_is_never_stuck(world):
    world.run("root", ("a", FOR_EVER))

    assert world.restart("root.a") == ["cancel root.a#1"]
    assert world.timers == {}
    assert world.passes(1e6) == []
    assert not world.node("root.a").stuck


def test_a_brutal_kill_of_what_cannot_be_killed_is_stuck_at_once(world):
    world.run("root", ("a", BRUTAL))

    assert world.restart("root.a") == ["cancel root.a#1"]
    assert world.node("root.a").stuck
    assert world.reports(Stuck) == [Stuck(((world.node("root.a").id, "root.a", 1),), 0.0)]
    assert world.timers == {}


def test_a_brutal_kill_of_what_can_be_killed_kills_it_at_once(world):
    world.run("root", ("a", Policy(shutdown=0.0, killable=True)))

    assert world.restart("root.a") == ["cancel root.a#1", "kill root.a#1"]
    assert world.reports(Stuck) == []
    assert not world.node("root.a").stuck


def test_all_cancels_go_out_before_the_first_kill(world):
    brutal = Policy(shutdown=0.0, killable=True)
    world.run("root", ("a", brutal), ("b", brutal), "c")

    world.dies("root.c")
    kinds = [type(action) for action in world.last if isinstance(action, (Cancel, Kill))]
    assert kinds == [Cancel, Cancel, Kill, Kill]


def test_what_can_be_killed_is_killed_at_its_deadline_and_is_not_stuck(world):
    world.run("root", ("a", KILLABLE))
    world.restart("root.a")

    assert world.passes(4.9) == []
    assert world.passes(0.1) == ["kill root.a#1"]
    assert world.reports(Stuck) == []
    assert world.tree.stuck == 0
    assert world.leaves("root.a") == ["start root.a#2"]


def test_of_one_deadline_what_can_be_killed_is_killed_and_the_rest_is_stuck(world):
    world.run("root", "a", ("b", KILLABLE), "c", ("d", KILLABLE), "e")
    world.dies("root.a")

    assert world.passes(5.0) == ["kill root.b#1", "kill root.d#1"]
    assert [dn for _id, dn, _incarnation in world.reports(Stuck)[0].nodes] == ["root.c", "root.e"]
    assert world.tree.stuck == 2


def test_a_node_that_is_canceled_already_keeps_the_deadline_it_has(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.restart("root.a.b")
    world.passes(3.0)
    world.dies("root.a")
    world.passes(1.9)
    assert not world.node("root.a.b").stuck

    world.passes(0.1)
    assert world.node("root.a.b").stuck


def test_the_next_incarnation_starts_without_the_deadline_of_the_last(world):
    world.run("root", ("a", Policy(backoff=Backoff(initial=0.0))))
    world.restart("root.a")
    world.leaves("root.a")
    world.passes(3600.0)

    assert not world.node("root.a").stuck
    assert world.node("root.a").deadline is None


def test_a_node_that_dies_by_itself_has_no_deadline(world):
    world.run("root", "a")
    world.dies("root.a")

    assert world.node("root.a").deadline is None
    assert list(world.timers.values()) == [0.5]
