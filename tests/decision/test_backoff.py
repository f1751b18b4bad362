"""R8 and R9: how long a dead node waits, and what shortens that."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Arm, Disarm
from otp.tree.decision.policy import Backoff, Policy, Strategy


def waits(world, dn, deaths):
    """The waits after each of so many deaths of `dn`, one right after the start of the next incarnation."""
    found = []
    for _ in range(deaths):
        world.dies(dn)
        found.append(world.node(dn).restart_at - world.now)
        world.passes(found[-1])
    return found


def test_waits_grow_up_to_the_maximum_and_stay_there(world):
    world.run("root", "a")

    means = [0.5, 0.75, 1.125, 1.6875, 2.53125, 3.796875, 5.6953125, 8.54296875, 12.814453125, 19.2216796875]
    assert waits(world, "root.a", 14) == pytest.approx([*means, 28.83251953125, 43.248779296875, 60.0, 60.0])


def test_four_deaths_in_a_row_escalate_and_one_after_healthy_does_not(world):
    """TestBackoff: after four deaths the fifth start is a second away or more, after healthy half a second."""
    world.draw = 0.0
    world.run("root", "one")
    for _ in range(4):
        world.dies("root.one")
        world.passes(world.node("root.one").restart_at - world.now)
    world.dies("root.one")
    assert world.node("root.one").restart_at - world.now >= 1.0

    world.passes(60.0)
    world.healthy("root.one")
    world.draw = 0.999
    world.dies("root.one")
    assert 0.1 <= world.node("root.one").restart_at - world.now <= 1.0


def test_the_draw_spreads_the_wait_around_its_mean(world):
    world.run("root", "a")
    world.draw = 0.75
    world.dies("root.a")

    assert world.node("root.a").restart_at == 0.625
    assert world.passes(0.62) == []
    assert world.passes(0.005) == ["start root.a#2"]


def test_the_wait_counts_from_the_death_not_from_the_end_of_the_subtree(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.dies("root.a")
    world.passes(0.4)
    world.leaves("root.a.b")

    assert world.passes(0.09) == []
    assert world.passes(0.01) == ["start root.a#2"]


def test_a_backoff_of_zero_restarts_at_once_and_needs_no_timer(world):
    world.run("root", ("a", Policy(backoff=Backoff(initial=0.0))))

    assert world.dies("root.a") == ["start root.a#2"]
    assert world.reports(Arm) == []


@pytest.mark.defect("B7")
def test_a_node_that_dies_for_an_hour_never_loses_its_backoff(world):
    """Upstream had none after fifteen minutes."""
    world.run("root", "a")
    starts = 0
    while world.now < 3600.0:
        world.dies("root.a")
        wait = world.node("root.a").restart_at - world.now
        assert world.passes(wait) == [f"start root.a#{starts + 2}"]
        starts += 1

    assert wait == pytest.approx(60.0)
    assert starts == 70


@pytest.mark.defect("B7")
def test_a_node_that_was_healthy_for_a_day_backs_off_from_its_first_death_on(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.passes(86400.0)

    assert waits(world, "root.a", 3) == pytest.approx([0.5, 0.75, 1.125])


@pytest.mark.defect("B7")
def test_a_node_never_gives_up_however_often_it_dies(world):
    world.run("root", "a")

    assert waits(world, "root.a", 2000)[-1] == pytest.approx(60.0)
    assert world.state("root.a") == "new#2001"


def test_the_healthy_signal_takes_the_backoff_back_to_its_beginning(world):
    world.run("root", "a")
    waits(world, "root.a", 5)
    world.healthy("root.a")

    assert waits(world, "root.a", 2) == pytest.approx([0.5, 0.75])


def test_a_node_that_was_not_healthy_this_time_goes_on_from_where_it_was(world):
    world.run("root", "a")
    world.healthy("root.a")

    assert waits(world, "root.a", 4) == pytest.approx([0.5, 0.75, 1.125, 1.6875])


@pytest.mark.defect("B8")
def test_with_reset_after_healthy_then_dead_escalates(world):
    world.run("root", ("command", Policy(backoff=Backoff(reset_after=10.0))))
    found = []
    for _ in range(5):
        world.healthy("root.command")
        world.passes(9.0)
        found += waits(world, "root.command", 1)

    assert found == pytest.approx([0.5, 0.75, 1.125, 1.6875, 2.53125])


@pytest.mark.defect("B8")
def test_with_reset_after_a_node_that_was_healthy_long_enough_begins_anew(world):
    world.run("root", ("a", Policy(backoff=Backoff(reset_after=10.0))))
    waits(world, "root.a", 3)
    world.healthy("root.a")
    world.passes(10.0)

    assert waits(world, "root.a", 2) == pytest.approx([0.5, 0.75])


def test_with_reset_after_only_the_time_after_healthy_counts(world):
    world.run("root", ("a", Policy(backoff=Backoff(reset_after=10.0))))
    waits(world, "root.a", 1)
    world.passes(9.0)
    world.healthy("root.a")
    world.passes(9.0)

    assert waits(world, "root.a", 1) == pytest.approx([0.75])


def test_with_reset_after_the_time_of_a_canceled_incarnation_counts(world):
    world.run("root", ("a", Policy(backoff=Backoff(reset_after=10.0))))
    waits(world, "root.a", 3)
    world.healthy("root.a")
    world.passes(10.0)
    world.restart("root.a")
    world.leaves("root.a")

    assert waits(world, "root.a", 1) == pytest.approx([0.5])


@pytest.mark.defect("B8")
def test_a_cancel_by_a_sibling_does_not_take_the_backoff_back(world):
    world.run("root", ("a", Policy(backoff=Backoff(reset_after=10.0))), "b")
    for _ in range(3):
        world.dies("root.a")
        world.leaves("root.b")
        world.passes(60.0)
    world.healthy("root.a")
    world.dies("root.b")
    world.leaves("root.a")
    world.dies("root.a")

    assert world.node("root.a").restart_at - world.now == pytest.approx(1.6875)


@pytest.mark.defect("2b")
@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ONE])
def test_two_members_that_always_fail_keep_their_backoffs(world, strategy):
    """Upstream starts each of them about 1,977 times in five seconds."""
    world.run("root", "a", "b", strategy=strategy)
    while world.now < 5.0:
        for dn in ("root.a", "root.b"):
            while world.node(dn).running:
                world.dies(dn)
        world.passes(min(world.timers.values()) - world.now)

    assert 5 <= world.node("root.a").incarnation <= 14
    assert 5 <= world.node("root.b").incarnation <= 14


@pytest.mark.defect("2b")
def test_a_siblings_death_never_shortens_a_pending_backoff(world):
    world.run("root", "a", "b")
    world.dies("root.a")
    world.leaves("root.b")
    world.passes(0.25)

    assert world.dies("root.b") == []
    assert world.reports(Disarm) == []
    assert world.node("root.a").restart_at == 0.5
    assert world.passes(0.25) == ["start root.a#2"]
    assert world.passes(0.25) == ["start root.b#3"]


@pytest.mark.defect("2b")
def test_a_sibling_that_dies_while_it_is_canceled_does_not_touch_the_backoff(world):
    world.run("root", "a", "b")
    world.dies("root.a")

    assert world.dies("root.b") == ["start root.b#2"]
    assert world.node("root.a").restart_at == 0.5


@pytest.mark.defect("B6")
def test_a_child_in_its_backoff_is_not_started_when_its_parent_dies(world):
    """TestCancelRestart: upstream started it with a canceled context, and the parent waited for both backoffs."""
    world.run("root", "outer")
    world.run("root.outer", "inner")
    world.dies("root.outer.inner")
    world.passes(0.01)
    world.dies("root.outer")

    assert [type(action) for action in world.last].count(Disarm) == 1
    assert world.node("root.outer.inner").restart_at is None
    assert world.passes(0.49) == []
    assert world.passes(0.01) == ["start root.outer#2"]


@pytest.mark.defect("B6")
def test_a_grandchild_in_its_backoff_is_not_started_when_its_grandparent_dies(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.run("root.a.b", "c")
    world.dies("root.a.b.c")
    world.dies("root.a")

    assert world.node("root.a.b.c").restart_at is None
    assert world.passes(60.0) == []
    assert world.leaves("root.a.b") == ["start root.a#2"]


@pytest.mark.defect("B6")
def test_a_child_in_its_backoff_is_not_started_when_its_parent_is_canceled(world):
    world.run("root", "a", "b")
    world.run("root.a", "c")
    world.dies("root.a.c")
    world.dies("root.b")

    assert world.node("root.a.c").restart_at is None
    assert world.leaves("root.a") == ["start root.a#2"]
    assert world.passes(60.0) == ["start root.b#2"]


def test_the_dead_node_keeps_its_place_in_the_escalation_when_its_group_is_canceled(world):
    world.run("root", "a", "b")
    waits_of_a = []
    for _ in range(3):
        world.dies("root.a")
        waits_of_a.append(world.node("root.a").restart_at - world.now)
        world.leaves("root.b")
        world.passes(60.0)

    assert waits_of_a == pytest.approx([0.5, 0.75, 1.125])


def test_a_reborn_parent_gives_its_children_a_fresh_backoff(world):
    world.run("root", "a")
    world.run("root.a", "b")
    waits(world, "root.a.b", 4)
    world.restart("root.a")
    world.leaves("root.a", "root.a.b")
    world.run("root.a", "b")

    assert waits(world, "root.a.b", 1) == pytest.approx([0.5])


def test_each_child_has_a_backoff_of_its_own(world):
    world.run("root", ("fast", Policy(backoff=Backoff(initial=0.1))), ("slow", Policy(backoff=Backoff(initial=9.0))))
    world.dies("root.fast")
    world.dies("root.slow")
    assert world.state("root.slow") == "new#2"
    world.dies("root.slow")

    assert world.passes(0.1) == ["start root.fast#2"]
    assert world.passes(8.9) == ["start root.slow#3"]
