"""`propagate`: the first death stops the tree, and nothing is restarted after it."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Arm, Canceling, Cause, Changed, Stopped, Stopping
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Backoff, Policy, Restart, Strategy


@pytest.fixture
def strict(plant_world):
    return plant_world(propagate=True)


def test_a_root_that_dies_has_stopped_the_tree(strict):
    assert strict.dies("root") == []
    assert strict.last == [
        Changed(1, "root", 1, NodeState.DEAD, 0.0, "ValueError: boom"),
        Stopping(0.0),
        Stopped((), 0.0),
    ]


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("restart", Restart)
def test_the_first_death_stops_all_others_in_order_and_stays_to_be_seen(strict, restart, strategy):
    strict.run("root", "a", ("b", Policy(restart=restart)), "c", strategy=strategy)

    assert strict.dies("root.b") == ["cancel root.c#1"]
    assert strict.reports(Stopping) == [Stopping(0.0)]
    assert strict.leaves("root.c") == ["cancel root.a#1"]
    assert strict.leaves("root.a") == ["cancel root#1"]
    assert strict.leaves("root") == []
    assert strict.reports(Stopped) == [Stopped((), 0.0)]
    assert strict.state("root.b") == "dead#1"


def test_a_death_without_backoff_stops_the_tree_too(strict):
    strict.run("root", ("a", Policy(backoff=Backoff(initial=0.0))))

    assert strict.dies("root.a") == ["cancel root#1"]
    assert strict.state("root.a") == "dead#1"


def test_a_death_has_no_backoff(strict):
    strict.run("root", ("a", Policy(shutdown=None)), "b")
    strict.dies("root.b")

    assert strict.reports(Arm) == []
    assert strict.node("root.b").restart_at is None


def test_the_subtree_of_the_dead_one_is_canceled_at_once(strict):
    strict.run("root", "a", "b")
    strict.run("root.a", "x", "y")

    assert strict.dies("root.a") == ["cancel root.a.x#1", "cancel root.a.y#1", "cancel root.b#1"]
    assert strict.reports(Canceling) == [
        Canceling(("root.a.x", "root.a.y"), Cause.DEATH, "root.a", 0.0),
        Canceling(("root.b",), Cause.STOP, "root", 0.0),
    ]
    assert strict.leaves("root.b") == []
    assert strict.leaves("root.a.y", "root.a.x") == ["cancel root#1"]


def test_a_second_death_in_the_stop_changes_nothing(strict):
    strict.run("root", "a", "b", "c")
    strict.dies("root.c")

    assert strict.dies("root.a") == []
    assert strict.reports(Stopping) == []
    assert strict.leaves("root.b") == ["cancel root#1"]


def test_a_death_in_a_stop_that_was_asked_for_does_not_begin_another(strict):
    strict.run("root", "a", "b")
    strict.stop()

    assert strict.dies("root.a") == []
    assert strict.reports(Stopping) == []


def test_the_stop_of_a_death_can_be_given_a_timeout(strict):
    strict.run("root", ("a", Policy(shutdown=None)), "b")
    strict.dies("root.b")
    strict.stop(1.0)

    assert strict.passes(1.0) == ["cancel root#1"]
    assert strict.passes(0.5) == []
    assert strict.reports(Stopped) == [Stopped(("root", "root.a"), 1.5)]


def test_a_node_that_is_done_stops_nothing(strict):
    strict.run("root", "a", "b")

    assert strict.finishes("root.a") == []
    assert strict.reports(Stopping) == []


def test_a_restart_that_was_asked_for_is_no_death(strict):
    strict.run("root", "a", "b")
    strict.restart("root.a")

    assert strict.dies("root.a") == ["start root.a#2"]
    assert strict.reports(Stopping) == []


def test_without_propagate_a_death_stops_nothing(world):
    world.run("root", "a")
    world.dies("root.a")

    assert world.reports(Stopping) == []
    assert world.passes(0.5) == ["start root.a#2"]
