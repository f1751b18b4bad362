"""R15: the end of a tree by itself."""

from __future__ import annotations

from otp.tree.decision.messages import Stopped, Stopping
from otp.tree.decision.policy import Policy, Restart


def test_a_root_without_children_that_is_done_has_ended_the_tree(world):
    world.passes(3.0)
    world.finishes("root")

    assert world.last[-1] == Stopped((), 3.0)
    assert world.reports(Stopping) == []
    assert world.tree.stopped


def test_a_root_that_is_done_waits_for_all_its_descendants_to_be_done(world):
    world.run("root", "a", "b")
    world.run("root.a", "x")
    world.finishes("root", "root.a", "root.b")
    assert not world.tree.stopped

    world.finishes("root.a.x")
    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_the_root_may_be_the_last_one(world):
    world.run("root", "a")
    world.finishes("root.a")
    assert not world.tree.stopped

    world.finishes("root")
    assert world.tree.stopped


def test_a_root_that_dies_does_not_end_the_tree(world):
    world.dies("root")

    assert not world.tree.stopped
    assert world.reports(Stopped) == []
    assert world.passes(0.5) == ["start root#2"]


def test_a_descendant_that_died_is_waited_for_until_it_is_done(world):
    world.run("root", ("a", Policy(restart=Restart.TRANSIENT)))
    world.finishes("root")
    world.dies("root.a")
    assert not world.tree.stopped
    world.passes(0.5)

    world.returns("root.a")
    assert world.tree.stopped


def test_a_transient_root_that_returns_has_ended_the_tree(plant_world):
    world = plant_world(Policy(restart=Restart.TRANSIENT))
    world.returns("root")

    assert world.reports(Stopped) == [Stopped((), 0.0)]


def test_a_tree_that_has_come_to_its_end_cannot_be_stopped_again(world):
    world.finishes("root")

    assert world.stop() == []
    assert world.last == []
    assert world.state("root") == "done#1"


def test_a_tree_that_has_come_to_its_end_is_healthy_and_settled(world):
    world.finishes("root")

    assert world.tree.healthy
    assert world.tree.settled
