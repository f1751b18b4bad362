"""R14: what happens when the time for an orderly stop is over."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Canceling, Cause, Disarm, Stopped, Stuck
from otp.tree.decision.policy import Backoff, Policy
from otp.tree.decision.stop import LAST_GRACE

FOR_EVER = Policy(shutdown=None)


def test_at_the_timeout_all_that_is_left_is_canceled_at_once(world):
    world.run("root", "a", "b", "c")
    world.run("root.a", "x")
    assert world.stop(2.0) == ["cancel root.c#1"]

    assert world.passes(1.9) == []
    told = world.passes(0.1)
    assert sorted(told) == ["cancel root#1", "cancel root.a#1", "cancel root.a.x#1", "cancel root.b#1"]
    assert world.reports(Canceling) == [Canceling(("root",), Cause.STOP, "root", 2.0)]


def test_what_is_canceled_at_the_timeout_has_the_last_grace_however_long_it_was_promised(world):
    world.run("root", ("a", FOR_EVER), ("b", Policy(shutdown=60.0)), "c")
    world.stop(2.0)
    world.leaves("root.c")
    world.passes(2.0)

    assert world.passes(LAST_GRACE - 0.01) == []
    assert world.tree.stuck == 0
    world.passes(0.01)
    assert world.tree.stuck == 3
    assert world.reports(Stopped) == [Stopped(("root", "root.a", "root.b"), 2.0 + LAST_GRACE)]


def test_those_that_are_stuck_after_the_last_grace_are_one_report(world):
    world.run("root", ("a", FOR_EVER), ("b", Policy(shutdown=60.0)), "c")
    world.stop(2.0)
    world.passes(2.0)
    world.leaves("root")
    world.passes(LAST_GRACE)

    (report,) = world.reports(Stuck)
    assert [dn for _id, dn, _incarnation in report.nodes] == ["root.a", "root.b", "root.c"]
    assert report.at == 2.5


def test_the_last_grace_is_half_a_second():
    assert LAST_GRACE == 0.5


def test_one_that_was_canceled_before_gets_its_deadline_shortened(world):
    world.run("root", ("a", Policy(shutdown=60.0)), "b")
    world.restart("root.a")
    world.stop(1.0)
    world.leaves("root.b")
    world.passes(1.0)
    world.leaves("root")

    world.passes(LAST_GRACE)
    assert world.reports(Stopped) == [Stopped(("root.a",), 1.5)]


def test_one_that_was_promised_less_keeps_its_deadline(world):
    world.run("root", "a", ("b", Policy(shutdown=0.2)))
    world.run("root", "c")
    world.stop(1.0)
    world.passes(1.0)
    world.leaves("root", "root.a", "root.c")

    assert world.passes(0.19) == []
    assert not world.node("root.b").stuck
    world.passes(0.01)
    assert world.reports(Stopped) == [Stopped(("root.b",), pytest.approx(1.2))]


def test_one_that_was_promised_as_much_as_the_last_grace_is_in_the_same_report_as_all_others(world):
    world.run("root", ("a", Policy(shutdown=LAST_GRACE)), "b")
    world.stop(1.0)
    world.passes(1.0)
    assert list(world.timers.values()) == [1.5]

    world.passes(LAST_GRACE)
    (report,) = world.reports(Stuck)
    assert [dn for _id, dn, _incarnation in report.nodes] == ["root", "root.a", "root.b"]


def test_the_deadline_that_nobody_is_left_for_is_disarmed(world):
    world.run("root", ("a", FOR_EVER), "b")
    world.stop(1.0)
    world.passes(1.0)

    assert list(world.timers.values()) == [1.5]
    assert len(world.reports(Disarm)) == 2


def test_what_can_be_killed_is_killed_after_the_last_grace(world):
    world.run("root", ("a", Policy(shutdown=None, killable=True)))
    world.stop(1.0)
    world.passes(1.0)
    world.leaves("root")

    assert world.passes(LAST_GRACE) == ["kill root.a#1"]
    assert not world.tree.stopped
    world.leaves("root.a")
    assert world.reports(Stopped) == [Stopped((), 1.5)]


def test_what_has_been_killed_already_is_not_killed_again(world):
    world.run("root", ("a", Policy(shutdown=0.5, killable=True)))
    world.stop(1.0)
    assert world.passes(0.5) == ["kill root.a#1"]

    assert world.passes(0.5) == ["cancel root#1"]
    assert world.passes(LAST_GRACE) == []
    assert world.leaves("root.a") == []
    assert world.reports(Stopped) == [Stopped(("root",), 1.5)]


def test_what_is_stuck_already_is_not_reported_again(world):
    world.run("root", ("a", Policy(shutdown=0.5)), ("b", FOR_EVER))
    world.restart("root.a")
    world.stop(1.0)
    world.passes(1.0)
    world.leaves("root", "root.b")

    assert world.reports(Stuck) == []
    assert world.tree.stopped
    assert world.passes(60.0) == []


def test_a_timeout_of_zero_cancels_all_at_once(world):
    world.run("root", "a", "b")

    assert sorted(world.stop(0.0)) == ["cancel root#1", "cancel root.a#1", "cancel root.b#1"]
    assert world.leaves("root", "root.a") == []
    assert not world.tree.stopped
    assert world.leaves("root.b") == []
    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_a_negative_timeout_is_no_time_at_all(world):
    world.run("root", "a")

    assert sorted(world.stop(-1.0)) == ["cancel root#1", "cancel root.a#1"]


def test_a_timeout_of_zero_stops_a_tree_in_which_nothing_runs_at_once(world):
    world.dies("root")
    world.stop(0.0)

    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_a_stop_that_is_over_in_time_takes_its_timer_along(world):
    world.run("root", "a")
    world.stop(10.0)
    world.leaves("root.a", "root")

    assert world.reports(Stopped) == [Stopped((), 0.0)]
    assert world.timers == {}


def test_a_stop_whose_last_one_is_stuck_takes_its_timer_along(world):
    world.stop(10.0)
    world.passes(5.0)

    assert world.reports(Stopped) == [Stopped(("root",), 5.0)]
    assert world.timers == {}


def test_asked_again_the_new_timeout_counts_from_now_and_the_order_goes_on(world):
    world.run("root", ("a", FOR_EVER), ("b", FOR_EVER))
    world.stop(10.0)
    world.passes(4.0)

    assert world.stop(2.0) == []
    assert len(world.reports(Disarm)) == 1
    assert list(world.timers.values()) == [6.0]
    assert world.leaves("root.b") == ["cancel root.a#1"]
    assert world.passes(2.0) == ["cancel root#1"]


def test_asked_again_without_a_timeout_the_old_one_stays(world):
    world.run("root", ("a", FOR_EVER))
    world.stop(10.0)
    world.passes(4.0)
    world.stop()

    assert world.passes(6.0) == ["cancel root#1"]


def test_a_stop_without_timeout_can_be_hurried_later(world):
    world.run("root", ("a", FOR_EVER), "b")
    world.stop()
    world.passes(1.0)

    assert sorted(world.stop(0.0)) == ["cancel root#1", "cancel root.a#1"]


def test_once_all_has_been_canceled_another_timeout_changes_nothing(world):
    world.run("root", ("a", FOR_EVER))
    world.stop(0.0)

    assert world.stop(60.0) == []
    assert world.stop(0.0) == []
    assert world.last == []
    world.passes(LAST_GRACE)
    assert world.reports(Stopped) == [Stopped(("root", "root.a"), 0.5)]


def test_after_the_timeout_a_runnable_that_cannot_be_killed_and_was_promised_nothing_is_stuck_at_once(world):
    world.run("root", ("a", Policy(shutdown=0.0)), "b")
    world.stop(1.0)
    world.passes(1.0)

    assert world.node("root.a").stuck
    assert not world.node("root.b").stuck
    assert not world.tree.stopped


def test_children_spawned_after_the_timeout_never_start(world):
    world.stop(0.0)

    assert world.run("root", "a") == []
    assert world.leaves("root") == []
    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_after_the_timeout_nothing_dies_any_more(world):
    world.run("root", ("a", Policy(backoff=Backoff(initial=0.0))))
    world.stop(0.0)
    world.dies("root.a")

    assert world.states() == {"root": "new#1", "root.a": "canceled#1"}
