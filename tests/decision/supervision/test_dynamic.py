"""The dynamic supervisor: children that come and go, each for itself."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import End, Forget, Removed, Verdict
from tests.decision.supervision.conftest import PERMANENT, TEMPORARY, TRANSIENT, child, dynamic, sup


@pytest.fixture
def world(plant):
    return plant(dynamic("root"))


def test_children_come_and_are_gone_when_they_are_terminated(world):
    world.admit("root", "a", "b")
    request = world.terminate_child("root", "a")
    a = world.node("root.a").id
    world.leaves("root.a")

    assert world.verdict(request) is Verdict.OK
    assert world.reports(Forget) == [Forget((a,))]
    assert [removed.dn for removed in world.reports(Removed)] == ["root.a"]
    assert world.rows("root") == {"b": "running"}
    assert world.verdict(world.terminate_child("root", "a")) is Verdict.NOT_FOUND


def test_simple_one_for_one_a_crash_restarts_that_child_alone(world):
    world.admit("root", "a", "b")

    assert world.dies("root.a") == ["start root.a#2"]
    world.healthy("root.a")
    assert world.state("root.b") == "healthy#1"


@pytest.mark.parametrize(
    ("restart", "end", "is_restarted"),
    [
        (PERMANENT, End.RETURNED, True),
        (PERMANENT, End.SHUTDOWN, True),
        (PERMANENT, End.RAISED, True),
        (TRANSIENT, End.RETURNED, False),
        (TRANSIENT, End.SHUTDOWN, False),
        (TRANSIENT, End.RAISED, True),
        (TEMPORARY, End.RETURNED, False),
        (TEMPORARY, End.SHUTDOWN, False),
        (TEMPORARY, End.RAISED, False),
    ],
)
def test_a_child_that_is_not_restarted_is_removed(world, restart, end, is_restarted):
    world.admit("root", child("a", restart))
    told = world.ends("root.a", end)

    assert told == (["start root.a#2"] if is_restarted else [])
    assert world.rows("root") == ({"a": "restarting"} if is_restarted else {})


def test_simple_one_for_one_escalation_stops_all_at_once(plant):
    world = plant(dynamic("root", max_restarts=1))
    world.admit("root", "a", "b", "c")
    world.crash_and_up("root.a")

    assert sorted(world.dies("root.b")) == ["cancel root.a#2", "cancel root.c#1"]
    world.leaves("root.a", "root.c")
    assert world.why() == ["intensity b"]


def test_a_restart_that_fails_is_tried_again(world):
    world.admit("root", "a")
    world.dies("root.a")
    world.dies("root.a")

    assert world.rows("root") == {"a": "restarting"}
    assert world.counts("root") == (1, 0, 0, 1)
    assert world.turns() == ["start root.a#3"]


def test_two_children_in_restart_loops_take_turns(plant):
    world = plant(dynamic("root", max_restarts=100))
    world.admit("root", "a", "b")
    world.dies("root.a")
    world.dies("root.b")
    assert world.dies("root.a") == ["start root.b#2"]
    world.dies("root.b")

    assert world.turns() == ["start root.a#3"]
    world.dies("root.a")
    assert world.turns() == ["start root.b#3"]


def test_a_failed_or_ignored_start_leaves_nothing(world):
    failed = world.start_child("root", "a")
    world.dies("root.a")
    ignored = world.start_child("root", "b")
    world.ends("root.b", End.IGNORED)

    assert world.verdict(failed) is Verdict.START_FAILED
    assert world.verdict(ignored) is Verdict.IGNORED
    assert world.known == {1}


def test_a_child_that_ignores_its_restart_is_removed(world):
    world.admit("root", "a")
    world.dies("root.a")
    world.ends("root.a", End.IGNORED)

    assert world.rows("root") == {}


def test_more_than_max_children_are_refused_and_restarting_ones_count(plant):
    world = plant(dynamic("root", max_children=2))
    world.admit("root", "a", "b")
    refused = world.start_child("root", "c")
    assert world.verdict(refused) is Verdict.MAX_CHILDREN
    assert world.answers[refused].child is None

    world.terminate_child("root", "a")
    world.leaves("root.a")
    world.admit("root", "c")


def test_of_a_name_there_is_one_child(world):
    world.admit("root", "a")
    request = world.start_child("root", "a")

    assert world.verdict(request) is Verdict.ALREADY_STARTED
    assert world.answers[request].child == world.node("root.a").id


def test_a_supervisor_can_be_a_dynamic_child_and_its_end_is_clean(world):
    request = world.start_child(
        "root", sup("s", "x", policy=child("s", TRANSIENT, shutdown=None).policy, max_restarts=0)
    )
    assert world.verdict(request) is None
    world.healthy("root.s.x")
    assert world.verdict(request) is Verdict.OK

    world.dies("root.s.x")
    assert world.why() == ["intensity x"]
    assert world.rows("root") == {}
    assert world.known == {1}


def test_child_adm_simple_a_stopped_child_is_nobodys_to_restart_or_delete(world):
    world.admit("root", "a")

    assert world.verdict(world.restart_child("root", "b")) is Verdict.NOT_FOUND
    assert world.verdict(world.delete_child("root", "b")) is Verdict.NOT_FOUND


def test_do_not_save_start_parameters_whoever_is_gone_is_forgotten(world):
    for number in range(50):
        world.admit("root", child(f"n{number}", TEMPORARY))
        world.returns(f"root.n{number}")

    assert world.known == {1}
    assert not world.tree.kept
    assert world.node("root").children == {}
