"""What there is to tell: who changed, why, when, and who canceled whom."""

from __future__ import annotations

from otp.tree.decision.messages import Arm, Cancel, Canceling, Cause, Changed, Disarm, Forget, Start
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Backoff, Policy


def test_a_spawn_tells_of_each_child_before_it_is_started(world):
    world.passes(2.0)
    world.run("root", "a", "b")

    assert world.last == [
        Changed(2, "root.a", 1, NodeState.NEW, 2.0),
        Start(2, 1),
        Changed(3, "root.b", 1, NodeState.NEW, 2.0),
        Start(3, 1),
    ]


def test_the_healthy_signal_is_told(world):
    world.passes(2.0)
    world.healthy("root")

    assert world.last == [Changed(1, "root", 1, NodeState.HEALTHY, 2.0)]


def test_a_death_tells_why_and_until_when_it_backs_off_and_whom_it_takes_along(world):
    world.run("root", "a", "b")
    world.passes(2.0)
    world.dies("root.a", error="OSError: full", traceback="Traceback ...")

    assert world.last == [
        Arm(1, 2.5),
        Changed(2, "root.a", 1, NodeState.DEAD, 2.0, "OSError: full", "Traceback ...", 2.5),
        Canceling(("root.b",), Cause.DEATH, "root.a", 2.0),
        Cancel(3, 1),
        Arm(2, 7.0),
    ]


def test_a_death_that_takes_nobody_along_cancels_nobody(world):
    world.run("root", "a")
    world.dies("root.a")

    assert world.reports(Canceling) == []


def test_a_cancellation_names_its_topmost_nodes_only(world):
    world.run("root", "a", "b")
    world.run("root.a", "c")
    world.run("root.b", "d", "e")
    world.dies("root.b")

    assert world.reports(Canceling) == [Canceling(("root.b.d", "root.b.e", "root.a"), Cause.DEATH, "root.b", 0.0)]


def test_a_cancellation_does_not_name_what_is_canceled_already(world):
    world.run("root", "a", "b", "c")
    world.restart("root.b")
    world.dies("root.a")

    assert world.reports(Canceling) == [Canceling(("root.c",), Cause.DEATH, "root.a", 0.0)]


def test_a_canceled_end_tells_what_was_raised_although_it_was_canceled(world):
    world.run("root", "a", "b")
    world.dies("root.a")
    world.passes(1.0)
    world.dies("root.b", error="RuntimeError: late", traceback="Traceback ...")

    assert world.last[:2] == [
        Disarm(2),
        Changed(3, "root.b", 1, NodeState.CANCELED, 1.0, "RuntimeError: late", "Traceback ..."),
    ]


def test_a_canceled_end_that_raised_nothing_tells_no_error(world):
    world.run("root", "a")
    world.restart("root.a")
    world.leaves("root.a")

    assert world.reports(Changed)[0] == Changed(2, "root.a", 1, NodeState.CANCELED, 0.0)


def test_the_end_of_a_node_that_is_done_is_told_without_error(world):
    world.run("root", "a")
    world.healthy("root.a")
    world.done("root.a")
    world.passes(1.0)
    world.returns("root.a", error="nothing", traceback="nothing")

    assert world.last == [Changed(2, "root.a", 1, NodeState.DONE, 1.0)]


def test_a_restart_tells_who_is_forgotten_then_that_the_node_is_new_then_starts_it(world):
    world.run("root", "a")
    world.run("root.a", "b")
    world.dies("root.a")
    world.leaves("root.a.b")
    world.passes(0.5)

    assert world.last == [Forget((3,)), Changed(2, "root.a", 2, NodeState.NEW, 0.5), Start(2, 2)]


def test_a_death_without_backoff_tells_no_restart_time(world):
    world.run("root", ("a", Policy(backoff=Backoff(initial=0.0))))
    world.dies("root.a")

    assert [report.restart_at for report in world.reports(Changed)] == [None, None]


def test_a_new_incarnation_tells_no_restart_time_and_no_error(world):
    world.run("root", "a")
    world.dies("root.a")
    world.passes(0.5)

    assert world.reports(Changed) == [Changed(2, "root.a", 2, NodeState.NEW, 0.5, None, None, None)]


def test_a_restart_that_was_asked_for_in_the_backoff_tells_no_restart_time(world):
    world.run("root", "a")
    world.dies("root.a")
    world.restart("root.a")

    assert world.last == [Disarm(1), Changed(2, "root.a", 2, NodeState.NEW, 0.0), Start(2, 2)]


def test_states_are_told_in_the_order_of_the_story(world):
    """TestMetrics: new, one dead and two canceled, back to healthy, then done."""
    told = []

    def note():
        told.extend(f"{report.dn} {report.state}" for report in world.reports(Changed))

    world.run("root", "one", "two")
    note()
    world.dies("root.one")
    note()
    world.leaves("root.two")
    note()
    world.passes(0.5)
    note()
    world.healthy("root.one")
    note()
    world.done("root.one")
    world.returns("root.one")
    note()
    world.healthy("root.two")
    note()

    assert told == [
        "root.one new",
        "root.two new",
        "root.one dead",
        "root.two canceled",
        "root.two new",
        "root.one new",
        "root.one healthy",
        "root.one done",
        "root.two healthy",
    ]
