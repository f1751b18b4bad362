"""A supervisor that is asked to end: in its turn, its children first, and by the reason that it was given."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Answer, End, Finish, Stopped, Verdict, Why
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import AutoShutdown, Backoff, Policy
from tests.decision.supervision.conftest import PERMANENT, TEMPORARY, TRANSIENT, Kid, child, dynamic, sup

WAYS = [End.RETURNED, End.SHUTDOWN, End.RAISED]
STATES = [(End.RETURNED, NodeState.DONE), (End.SHUTDOWN, NodeState.DEAD), (End.RAISED, NodeState.DEAD)]


def planted(plant, *kids, **supervision):
    """A supervisor with another one, `i`, which has children `a` and `b`."""
    world = plant(sup("root", *kids, **supervision))
    world.up()
    return world


def inner(restart=PERMANENT, **policy):
    return sup("i", "a", "b", policy=Policy(restart, shutdown=None, **policy))


def below_a_plain_parent(plant, restart):
    world = plant(Kid("root", Policy(backoff=Backoff(initial=1.0, jitter=0.0))))
    backoff = Backoff(initial=1.0, jitter=0.5)
    world.run("root", sup("s", "a", policy=Policy(restart, shutdown=None, backoff=backoff)))
    world.up()
    return world


def stopped(world, dn, end):
    """It is asked to end, and its children end when they are canceled."""
    request = world.stop_sup(dn, end)
    while ending := [node.dn for node in world.tree.nodes.values() if node.doomed and node.running]:
        for each in ending:
            world.leaves(each)
    assert world.verdict(request) is Verdict.OK


def test_its_children_end_in_reverse_and_one_at_a_time_and_then_it_does_and_that_is_the_answer(plant):
    world = planted(plant, inner(TRANSIENT), "c")
    request = world.stop_sup("root.i")

    assert world.told == ["cancel root.i.b#1"]
    assert world.leaves("root.i.b") == ["cancel root.i.a#1"]
    assert world.verdict(request) is None
    node = world.node("root.i").id
    world.leaves("root.i.a")
    assert world.last[2:4] == [Finish(node, 1, Why.STOPPED, request=request), Answer(request, Verdict.OK)]
    assert world.rows("root") == {"i": "stopped", "c": "running"}


def test_those_of_a_dynamic_one_end_all_at_once(plant):
    world = planted(plant, dynamic("i", policy=Policy(TEMPORARY, shutdown=None)))
    world.admit("root.i", "a", "b")
    request = world.stop_sup("root.i")

    assert sorted(world.told) == ["cancel root.i.a#1", "cancel root.i.b#1"]
    world.leaves("root.i.a")
    assert world.verdict(request) is None
    world.leaves("root.i.b")
    assert world.verdict(request) is Verdict.OK
    assert world.rows("root") == {}


def test_one_without_children_ends_at_once(plant):
    world = planted(plant, sup("i", policy=Policy(TRANSIENT, shutdown=None)))

    assert world.verdict(world.stop_sup("root.i")) is Verdict.OK
    assert world.rows("root") == {"i": "stopped"}


@pytest.mark.parametrize("end", WAYS)
@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT, TEMPORARY])
def test_whether_a_supervisor_above_starts_it_again_is_said_by_the_reason(plant, restart, end):
    world = planted(plant, inner(restart))
    stopped(world, "root.i", end)
    world.up()

    again = restart is PERMANENT or (restart is TRANSIENT and end is End.RAISED)
    assert world.rows("root") == ({"i": "running"} if again else {"i": "stopped"} if restart is TRANSIENT else {})
    if again:
        assert world.node("root.i").incarnation == 2
        assert world.rows("root.i") == {"a": "running", "b": "running"}


def test_its_restart_counts(plant):
    world = planted(plant, inner(), max_restarts=0)
    stopped(world, "root.i", End.RETURNED)

    assert world.why() == ["stopped", "intensity i"]


@pytest.mark.parametrize(("end", "why"), [(End.RETURNED, True), (End.SHUTDOWN, True), (End.RAISED, False)])
def test_a_significant_one_that_ends_cleanly_takes_along_whoever_is_above(plant, end, why):
    world = planted(plant, inner(TRANSIENT, significant=True), auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    stopped(world, "root.i", end)

    assert world.why() == (["stopped", "auto_shutdown i"] if why else ["stopped"])


@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT])
def test_a_normal_end_below_a_plain_parent_is_for_good(plant, restart):
    world = below_a_plain_parent(plant, restart)
    stopped(world, "root.s", End.RETURNED)

    assert world.node("root.s").state is NodeState.DONE
    assert world.timers == {}


def test_any_other_below_a_plain_parent_is_a_death_and_the_backoff_takes_the_random_number_of_the_request(plant):
    world = below_a_plain_parent(plant, PERMANENT)
    world.stop_sup("root.s", End.RAISED, draw=0.0, error="stopped: enough")
    world.leaves("root.s.a")

    assert world.node("root.s").state is NodeState.DEAD
    assert world.node("root.s").last_error == "stopped: enough"
    assert world.passes(0.5) == ["start root.s#2", "start root.s.a#1"]


@pytest.mark.parametrize(("end", "state"), STATES)
def test_at_the_root_the_tree_stops(plant, end, state):
    world = planted(plant, "a")
    stopped(world, "root", end)

    assert world.tree.stopped
    assert world.tree.root.state is state
    assert world.last[-1] == Stopped((), world.now)


def test_it_waits_for_its_turn_until_the_children_have_started(plant):
    world = plant(sup("root", sup("i", "a", "b", policy=Policy(TRANSIENT, shutdown=None))))
    request = world.stop_sup("root.i")
    assert world.told == []
    world.up()

    assert world.verdict(request) is None
    world.leaves("root.i.b")
    world.leaves("root.i.a")
    assert world.verdict(request) is Verdict.OK
    assert world.rows("root") == {"i": "stopped"}


def test_what_was_asked_before_is_done_and_what_is_asked_later_is_refused(plant):
    world = planted(plant, inner(TRANSIENT))
    before = world.terminate_child("root.i", "a")
    request = world.stop_sup("root.i")
    after = [world.start_child("root.i", "c"), world.stop_sup("root.i", End.RAISED)]
    assert [world.verdict(each) for each in (before, request, *after)] == [None] * 4
    world.leaves("root.i.a")
    assert world.verdict(before) is Verdict.OK
    assert [world.verdict(each) for each in after] == [Verdict.NO_PROCESS] * 2
    world.leaves("root.i.b")
    assert world.verdict(request) is Verdict.OK
    assert world.why() == ["stopped"]


def test_a_child_that_crashes_meanwhile_is_not_restarted(plant):
    world = planted(plant, inner(TRANSIENT))
    request = world.stop_sup("root.i")

    assert world.dies("root.i.a") == []
    assert world.leaves("root.i.b") == []
    assert world.verdict(request) is Verdict.OK


def test_a_child_that_is_being_restarted_is_not_tried_again(plant):
    world = planted(plant, sup("i", "a", policy=Policy(TRANSIENT, shutdown=None), max_restarts=9))
    world.dies("root.i.a")
    world.dies("root.i.a")
    request = world.stop_sup("root.i")
    world.turns()
    world.dies("root.i.a")
    assert world.verdict(request) is Verdict.OK
    assert world.rows("root") == {"i": "stopped"}


def test_it_waits_for_what_is_stuck(plant):
    world = planted(plant, sup("i", child("a", shutdown=1.0), policy=Policy(TRANSIENT, shutdown=None)))
    request = world.stop_sup("root.i")
    world.passes(1.0)

    assert world.verdict(request) is None
    world.leaves("root.i.a")
    assert world.verdict(request) is Verdict.OK


@pytest.mark.parametrize("how", ["stop", "terminate_child", "a sibling"])
def test_who_asked_is_told_when_somebody_above_ends_it_meanwhile(plant, how):
    world = planted(plant, "c", inner(TRANSIENT), strategy="one_for_all" if how == "a sibling" else "one_for_one")
    request = world.stop_sup("root.i")
    if how == "stop":
        world.stop()
    elif how == "terminate_child":
        world.terminate_child("root", "i")
    else:
        world.dies("root.c")

    assert world.verdict(request) is Verdict.NO_PROCESS
    world.leaves("root.i.b")
    world.leaves("root.i.a")
    assert world.why() == []


def test_a_later_incarnation_is_not_meant(plant):
    world = planted(plant, inner())
    world.restart("root.i")
    world.leaves("root.i.b")
    world.leaves("root.i.a")
    world.up()

    assert world.node("root.i").incarnation == 2
    assert world.verdict(world.stop_sup("root.i", incarnation=1)) is Verdict.NO_PROCESS
    assert world.rows("root.i") == {"a": "running", "b": "running"}
