"""R14: children before their parent, in reverse start order, one at a time, each within its shutdown."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Canceling, Cause, Changed, Disarm, Stopped, Stopping, Stuck
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Backoff, Policy, Restart, Strategy

FOR_EVER = Policy(shutdown=None)
SLOW = Policy(backoff=Backoff(initial=10.0))


@pytest.mark.defect("B22")
def test_the_last_started_ends_first_and_children_before_their_parent(world):
    world.run("root", "a", "b")
    world.run("root", "c")
    world.run("root.b", "x", "y")

    assert world.stop() == ["cancel root.c#1"]
    assert world.leaves("root.c") == ["cancel root.b.y#1"]
    assert world.leaves("root.b.y") == ["cancel root.b.x#1"]
    assert world.leaves("root.b.x") == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["cancel root#1"]
    assert world.leaves("root") == []
    assert world.reports(Stopped) == [Stopped((), 0.0)]
    assert set(world.states().values()) == {"canceled#1"}


def test_a_stop_says_first_that_it_stops_and_why_it_cancels(world):
    world.run("root", "a")
    world.passes(3.0)
    world.stop()

    assert world.last[0] == Stopping(3.0)
    assert world.reports(Canceling) == [Canceling(("root.a",), Cause.STOP, "root", 3.0)]


def test_each_one_has_its_whole_shutdown_when_its_turn_comes(world):
    world.run("root", "a", "b")
    world.stop()

    assert world.passes(4.9) == []
    assert world.passes(0.1) == ["cancel root.a#1"]
    assert [report.nodes[0][1] for report in world.reports(Stuck)] == ["root.b"]
    assert world.passes(4.9) == []
    assert world.passes(0.1) == ["cancel root#1"]
    assert [report.nodes[0][1] for report in world.reports(Stuck)] == ["root.a"]


@pytest.mark.defect("B12")
def test_a_stop_is_over_when_all_have_ended_or_are_stuck_and_names_the_stuck_ones(world):
    world.run("root", "a", "b")
    world.run("root.a", "c")
    world.stop()
    world.leaves("root.b")
    world.passes(5.0)
    world.passes(5.0)

    assert world.leaves("root") == []
    assert world.reports(Stopped) == [Stopped(("root.a", "root.a.c"), 10.0)]


def test_a_stuck_one_that_ends_after_the_stop_changes_nothing_more(world):
    world.run("root", "a")
    world.stop()
    world.passes(5.0)
    world.leaves("root")
    assert world.reports(Stopped) == [Stopped(("root.a",), 5.0)]

    assert world.leaves("root.a") == []
    assert world.last == [Changed(world.node("root.a").id, "root.a", 1, NodeState.CANCELED, 5.0)]


def test_without_a_timeout_a_stop_waits_for_ever_where_that_was_promised(world):
    world.run("root", ("a", FOR_EVER))
    world.stop()

    assert world.passes(1e6) == []
    assert world.leaves("root.a") == ["cancel root#1"]


def test_what_can_be_killed_is_killed_and_waited_for(world):
    world.run("root", ("a", Policy(killable=True)))
    world.stop()

    assert world.passes(5.0) == ["kill root.a#1"]
    assert world.passes(60.0) == []
    assert world.leaves("root.a") == ["cancel root#1"]


def test_a_brutal_kill_does_not_hold_the_order(world):
    world.run("root", "a", ("b", Policy(shutdown=0.0)))

    assert world.stop() == ["cancel root.b#1", "cancel root.a#1"]
    assert world.node("root.b").stuck


@pytest.mark.defect("B13'")
def test_a_tree_in_which_nothing_runs_has_stopped_at_once(world):
    world.dies("root")

    assert world.stop() == []
    assert world.last == [Stopping(0.0), Disarm(1), Stopped((), 0.0)]
    assert world.passes(60.0) == []
    assert world.state("root") == "dead#1"


def test_nodes_that_are_done_are_passed_over(world):
    world.run("root", "a", "b", "c")
    world.finishes("root.c")
    world.finishes("root.a")

    assert world.stop() == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["cancel root#1"]


def test_the_children_of_a_node_that_is_done_are_stopped(world):
    world.run("root", "a", "b")
    world.run("root.b", "x")
    world.finishes("root.b")

    assert world.stop() == ["cancel root.b.x#1"]
    assert world.leaves("root.b.x") == ["cancel root.a#1"]


def test_a_node_that_was_canceled_before_the_stop_is_waited_for_when_its_turn_comes(world):
    world.run("root", "a", "b")
    world.restart("root.a")

    assert world.stop() == ["cancel root.b#1"]
    assert world.leaves("root.b") == []
    assert world.leaves("root.a") == ["cancel root#1"]


def test_one_that_ends_before_its_turn_is_not_waited_for(world):
    world.run("root", "a", "b", "c")
    world.restart("root.b")
    world.stop()
    assert world.leaves("root.b") == []

    assert world.leaves("root.c") == ["cancel root.a#1"]


def test_in_a_stop_nothing_is_restarted(world):
    world.run("root", ("a", SLOW), "b", ("c", Policy(backoff=Backoff(initial=0.0))))
    world.dies("root.a")
    world.leaves("root.b")
    world.stop()

    assert world.node("root.a").restart_at is None
    assert world.passes(1.0) == []
    assert world.leaves("root.c") == ["cancel root#1"]
    assert [world.state(dn) for dn in ("root.a", "root.b", "root.c")] == ["dead#1", "canceled#1", "canceled#1"]


def test_a_stop_ends_every_backoff(world):
    world.run_each("root", ("a", SLOW), ("b", SLOW))
    world.run("root", "c")
    world.dies("root.a")
    world.dies("root.b")
    world.stop()

    assert len(world.reports(Disarm)) == 2
    assert world.leaves("root.c") == ["cancel root#1"]


def test_in_a_stop_a_death_has_no_backoff_and_cancels_only_its_own_subtree(world):
    world.run("root", "a", "b", "c")
    world.run("root.a", "x", "y")
    assert world.stop() == ["cancel root.c#1"]

    assert world.dies("root.a") == ["cancel root.a.x#1", "cancel root.a.y#1"]
    assert world.node("root.a").restart_at is None
    assert world.states()["root.b"] == "new#1"
    assert world.leaves("root.c") == ["cancel root.b#1"]
    assert world.leaves("root.b") == []
    assert world.leaves("root.a.y", "root.a.x") == ["cancel root#1"]


@pytest.mark.parametrize("restart", Restart)
def test_a_death_of_the_one_whose_turn_is_next_hands_the_turn_on(world, restart):
    world.run_each("root", "a", ("b", Policy(restart=restart)), "c")
    world.stop()
    world.dies("root.b")

    assert world.leaves("root.c") == ["cancel root.a#1"]
    assert world.state("root.b") == "dead#1"


def test_children_spawned_in_a_stop_never_start(world):
    world.run("root", "a", "b")
    world.stop()

    assert world.run("root.a", "x") == []
    assert world.run("root", "c") == []
    assert world.state("root.a.x") == "canceled#0"
    assert world.state("root.c") == "canceled#0"
    assert world.leaves("root.b") == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["cancel root#1"]
    assert world.leaves("root") == []
    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_a_child_that_becomes_done_in_a_stop_hands_the_turn_on(world):
    world.run("root", "a", "b")
    world.stop()
    world.finishes("root.a")
    assert world.state("root.a") == "done#1"

    assert world.leaves("root.b") == ["cancel root#1"]


def test_a_tree_whose_nodes_all_become_done_in_a_stop_has_stopped(world):
    world.run("root", ("a", FOR_EVER))
    world.stop()
    world.finishes("root")
    assert world.reports(Stopped) == []

    world.leaves("root.a")
    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_a_second_stop_changes_nothing(world):
    world.run("root", "a")
    world.stop()

    assert world.stop() == []
    assert world.last == []


def test_a_stop_of_a_stopped_tree_changes_nothing(world):
    world.stop()
    world.leaves("root")

    assert world.stop() == []
    assert world.stop(0.0) == []
    assert world.last == []


def test_a_tree_that_is_being_stopped_is_not_settled_and_one_that_has_stopped_is(world):
    world.run("root", "a")
    assert world.tree.settled
    world.stop()
    assert not world.tree.settled

    world.leaves("root.a", "root")
    assert world.tree.stopped
    assert world.tree.settled


@pytest.mark.parametrize("strategy", Strategy)
def test_the_order_is_the_same_whatever_the_strategy(world, strategy):
    world.run("root", "a", "b", "c", strategy=strategy)
    told = world.stop()
    for dn in ("root.c", "root.b", "root.a", "root"):
        told += world.leaves(dn)

    assert told == ["cancel root.c#1", "cancel root.b#1", "cancel root.a#1", "cancel root#1"]


def test_a_deep_tree_stops_from_its_leaf_to_its_root(world):
    world.checks = False
    dns = ["root"]
    for _ in range(1000):
        world.run(dns[-1], "a")
        dns.append(f"{dns[-1]}.a")
    told = world.stop()
    for dn in reversed(dns):
        told += world.leaves(dn)
    world.check()

    assert told == [f"cancel {dn}#1" for dn in reversed(dns)]
    assert world.tree.stopped
