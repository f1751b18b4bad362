"""Somebody outside wants a node started anew: that node alone, without backoff; its group stays."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Canceling, Cause, Disarm, RestartRequested, Stopped
from otp.tree.decision.policy import Backoff, Policy, Restart, Strategy

SLOW = Policy(backoff=Backoff(initial=10.0))


@pytest.mark.defect("B21")
@pytest.mark.parametrize("strategy", Strategy)
def test_that_node_alone_is_canceled_and_started_anew(world, strategy):
    world.run("root", "a", "b", "c", strategy=strategy)

    assert world.restart("root.b") == ["cancel root.b#1"]
    assert world.reports(Canceling) == [Canceling(("root.b",), Cause.RESTART, "root.b", 0.0)]
    assert world.leaves("root.b") == ["start root.b#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#1", "root.b": "new#2", "root.c": "new#1"}


def test_its_subtree_goes_and_it_waits_for_that(world):
    world.run("root", "a")
    world.run("root.a", "b")

    assert world.restart("root.a") == ["cancel root.a#1", "cancel root.a.b#1"]
    assert world.leaves("root.a") == []
    assert world.leaves("root.a.b") == ["start root.a#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#2"}


def test_it_waits_for_no_backoff_even_if_it_raises(world):
    world.run("root", ("a", SLOW))
    world.restart("root.a")

    assert world.dies("root.a") == ["start root.a#2"]


def test_a_node_in_its_backoff_starts_at_once(world):
    world.run("root", ("a", SLOW))
    world.dies("root.a")

    assert world.restart("root.a") == ["start root.a#2"]
    assert len(world.reports(Disarm)) == 1
    assert world.reports(Canceling) == []
    assert world.passes(3600.0) == []


def test_a_node_in_its_backoff_still_waits_for_its_subtree(world):
    world.run("root", ("a", SLOW))
    world.run("root.a", "b")
    world.dies("root.a")

    assert world.restart("root.a") == []
    assert world.leaves("root.a.b") == ["start root.a#2"]


def test_a_node_in_its_backoff_still_waits_for_its_group(world):
    world.run("root", ("a", SLOW), "b")
    world.dies("root.a")

    assert world.restart("root.a") == []
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2"]


def test_in_rest_for_one_it_still_waits_for_an_earlier_member_in_its_backoff(world):
    world.run("root", ("a", SLOW), "b", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.a")
    world.leaves("root.b")

    assert world.restart("root.b") == []
    assert world.restart("root.a") == ["start root.a#2", "start root.b#2"]


def test_a_node_that_is_done_starts_anew(world):
    world.run("root", "a", "b")
    world.finishes("root.a")

    assert world.restart("root.a") == ["start root.a#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#2", "root.b": "new#1"}


def test_a_node_that_is_done_waits_for_the_children_it_has(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.finishes("root.a")

    assert world.restart("root.a") == ["cancel root.a.b#1"]
    assert world.leaves("root.a.b") == ["start root.a#2"]


def test_a_node_that_is_canceled_already_is_canceled_once(world):
    world.run("root", "a")
    world.restart("root.a")

    assert world.restart("root.a") == []
    assert world.last == []
    assert world.leaves("root.a") == ["start root.a#2"]


def test_a_node_under_a_dead_parent_comes_back_with_the_parent_only(world):
    world.run("root", "a")
    world.run("root.a", "b", "c")
    world.dies("root.a")
    world.leaves("root.a.b")

    assert world.restart("root.a.b") == []
    assert world.leaves("root.a.c") == []
    assert world.passes(0.5) == ["start root.a#2"]


def test_the_root_can_be_restarted(world):
    world.run("root", "a")

    assert world.restart("root") == ["cancel root#1", "cancel root.a#1"]
    assert world.leaves("root.a", "root") == ["start root#2"]
    assert world.states() == {"root": "new#2"}


def test_a_restart_does_not_take_the_backoff_back(world):
    world.run("root", "a")
    for _ in range(3):
        world.dies("root.a")
        world.restart("root.a")
    world.dies("root.a")

    assert world.node("root.a").restart_at == pytest.approx(1.6875)


def test_a_temporary_node_that_somebody_wants_is_started_again(world):
    world.run("root", ("a", Policy(restart=Restart.TEMPORARY)))
    world.restart("root.a")

    assert world.leaves("root.a") == ["start root.a#2"]


def test_a_dead_temporary_node_that_somebody_wants_while_its_children_run_is_started_again(world):
    world.run("root", ("a", Policy(restart=Restart.TEMPORARY)))
    world.run("root.a", "b")
    world.dies("root.a")

    assert world.restart("root.a") == []
    assert world.leaves("root.a.b") == ["start root.a#2"]


def test_that_somebody_wanted_a_temporary_node_once_does_not_keep_it_for_ever(world):
    world.run("root", ("a", Policy(restart=Restart.TEMPORARY)))
    world.restart("root.a")
    world.leaves("root.a")

    world.dies("root.a")
    assert world.states() == {"root": "new#1"}


def test_a_node_that_nobody_knows_is_not_restarted(world):
    assert world.send(RestartRequested(99, 0.0)) == []
    assert world.last == []
    assert world.states() == {"root": "new#1"}


def test_nothing_is_restarted_in_a_stop(world):
    world.run("root", "a", "b")
    world.dies("root.a")
    world.stop()

    assert world.restart("root.a") == []
    assert world.restart("root.b") == []
    assert world.last == []


@pytest.mark.parametrize("dn", ["root", "root.a"])
def test_nothing_is_restarted_in_a_tree_that_has_come_to_its_end(world, dn):
    world.run("root", "a")
    world.finishes("root.a", "root")
    assert world.reports(Stopped) == [Stopped((), 0.0)]

    assert world.restart(dn) == []
    assert world.last == []
    assert world.states() == {"root": "done#1", "root.a": "done#1"}


def test_a_tree_with_a_node_that_was_asked_to_end_is_not_healthy_until_the_next_one_is(world):
    world.run("root", "a")
    world.healthy("root", "root.a")
    assert world.tree.healthy

    world.restart("root.a")
    assert not world.tree.healthy
    world.leaves("root.a")
    assert not world.tree.healthy
    world.healthy("root.a")
    assert world.tree.healthy
