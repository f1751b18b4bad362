"""R10: what an earlier incarnation, or a node that is no more, says has no effect."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Birth, End, Ended, Expired, Signal, Signaled, Spawned
from otp.tree.decision.policy import Policy, Restart, Strategy


@pytest.fixture
def reborn(world):
    """A tree whose `root.a` is in its second incarnation."""
    world.run("root", "a")
    world.dies("root.a")
    world.passes(0.5)
    assert world.state("root.a") == "new#2"
    return world


@pytest.mark.defect("B2")
def test_a_healthy_signal_of_an_earlier_incarnation_has_no_effect(reborn):
    assert reborn.healthy("root.a", incarnation=1) == []
    assert reborn.last == []
    assert reborn.state("root.a") == "new#2"

    reborn.healthy("root.a")
    assert reborn.state("root.a") == "healthy#2"


@pytest.mark.defect("B2")
def test_a_done_signal_of_an_earlier_incarnation_has_no_effect(reborn):
    reborn.healthy("root.a")
    reborn.done("root.a", incarnation=1)
    reborn.returns("root.a")

    assert reborn.state("root.a") == "dead#2"


@pytest.mark.defect("B2")
def test_an_earlier_incarnation_starts_no_children(reborn):
    assert reborn.run("root.a", "b", incarnation=1) == []
    assert reborn.last == []
    assert reborn.run("root.a", "b") == ["start root.a.b#1"]


@pytest.mark.defect("B2")
@pytest.mark.parametrize("end", End)
def test_an_end_of_an_earlier_incarnation_has_no_effect(reborn, end):
    assert reborn.ends("root.a", end, incarnation=1) == []
    assert reborn.last == []
    assert reborn.state("root.a") == "new#2"


def test_what_comes_from_a_later_incarnation_has_no_effect_either(reborn):
    reborn.healthy("root.a", incarnation=3)
    reborn.ends("root.a", End.RAISED, incarnation=3)

    assert reborn.state("root.a") == "new#2"


@pytest.mark.defect("B2")
def test_a_runnable_that_has_ended_signals_and_starts_nothing_any_more(world):
    world.run("root", "a")
    world.dies("root.a")

    assert world.healthy("root.a") == []
    assert world.run("root.a", "b") == []
    assert world.last == []
    assert world.state("root.a") == "dead#1"


def test_an_end_that_is_reported_twice_counts_once(world):
    world.run("root", "a")
    world.dies("root.a")
    world.dies("root.a")

    assert world.last == []
    assert world.node("root.a").failures == 1


def test_a_node_that_is_done_signals_and_starts_nothing_any_more(world):
    world.run("root", "a")
    world.finishes("root.a")
    world.dies("root.a")

    assert world.last == []
    assert world.state("root.a") == "done#1"


def test_a_child_that_was_never_started_says_nothing(world):
    world.run("root", "a")
    world.restart("root.a")
    world.run("root.a", "b")
    never = world.node("root.a.b").id

    assert world.send(Ended(never, 0, End.RETURNED, 0.0)) == []
    assert world.send(Signaled(never, 0, Signal.HEALTHY, 0.0)) == []
    assert world.state("root.a.b") == "canceled#0"


@pytest.mark.defect("B3")
@pytest.mark.parametrize(
    "event",
    [
        lambda node: Signaled(node, 1, Signal.HEALTHY, 1.0),
        lambda node: Signaled(node, 1, Signal.DONE, 1.0),
        lambda node: Spawned(node, 1, Strategy.ONE_FOR_ALL, (Birth(99, "x", Policy()),), 1.0),
        lambda node: Ended(node, 1, End.RAISED, 1.0),
    ],
)
def test_a_node_that_is_no_more_says_nothing_and_harms_nobody(world, event):
    world.run("root", ("a", Policy(restart=Restart.TEMPORARY)))
    gone = world.node("root.a").id
    world.dies("root.a")
    world.run("root", "a")

    assert world.send(event(gone)) == []
    assert world.last == []
    assert world.states() == {"root": "new#1", "root.a": "new#1"}


@pytest.mark.defect("B2")
def test_a_child_of_the_same_name_and_number_under_a_reborn_parent_is_another_one(world):
    world.run("root", "a")
    world.run("root.a", "b")
    old = world.node("root.a.b").id
    world.restart("root.a")
    world.leaves("root.a.b", "root.a")
    world.run("root.a", "b")
    assert world.state("root.a.b") == "new#1"

    assert world.send(Signaled(old, 1, Signal.HEALTHY, 0.0)) == []
    assert world.state("root.a.b") == "new#1"


@pytest.mark.parametrize("timer", [0, 1, 99, -1])
def test_a_timer_that_nobody_armed_has_no_effect(world, timer):
    assert world.send(Expired(timer, 1.0)) == []
    assert world.last == []


def test_a_timer_that_went_off_once_has_no_effect_the_second_time(world):
    world.run("root", "a")
    world.dies("root.a")
    (timer,) = world.timers
    world.passes(0.5)

    assert world.send(Expired(timer, 0.5)) == []
    assert world.state("root.a") == "new#2"


def test_a_timer_that_was_disarmed_has_no_effect(world):
    world.run("root", "a")
    world.dies("root.a")
    (timer,) = world.timers
    world.restart("root.a")
    world.dies("root.a")

    assert world.send(Expired(timer, 0.0)) == []
    assert world.state("root.a") == "dead#2"


def test_no_timer_number_is_used_twice(world):
    world.run("root", "a")
    seen = []
    for _ in range(5):
        world.dies("root.a")
        seen += world.timers
        world.passes(60.0)

    assert seen == [1, 2, 3, 4, 5]
