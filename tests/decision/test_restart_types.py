"""PERMANENT, TRANSIENT, TEMPORARY: after which ends a child is started again."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Arm, Canceling, Cause, Changed, End, Forget, Removed, Stopped
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Policy, Restart, Strategy

TRANSIENT = Policy(restart=Restart.TRANSIENT)
TEMPORARY = Policy(restart=Restart.TEMPORARY)


def test_a_permanent_child_that_returns_is_dead_and_restarted(world):
    world.run("root", "a")
    world.returns("root.a")

    assert world.state("root.a") == "dead#1"
    assert world.passes(0.5) == ["start root.a#2"]


@pytest.mark.defect("B21")
def test_a_transient_child_that_returns_is_done(world):
    world.run("root", ("a", TRANSIENT), "b")

    assert world.returns("root.a") == []
    assert world.states() == {"root": "new#1", "root.a": "done#1", "root.b": "new#1"}
    assert world.passes(60.0) == []


@pytest.mark.defect("B21")
@pytest.mark.parametrize("end", [End.RAISED, End.LEFT])
def test_a_transient_child_that_ends_in_any_other_way_is_dead_and_restarted(world, end):
    world.run("root", ("a", TRANSIENT), "b")

    assert world.ends("root.a", end) == ["cancel root.b#1"]
    assert world.leaves("root.b") == ["start root.b#2"]
    assert world.passes(0.5) == ["start root.a#2"]


def test_a_transient_child_that_is_canceled_comes_back_even_if_it_was_done(world):
    world.run("root", ("a", TRANSIENT), "b")
    world.returns("root.a")

    assert world.dies("root.b") == ["start root.a#2"]


@pytest.mark.defect("B21")
def test_a_temporary_child_that_returns_is_done_and_stays(world):
    world.run("root", ("a", TEMPORARY))
    world.returns("root.a")

    assert world.state("root.a") == "done#1"
    assert world.reports(Removed) == []


@pytest.mark.defect("B21")
def test_a_temporary_child_that_dies_is_removed_and_its_group_stays(world):
    world.run("root", ("a", TEMPORARY), "b")
    gone = world.node("root.a").id
    world.passes(1.0)

    assert world.dies("root.a") == []
    assert world.states() == {"root": "new#1", "root.b": "new#1"}
    assert world.last == [
        Changed(gone, "root.a", 1, NodeState.DEAD, 1.0, "ValueError: boom"),
        Removed("root.a", 1, 1.0),
        Forget((gone,)),
    ]
    assert list(world.node("root.b").group.members) == ["b"]


def test_a_temporary_child_that_dies_waits_for_no_backoff(world):
    world.run("root", ("a", TEMPORARY))
    world.run("root.a", "b")
    world.dies("root.a")

    assert [action.at for action in world.reports(Arm)] == [5.0]
    assert world.node("root.a").restart_at is None


def test_a_temporary_child_that_dies_takes_its_subtree_along_before_it_is_removed(world):
    world.run("root", ("a", TEMPORARY), "b")
    world.run("root.a", "c", "d")
    gone = tuple(world.node(dn).id for dn in ("root.a.c", "root.a.d", "root.a"))

    assert world.dies("root.a") == ["cancel root.a.c#1", "cancel root.a.d#1"]
    assert world.reports(Canceling) == [Canceling(("root.a.c", "root.a.d"), Cause.DEATH, "root.a", 0.0)]
    assert world.leaves("root.a.c") == []
    assert world.state("root.a") == "dead#1"
    assert world.leaves("root.a.d") == []
    assert world.states() == {"root": "new#1", "root.b": "new#1"}
    assert world.reports(Forget) == [Forget(gone)]


def test_a_temporary_child_that_is_canceled_with_its_group_is_removed(world):
    world.run("root", "a", ("b", TEMPORARY), "c")
    world.dies("root.a")
    world.leaves("root.b")
    assert world.state("root.b") == "canceled#1"

    assert world.leaves("root.c") == ["start root.c#2"]
    assert [report.dn for report in world.reports(Removed)] == ["root.b"]
    assert world.passes(0.5) == ["start root.a#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#2", "root.c": "new#2"}


def test_a_temporary_child_that_was_done_is_removed_when_its_group_is_canceled(world):
    world.run("root", "a", ("b", TEMPORARY))
    world.returns("root.b")
    world.dies("root.a")

    assert world.states() == {"root": "new#1", "root.a": "dead#1"}
    assert [report.dn for report in world.reports(Removed)] == ["root.b"]


def test_the_name_of_a_removed_child_is_free_again(world):
    world.run("root", ("a", TEMPORARY))
    world.dies("root.a")

    assert world.run("root", "a") == ["start root.a#1"]


def test_a_removed_member_holds_nobody_in_rest_for_one(world):
    world.run("root", ("a", TEMPORARY), "b", "c", strategy=Strategy.REST_FOR_ONE)
    world.dies("root.a")

    assert world.dies("root.b") == ["cancel root.c#1"]
    assert world.leaves("root.c") == []
    assert world.passes(0.5) == ["start root.b#2", "start root.c#2"]


def test_a_dead_temporary_member_waits_for_the_barrier_of_its_group(world):
    world.run("root", "a", ("b", TEMPORARY), "c")
    world.dies("root.a")
    world.dies("root.b")
    assert world.state("root.b") == "canceled#1"

    world.leaves("root.c")
    assert world.tree.find("root.b") is None


def test_one_for_one_removes_a_temporary_member_at_once(world):
    world.run("root", ("a", TEMPORARY), "b", strategy=Strategy.ONE_FOR_ONE)
    world.restart("root.b")
    world.dies("root.a")

    assert world.tree.find("root.a") is None


def test_a_temporary_child_in_a_stop_stays_where_it_is(world):
    world.run("root", ("a", TEMPORARY))
    world.stop()
    world.dies("root.a")

    assert world.state("root.a") == "canceled#1"
    assert world.reports(Removed) == []


def test_when_the_last_child_that_was_not_done_is_removed_the_tree_has_come_to_its_end(world):
    world.run("root", ("a", TEMPORARY))
    world.finishes("root")
    assert world.reports(Stopped) == []

    world.dies("root.a")
    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_a_temporary_root_that_dies_ends_the_tree(plant_world):
    world = plant_world(TEMPORARY)
    world.run("root", "a")

    assert world.dies("root") == ["cancel root.a#1"]
    assert world.leaves("root.a") == []
    assert world.tree.nodes == {}
    assert world.reports(Removed) == [Removed("root", 1, 0.0)]
    assert world.reports(Stopped) == [Stopped((), 0.0)]
