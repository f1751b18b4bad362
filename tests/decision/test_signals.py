"""R2 and R3: what a runnable tells about itself."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Changed, Stopped
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Policy, Restart


def test_the_healthy_signal_makes_a_new_node_healthy(world):
    world.run("root", "a")

    assert world.healthy("root.a") == []
    assert world.states() == {"root": "new#1", "root.a": "healthy#1"}


def test_a_node_is_healthy_since_it_said_so(world):
    world.passes(4.0)
    world.healthy("root")

    assert world.node("root").since == 4.0


def test_a_second_healthy_signal_has_no_effect(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.passes(1.0)
    world.healthy("root.a")

    assert world.last == []
    assert world.node("root.a").since == 0.0


def test_a_done_signal_before_healthy_has_no_effect(world):
    world.run("root", "a")
    world.done("root.a")
    world.healthy("root.a")
    world.returns("root.a")

    assert world.state("root.a") == "dead#1"


@pytest.mark.defect("B4")
def test_a_node_that_signals_done_is_done_only_when_it_returns(world):
    world.run("root", "a")
    world.healthy("root.a")

    assert world.done("root.a") == []
    assert world.last == []
    assert world.state("root.a") == "healthy#1"

    world.returns("root.a")
    assert world.state("root.a") == "done#1"


def test_a_second_done_signal_has_no_effect(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.done("root.a")
    world.done("root.a")
    assert world.last == []

    world.returns("root.a")
    assert world.state("root.a") == "done#1"


@pytest.mark.defect("B4")
def test_a_node_that_signaled_done_is_not_started_anew_while_it_still_runs(world):
    """TestDoneDelay: upstream had two instances of it, or died of a missing DN."""
    world.run("root", "outer")
    world.run("root.outer", "inner")
    world.healthy("root.outer.inner")
    world.done("root.outer.inner")

    assert world.dies("root.outer") == ["cancel root.outer.inner#1"]
    assert world.passes(3600.0) == []
    assert world.returns("root.outer.inner") == ["start root.outer#2"]
    assert world.run("root.outer", "inner") == ["start root.outer.inner#1"]


def test_a_done_signal_does_not_outlive_its_incarnation(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.done("root.a")
    world.dies("root.a")
    assert world.passes(0.5) == ["start root.a#2"]

    world.healthy("root.a")
    world.returns("root.a")
    assert world.state("root.a") == "dead#2"


def test_a_node_that_signaled_done_and_then_raises_is_dead(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.done("root.a")
    world.dies("root.a")

    assert world.state("root.a") == "dead#1"


def test_the_children_of_a_node_that_is_done_run_on(world):
    world.run("root", "a")
    world.run("root.a", "b")

    assert world.finishes("root.a") == []
    assert world.states() == {"root": "new#1", "root.a": "done#1", "root.a.b": "new#1"}


def test_a_node_that_is_done_is_not_restarted_by_itself(world):
    world.run("root", "a")
    world.finishes("root.a")

    assert world.passes(3600.0) == []
    assert world.state("root.a") == "done#1"


def test_a_child_of_a_node_that_is_done_is_restarted(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.finishes("root.a")
    world.dies("root.a.b")

    assert world.passes(0.5) == ["start root.a.b#2"]


def test_a_node_that_is_canceled_may_still_become_healthy(world):
    world.run("root", "a")
    world.restart("root.a")
    world.healthy("root.a")

    assert world.last == [Changed(world.node("root.a").id, "root.a", 1, NodeState.HEALTHY, 0.0)]
    assert world.leaves("root.a") == ["start root.a#2"]


def test_a_node_that_is_canceled_after_it_signaled_done_is_canceled(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.done("root.a")
    world.restart("root.a")

    assert world.returns("root.a") == ["start root.a#2"]
    assert [report.state for report in world.reports(Changed)] == [NodeState.CANCELED, NodeState.NEW]


def test_a_tree_is_healthy_when_every_node_is_healthy_or_done(world):
    world.run("root", "a", "b")
    world.healthy("root", "root.a")
    assert not world.tree.healthy

    world.finishes("root.b")
    assert world.tree.healthy


def test_a_runnable_that_returns_right_away_need_not_have_been_healthy_where_a_return_is_normal(world):
    world.run("root", ("job", Policy(restart=Restart.TRANSIENT)))
    world.returns("root.job")

    assert world.state("root.job") == "done#1"
    assert world.reports(Stopped) == []
