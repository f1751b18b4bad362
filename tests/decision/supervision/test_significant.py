"""Children whose end by themselves ends the supervisor."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import End
from otp.tree.decision.policy import AutoShutdown, Strategy
from tests.decision.supervision.conftest import TEMPORARY, TRANSIENT, child, sup

NEVER, ANY, ALL = AutoShutdown.NEVER, AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT


def planted(plant, *kids, auto_shutdown=ANY, **supervision):
    world = plant(sup("root", *kids, auto_shutdown=auto_shutdown, **supervision))
    world.up()
    return world


def significant(name, restart=TRANSIENT):
    return child(name, restart, significant=True)


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
@pytest.mark.parametrize("restart", [TRANSIENT, TEMPORARY])
def test_nonsignificant_ends_and_the_supervisor_lives(plant, restart, auto_shutdown):
    world = planted(plant, significant("s"), child("a", restart), auto_shutdown=auto_shutdown)
    world.returns("root.a")

    assert world.why() == []
    assert world.tree.healthy


@pytest.mark.parametrize("end", [End.RETURNED, End.SHUTDOWN, End.RAISED])
def test_significant_temporary_ends_the_supervisor_however_it_ends(plant, end):
    world = planted(plant, "a", significant("s", TEMPORARY))

    assert world.ends("root.s", end) == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.why() == ["auto_shutdown s"]
    assert world.states() == {"root": "dead#1"}
    assert world.tree.stopped


@pytest.mark.parametrize("end", [End.RETURNED, End.SHUTDOWN])
def test_significant_transient_ends_the_supervisor_when_it_ends_cleanly(plant, end):
    world = planted(plant, "a", significant("s"))
    world.ends("root.s", end)
    world.leaves("root.a")

    assert world.why() == ["auto_shutdown s"]


def test_significant_transient_that_crashes_is_restarted(plant):
    world = planted(plant, "a", significant("s"))

    assert world.dies("root.s") == ["start root.s#2"]


def test_all_significant_waits_for_the_last(plant):
    world = planted(plant, significant("s"), significant("t", TEMPORARY), significant("u"), auto_shutdown=ALL)
    world.returns("root.s")
    world.dies("root.t")
    assert world.why() == []

    world.returns("root.u")
    assert world.why() == ["auto_shutdown u"]


def test_all_significant_counts_those_that_are_restarted_as_left(plant):
    world = planted(plant, significant("s"), significant("t"), auto_shutdown=ALL)
    world.dies("root.s")
    world.dies("root.s")
    assert world.rows("root")["s"] == "restarting"

    world.returns("root.t")
    world.turns()
    world.healthy("root.s")
    assert world.why() == []


def test_never_is_never(plant):
    world = planted(plant, significant("s"), auto_shutdown=NEVER)
    world.returns("root.s")

    assert world.why() == []


def test_one_that_is_terminated_does_not_count(plant):
    world = planted(plant, significant("s"), significant("t", TEMPORARY))
    for name in ("s", "t"):
        world.terminate_child("root", name)
        world.leaves(f"root.{name}")

    assert world.why() == []


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
def test_significant_bystander_stopped_by_the_restart_of_a_sibling_does_not_count(plant, strategy):
    world = planted(plant, "a", significant("t", TEMPORARY), significant("s"), strategy=strategy)
    world.dies("root.a")
    world.leaves("root.s")
    world.leaves("root.t")
    world.up()

    assert world.why() == []
    assert world.rows("root") == {"a": "running", "s": "running"}


def test_significant_escalation_the_end_of_an_inner_supervisor_ends_the_outer(plant):
    policy = child("s", TRANSIENT, significant=True, shutdown=None).policy
    inner = sup("s", significant("x"), policy=policy, auto_shutdown=ANY)
    world = planted(plant, "a", inner)

    assert world.returns("root.s.x") == ["cancel root.a#1"]
    world.leaves("root.a")
    assert world.why() == ["auto_shutdown x", "auto_shutdown s"]
    assert world.tree.stopped


def test_a_permanent_inner_supervisor_that_shut_down_is_restarted(plant):
    world = planted(plant, "a", sup("s", significant("x"), auto_shutdown=ANY))

    assert world.returns("root.s.x") == ["start root.s#2", "start root.s.x#1"]
