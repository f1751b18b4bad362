"""Whom the end of a child takes along."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Removed, Verdict
from otp.tree.decision.policy import Strategy
from tests.decision.supervision.conftest import TEMPORARY, TRANSIENT, child, sup

ALL, REST = Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE


def planted(plant, *kids, **supervision):
    world = plant(sup("root", *(kids or ("a", "b", "c")), **supervision))
    world.up()
    return world


def test_one_for_one_leaves_the_siblings(plant):
    world = planted(plant)

    assert world.dies("root.b") == ["start root.b#2"]
    world.healthy("root.b")
    assert set(world.states().values()) == {"healthy#1", "healthy#2"}
    assert world.state("root.a") == world.state("root.c") == "healthy#1"


def test_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order(plant):
    world = planted(plant, strategy=ALL)

    assert world.dies("root.b") == ["cancel root.c#1"]
    assert world.leaves("root.c") == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["start root.a#2"]
    assert world.healthy("root.a") == ["start root.b#2"]
    assert not world.tree.settled
    assert world.healthy("root.b") == ["start root.c#2"]
    world.healthy("root.c")
    assert world.tree.healthy
    assert list(world.states()) == ["root", "root.a", "root.b", "root.c"]


def test_rest_for_one_leaves_the_earlier_and_replaces_the_later(plant):
    world = planted(plant, "a", "b", "c", "d", strategy=REST)

    assert world.dies("root.b") == ["cancel root.d#1"]
    assert world.leaves("root.d") == ["cancel root.c#1"]
    assert world.leaves("root.c") == ["start root.b#2"]
    assert world.healthy("root.b") == ["start root.c#2"]
    assert world.healthy("root.c") == ["start root.d#2"]
    assert world.state("root.a") == "healthy#1"


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_temporary_bystander_is_stopped_and_forgotten(plant, strategy):
    world = planted(plant, "a", child("x", TEMPORARY), strategy=strategy)

    assert world.dies("root.a") == ["cancel root.x#1"]
    assert world.leaves("root.x") == ["start root.a#2"]
    assert [removed.dn for removed in world.reports(Removed)] == ["root.x"]
    world.healthy("root.a")
    assert world.rows("root") == {"a": "running"}


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_the_end_of_a_temporary_child_takes_nobody_along(plant, strategy):
    world = planted(plant, child("x", TEMPORARY), "a", strategy=strategy)

    assert world.dies("root.x") == []
    assert world.rows("root") == {"a": "running"}


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_what_terminate_child_had_stopped_is_started_anew_by_its_siblings_end(plant, strategy):
    world = planted(plant, "a", "b", child("t", TRANSIENT), strategy=strategy)
    world.terminate_child("root", "b")
    world.leaves("root.b")
    world.returns("root.t")
    assert world.rows("root") == {"a": "running", "b": "stopped", "t": "stopped"}

    assert world.dies("root.a") == ["start root.a#2"]
    assert world.healthy("root.a") == ["start root.b#2"]
    assert world.healthy("root.b") == ["start root.t#2"]
    assert [node.name for node in world.node("root").children.values()] == ["a", "b", "t"]


def test_in_rest_for_one_what_was_stopped_before_it_stays_stopped(plant):
    world = planted(plant, "a", "b", strategy=REST)
    world.terminate_child("root", "a")
    world.leaves("root.a")

    assert world.dies("root.b") == ["start root.b#2"]
    world.healthy("root.b")
    assert world.rows("root") == {"a": "stopped", "b": "running"}


def test_one_for_all_other_child_fails_restart(plant):
    world = planted(plant, "a", "b", "c", strategy=ALL, max_restarts=5)
    world.dies("root.a")
    world.leaves("root.c")
    world.leaves("root.b")
    assert world.healthy("root.a") == ["start root.b#2"]
    assert world.dies("root.b") == []  # the next try has a turn of its own
    assert world.rows("root") == {"a": "running", "b": "restarting", "c": "stopped"}

    assert world.turns() == ["cancel root.a#2"]
    assert world.leaves("root.a") == ["start root.a#3"]
    assert world.healthy("root.a") == ["start root.b#3"]
    assert world.healthy("root.b") == ["start root.c#2"]
    world.healthy("root.c")
    assert world.rows("root") == dict.fromkeys("abc", "running")


def test_rest_for_one_other_child_fails_restart_and_the_earlier_ones_stay(plant):
    world = planted(plant, "a", "b", "c", strategy=REST, max_restarts=5)
    world.dies("root.a")
    world.leaves("root.c")
    world.leaves("root.b")
    world.healthy("root.a")
    world.dies("root.b")

    assert world.turns() == ["start root.b#3"]
    assert world.healthy("root.b") == ["start root.c#2"]
    assert world.state("root.a") == "healthy#2"


def test_a_child_that_dies_while_its_siblings_restart_is_dealt_with_afterwards(plant):
    world = planted(plant, "a", "b", "c", strategy=ALL)
    world.dies("root.b")
    world.leaves("root.c")
    world.leaves("root.a")
    world.healthy("root.a")

    assert world.dies("root.a") == []
    assert world.healthy("root.b") == ["start root.c#2"]
    assert world.healthy("root.c") == ["cancel root.c#2"]


def test_a_sibling_that_dies_while_it_waits_to_be_stopped_counts_once(plant):
    world = planted(plant, "a", "b", "c", strategy=ALL, max_restarts=1)
    world.dies("root.a")

    assert world.dies("root.b") == []
    assert world.leaves("root.c") == ["start root.a#2"]
    world.up()
    assert world.rows("root") == dict.fromkeys("abc", "running")


def test_a_restart_waits_for_all_that_is_below_a_sibling(plant):
    world = planted(plant, "a", sup("s", "x", "y"), strategy=ALL)

    assert world.dies("root.a") == ["cancel root.s.y#1"]
    assert world.leaves("root.s.y") == ["cancel root.s.x#1"]
    assert world.leaves("root.s.x") == ["cancel root.s#1", "start root.a#2"]
    assert world.healthy("root.a") == ["start root.s#2", "start root.s.x#1"]


def test_requests_wait_until_a_restart_is_over(plant):
    world = planted(plant, "a", "b", strategy=ALL)
    world.dies("root.a")
    request = world.start_child("root", "c")
    world.leaves("root.b")
    world.healthy("root.a")

    assert world.verdict(request) is None
    assert world.healthy("root.b") == ["start root.c#1"]
    world.healthy("root.c")
    assert world.verdict(request) is Verdict.OK
