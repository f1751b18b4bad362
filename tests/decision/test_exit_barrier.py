"""R7, second half: no member of a group starts anew before every old member, and its subtree, has ended."""

from __future__ import annotations

import pytest

from otp.tree.decision.policy import Backoff, Policy, Strategy

AT_ONCE = Policy(backoff=Backoff(initial=0.0))


@pytest.mark.defect("B11")
def test_a_dead_member_whose_backoff_is_over_waits_for_the_old_ones(world):
    world.run("root", "a", "b")
    world.dies("root.a")

    assert world.passes(60.0) == []
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2"]


@pytest.mark.defect("B11")
def test_a_dead_member_without_backoff_waits_for_the_old_ones(world):
    world.run("root", ("a", AT_ONCE), "b")

    assert world.dies("root.a") == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2"]


@pytest.mark.defect("B11")
def test_a_canceled_member_waits_for_the_other_canceled_ones(world):
    world.run("root", "a", "b", "c")
    world.dies("root.a")

    assert world.leaves("root.b") == []
    assert world.leaves("root.c") == ["start root.b#2", "start root.c#2"]


@pytest.mark.defect("B11")
def test_the_barrier_waits_for_the_subtree_of_an_old_member_too(world):
    world.run("root", ("a", AT_ONCE), "b")
    world.run("root.b", "c")
    world.run("root.b.c", "d")
    world.dies("root.a")

    assert world.leaves("root.b", "root.b.c") == []
    assert world.leaves("root.b.c.d") == ["start root.a#2", "start root.b#2"]


@pytest.mark.defect("B11")
def test_the_barrier_waits_for_the_subtree_of_the_dead_member_itself(world):
    world.run("root", ("a", AT_ONCE), "b")
    world.run("root.a", "c")
    world.dies("root.a")

    assert world.leaves("root.b") == []
    assert world.leaves("root.a.c") == ["start root.a#2", "start root.b#2"]


def test_the_barrier_waits_for_the_children_of_a_member_that_was_done(world):
    world.run("root", ("a", AT_ONCE), "b")
    world.run("root.b", "c")
    world.finishes("root.b")

    assert world.dies("root.a") == ["cancel root.b.c#1"]
    assert world.leaves("root.b.c") == ["start root.a#2", "start root.b#2"]


def test_all_come_back_in_declared_order_whatever_the_order_of_their_ends(world):
    world.run("root", "a", "b", ("c", AT_ONCE), "d")
    world.dies("root.c")

    assert world.leaves("root.d", "root.a") == []
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2", "start root.c#2", "start root.d#2"]


def test_in_rest_for_one_the_barrier_does_not_wait_for_the_earlier_members(world):
    world.run("root", "a", ("b", AT_ONCE), "c", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.b")

    assert world.leaves("root.c") == ["start root.b#2", "start root.c#2"]
    assert world.state("root.a") == "new#1"


def test_in_rest_for_one_the_barrier_holds_for_the_later_members(world):
    world.run("root", ("a", AT_ONCE), "b", "c", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.a")

    assert world.leaves("root.c") == []
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2", "start root.c#2"]


def test_one_for_one_has_no_barrier_between_members(world):
    world.run("root", ("a", AT_ONCE), ("b", AT_ONCE), strategy=Strategy.ONE_FOR_ONE)
    world.run("root.b", "c")
    world.dies("root.b")

    assert world.dies("root.a") == ["start root.a#2"]
    assert world.leaves("root.b.c") == ["start root.b#2"]


def test_one_for_one_has_a_barrier_between_a_node_and_its_own_subtree(world):
    world.run("root", ("a", AT_ONCE), "b", strategy=Strategy.ONE_FOR_ONE)
    world.run("root.a", "c")

    assert world.dies("root.a") == ["cancel root.a.c#1"]
    assert world.leaves("root.a.c") == ["start root.a#2"]


def test_a_stuck_member_holds_its_group_until_it_ends(world):
    world.run("root", ("a", AT_ONCE), "b")
    world.dies("root.a")
    world.passes(3600.0)

    assert world.node("root.b").stuck
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2"]


def test_a_member_that_is_canceled_for_a_restart_is_waited_for_too(world):
    world.run("root", ("a", AT_ONCE), "b")
    world.restart("root.b")

    assert world.dies("root.a") == []
    assert world.leaves("root.b") == ["start root.a#2", "start root.b#2"]


def test_the_barrier_of_one_generation_does_not_hold_the_next(world):
    world.run("root", ("a", AT_ONCE), "b")
    for generation in range(1, 5):
        world.run("root.b", "c")
        assert world.dies("root.a") == [f"cancel root.b#{generation}", "cancel root.b.c#1"]
        assert world.leaves("root.b") == []
        assert world.leaves("root.b.c") == [f"start root.a#{generation + 1}", f"start root.b#{generation + 1}"]


def test_a_parent_that_died_meanwhile_takes_the_group_along(world):
    world.run("root", "parent")
    world.run("root.parent", ("a", AT_ONCE), "b")
    world.dies("root.parent.a")
    world.dies("root.parent")

    assert world.leaves("root.parent.b") == []
    assert world.passes(0.5) == ["start root.parent#2"]
    assert world.states() == {"root": "new#1", "root.parent": "new#2"}
