"""R7, first half: whom the death of a group's member takes along, under each strategy."""

from __future__ import annotations

import pytest

from otp.tree.decision.policy import Backoff, Policy, Strategy


def test_one_for_all_cancels_all_other_members(world):
    world.run("root", "a", "b", "c", strategy=Strategy.ONE_FOR_ALL)

    assert world.dies("root.b") == ["cancel root.a#1", "cancel root.c#1"]


def test_rest_for_one_cancels_the_members_that_were_started_later(world):
    world.run("root", "a", "b", "c", "d", strategy=Strategy.REST_FOR_ONE)

    assert world.dies("root.b") == ["cancel root.c#1", "cancel root.d#1"]
    assert world.state("root.a") == "new#1"


def test_rest_for_one_cancels_nobody_for_the_last_member(world):
    world.run("root", "a", "b", strategy=Strategy.REST_FOR_ONE)

    assert world.dies("root.b") == []


def test_one_for_one_cancels_nobody(world):
    world.run("root", "a", "b", "c", strategy=Strategy.ONE_FOR_ONE)

    assert world.dies("root.b") == []
    assert world.passes(0.5) == ["start root.b#2"]


def test_a_death_takes_its_own_subtree_along_before_its_group(world):
    world.run("root", "a", "b")
    world.run("root.b", "c")

    assert world.dies("root.b") == ["cancel root.b.c#1", "cancel root.a#1"]


def test_a_members_subtree_is_canceled_with_it(world):
    world.run("root", "a", "b")
    world.run("root.a", "c")

    assert world.dies("root.b") == ["cancel root.a#1", "cancel root.a.c#1"]


@pytest.mark.parametrize("strategy", Strategy)
def test_groups_of_one_parent_do_not_share_their_fate(world, strategy):
    world.run("root", "a", "b", strategy=strategy)
    world.run("root", "c", "d", strategy=strategy)
    world.dies("root.a")

    assert world.state("root.c") == "new#1"
    assert world.state("root.d") == "new#1"
    assert world.dies("root.c") == ([] if strategy is Strategy.ONE_FOR_ONE else ["cancel root.d#1"])


def test_only_a_dead_member_cancels_its_group(world):
    world.run("root", "a", "b", "c", "d")
    world.dies("root.a")

    assert world.leaves("root.b") == []
    assert world.returns("root.c") == []
    assert world.state("root.d") == "new#1"


def test_a_member_that_is_done_cancels_nobody(world):
    world.run("root", "a", "b")

    assert world.finishes("root.a") == []
    assert world.state("root.b") == "new#1"


def test_a_canceled_member_is_back_long_before_the_dead_one(world):
    """TestSimpleFailure and TestPanic: `one` restarts although `two` is still in its backoff."""
    world.run("root", "one", "two")
    world.healthy("root.one", "root.two")

    assert world.dies("root.two") == ["cancel root.one#1"]
    assert world.leaves("root.one") == ["start root.one#2"]
    assert world.node("root.two").restart_at == 0.5
    assert world.passes(0.5) == ["start root.two#2"]


def test_a_new_member_is_canceled_again_when_another_one_dies(world):
    world.run("root", "a", "b", "c")
    world.dies("root.a")
    world.leaves("root.b", "root.c")

    assert world.dies("root.b") == ["cancel root.c#2"]
    assert world.states()["root.a"] == "dead#1"
    assert world.leaves("root.c") == ["start root.c#3"]


def test_rest_for_one_starts_the_later_members_after_the_dead_one_in_order(world):
    world.run("root", "a", "b", "c", "d", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.b")

    assert world.leaves("root.d", "root.c") == []
    assert world.passes(0.4) == []
    assert world.passes(0.1) == ["start root.b#2", "start root.c#2", "start root.d#2"]


def test_rest_for_one_holds_a_dead_later_member_until_the_earlier_one_is_back(world):
    slow = Policy(backoff=Backoff(initial=10.0))
    world.run("root", ("a", slow), "b", "c", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.b")
    assert world.dies("root.a") == []
    world.leaves("root.c")

    assert world.passes(9.0) == []
    assert world.passes(1.0) == ["start root.a#2", "start root.b#2", "start root.c#2"]


def test_rest_for_one_lets_the_earlier_member_go_ahead_of_a_later_one_in_its_backoff(world):
    slow = Policy(backoff=Backoff(initial=10.0))
    world.run("root", "a", ("b", slow), "c", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.b")
    world.dies("root.a")
    world.leaves("root.c")

    assert world.passes(0.5) == ["start root.a#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#2", "root.b": "dead#1", "root.c": "canceled#1"}
    assert world.passes(9.5) == ["start root.b#2", "start root.c#2"]


def test_rest_for_one_leaves_earlier_members_running_while_the_later_ones_restart(world):
    world.run("root", "a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.c")

    assert world.passes(0.5) == ["start root.c#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#1", "root.b": "new#1", "root.c": "new#2"}


def test_one_for_all_restarts_what_it_can_while_another_member_is_in_its_backoff(world):
    slow = Policy(backoff=Backoff(initial=10.0))
    world.run("root", ("a", slow), ("b", slow), "c")
    world.dies("root.a")

    assert world.leaves("root.b", "root.c") == ["start root.b#2", "start root.c#2"]
    assert world.passes(10.0) == ["start root.a#2"]
