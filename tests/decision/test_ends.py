"""R4, R5, R6: what the end of a runnable means, for it and for those around it."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Changed, End, Forget
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Backoff, Policy, Strategy


def test_a_runnable_that_raises_is_dead(world):
    world.run("root", "a")
    world.dies("root.a")

    assert world.state("root.a") == "dead#1"


def test_a_runnable_that_returns_without_done_is_dead(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.returns("root.a")

    assert world.state("root.a") == "dead#1"
    assert world.node("root.a").last_error == "returned without having signaled DONE"


def test_a_runnable_that_leaves_without_having_been_canceled_is_dead(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.done("root.a")
    world.leaves("root.a")

    assert world.state("root.a") == "dead#1"


def test_the_error_of_the_last_death_stays_with_the_node(world):
    world.run("root", "a")
    world.dies("root.a", error="OSError: port 80 is taken")
    world.passes(0.5)

    assert world.state("root.a") == "new#2"
    assert world.node("root.a").last_error == "OSError: port 80 is taken"


def test_a_runnable_that_could_not_be_started_is_dead_and_tried_again(world):
    world.run("root", "a")
    world.dies("root.a", error="RuntimeError: can't start new thread")

    assert world.passes(0.5) == ["start root.a#2"]


@pytest.mark.defect("B9")
@pytest.mark.parametrize("end", End)
def test_a_canceled_runnable_is_canceled_however_it_ends_and_comes_back_at_once(world, end):
    world.run("root", "one", "two")

    assert world.dies("root.two") == ["cancel root.one#1"]
    assert world.ends("root.one", end) == ["start root.one#2"]
    assert world.state("root.two") == "dead#1"


@pytest.mark.defect("B10")
def test_a_canceled_command_that_reports_its_signal_is_canceled_and_has_no_backoff(world):
    world.run("root", "command", "sibling")
    world.dies("root.sibling")

    assert world.dies("root.command", error="killed by SIGTERM") == ["start root.command#2"]
    report = world.reports(Changed)[0]
    assert (report.state, report.error, report.restart_at) == (NodeState.CANCELED, "killed by SIGTERM", None)
    assert world.node("root.command").last_error is None


def test_a_canceled_end_does_not_count_as_a_failure(world):
    world.run("root", "one", "two")
    for _ in range(3):
        world.dies("root.two")
        world.dies("root.one")
        world.passes(60.0)
    world.dies("root.one")

    assert world.node("root.one").restart_at == world.now + 0.5


def test_a_death_cancels_the_whole_subtree_at_once(world):
    world.run("root", "a")
    world.run("root.a", "b", "c")
    world.run("root.a.b", "d")

    assert sorted(world.dies("root.a")) == ["cancel root.a.b#1", "cancel root.a.b.d#1", "cancel root.a.c#1"]


def test_a_death_leaves_the_parent_and_other_groups_alone(world):
    world.run_each("root", "a", "b")

    assert world.dies("root.a") == []
    assert world.states() == {"root": "new#1", "root.a": "dead#1", "root.b": "new#1"}


@pytest.mark.defect("B12")
def test_a_dead_node_waits_for_its_whole_subtree(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.run("root.a.b", "c")
    world.dies("root.a")
    world.passes(60.0)

    assert world.leaves("root.a.b") == []
    assert world.leaves("root.a.b.c") == ["start root.a#2"]


def test_only_the_topmost_node_of_an_ended_subtree_is_restarted_and_its_children_are_forgotten(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.run("root.a.b", "c")
    below = (world.node("root.a.b").id, world.node("root.a.b.c").id)
    world.dies("root.a")
    world.leaves("root.a.b", "root.a.b.c")

    assert world.passes(0.5) == ["start root.a#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#2"}
    assert world.reports(Forget) == [Forget(below)]


def test_a_node_without_children_has_nobody_to_forget(world):
    world.run("root", "a")
    world.dies("root.a")
    world.passes(0.5)

    assert world.state("root.a") == "new#2"
    assert world.reports(Forget) == []


def test_a_reborn_parent_counts_its_children_anew(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.dies("root.a.b")
    world.passes(0.5)
    assert world.state("root.a.b") == "new#2"

    world.dies("root.a")
    world.leaves("root.a.b")
    world.passes(0.5)

    assert world.run("root.a", "b") == ["start root.a.b#1"]


def test_a_child_that_died_under_a_parent_that_then_died_comes_back_with_it_only(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.run("root.a.b", "c")
    world.dies("root.a.b")
    world.dies("root.a")

    assert world.leaves("root.a.b.c") == []
    assert world.passes(0.5) == ["start root.a#2"]


def test_a_subtree_that_has_ended_waits_for_the_dead_parent_above_it(world):
    world.run("root", "a")
    world.run("root.a", "b", "c")
    world.dies("root.a.b")
    world.dies("root.a")

    assert world.passes(60.0) == []
    assert world.leaves("root.a.c") == ["start root.a#2"]


def test_the_root_that_dies_is_restarted_like_any_node(world):
    world.run("root", "a")

    assert world.dies("root") == ["cancel root.a#1"]
    assert world.leaves("root.a") == []
    assert world.passes(0.5) == ["start root#2"]
    assert world.states() == {"root": "new#2"}


def test_a_dead_node_below_a_done_one_below_a_dead_one_waits_for_the_topmost(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.run("root.a.b", "c")
    world.finishes("root.a.b")
    world.dies("root.a.b.c")

    assert world.dies("root.a") == []
    assert world.states() == {"root": "new#1", "root.a": "dead#1", "root.a.b": "canceled#1", "root.a.b.c": "dead#1"}
    assert world.passes(60.0) == ["start root.a#2"]


@pytest.mark.defect("B5")
def test_a_sibling_that_is_done_is_restarted_with_its_group(world):
    """TestCancelDoneSibling: upstream restarted its child 1,837 times in two seconds, and it never."""
    world.run("root", "one", "two")
    world.run("root.two", "inner")
    world.finishes("root.two")

    assert world.dies("root.one") == ["cancel root.two.inner#1"]
    assert world.state("root.two") == "canceled#1"
    assert world.leaves("root.two.inner") == ["start root.two#2"]
    assert world.run("root.two", "inner") == ["start root.two.inner#1"]
    assert world.passes(60.0) == ["start root.one#2"]
    assert world.states() == {"root": "new#1", "root.one": "new#2", "root.two": "new#2", "root.two.inner": "new#1"}


@pytest.mark.defect("B5")
def test_a_sibling_that_is_done_and_has_no_children_is_restarted_at_once(world):
    world.run("root", "one", "two")
    world.finishes("root.two")

    assert world.dies("root.one") == ["start root.two#2"]


def test_a_child_that_is_done_becomes_canceled_when_its_parent_dies(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.finishes("root.a.b")
    world.dies("root.a")

    assert world.states() == {"root": "new#1", "root.a": "dead#1", "root.a.b": "canceled#1"}


def test_children_spawned_under_a_canceled_parent_never_start(world):
    world.run("root", "a")
    world.restart("root.a")

    assert world.run("root.a", "b", "c") == []
    assert world.state("root.a.b") == "canceled#0"
    assert world.state("root.a.c") == "canceled#0"
    assert [(report.dn, report.incarnation, report.state) for report in world.reports(Changed)] == [
        ("root.a.b", 0, NodeState.CANCELED),
        ("root.a.c", 0, NodeState.CANCELED),
    ]
    assert world.restart("root.a.b") == []
    assert world.leaves("root.a") == ["start root.a#2"]
    assert world.states() == {"root": "new#1", "root.a": "new#2"}


def test_a_deep_failure_brings_back_the_whole_of_a_binary_tree(world):
    """TestDeepFailure, five levels deep."""

    def spawn(dn, depth):
        names = ("left", "right") if depth else ()
        for name in names:
            world.run(dn, name)
            spawn(f"{dn}.{name}", depth - 1)
        world.healthy(dn)

    world.run("root", "one", "two")
    spawn("root.one", 5)
    below_one = [dn for dn in world.states() if dn.startswith("root.one")]

    assert sorted(world.dies("root.two")) == sorted(f"cancel {dn}#1" for dn in below_one)
    assert len(below_one) == 63
    last = below_one.pop()
    assert world.leaves(*below_one) == []
    assert world.leaves(last) == ["start root.one#2"]
    assert world.states() == {"root": "new#1", "root.one": "new#2", "root.two": "dead#1"}


@pytest.mark.parametrize("strategy", Strategy)
def test_a_group_of_one_comes_back_after_its_backoff_whatever_its_strategy(world, strategy):
    world.run("root", ("a", Policy(backoff=Backoff(initial=2.0))), strategy=strategy)
    world.dies("root.a")

    assert world.passes(1.9) == []
    assert world.passes(0.1) == ["start root.a#2"]
