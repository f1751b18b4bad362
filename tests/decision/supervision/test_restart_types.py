"""Which ends of which children are followed by a restart."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import End, Removed
from tests.decision.supervision.conftest import PERMANENT, TEMPORARY, TRANSIENT, child, sup

NORMAL, SHUTDOWN, ABNORMAL = "normal", "shutdown", "abnormal"
ENDS = [NORMAL, SHUTDOWN, ABNORMAL]


def ends(world, dn: str, how: str) -> list[str]:
    if how == NORMAL:
        world.done(dn)
        return world.returns(dn)
    return world.ends(dn, End.SHUTDOWN if how == SHUTDOWN else End.RAISED, error="boom")


@pytest.fixture
def world(plant):
    """A supervisor of one child of each restart type, all of them healthy."""
    world = plant(sup("root", child("p", PERMANENT), child("t", TRANSIENT), child("x", TEMPORARY), "other"))
    world.up()
    return world


@pytest.mark.parametrize("how", ENDS)
def test_permanent_normal_shutdown_abnormal_is_restarted_every_time_without_backoff(world, how):
    assert ends(world, "root.p", how) == ["start root.p#2"]
    world.up()
    assert world.counts("root") == (4, 4, 0, 4)


@pytest.mark.parametrize("how", [NORMAL, SHUTDOWN])
def test_transient_normal_shutdown_is_not_restarted_and_its_spec_is_kept(world, how):
    assert ends(world, "root.t", how) == []
    assert world.rows("root")["t"] == "stopped"
    assert world.counts("root") == (4, 3, 0, 4)
    assert "root.t" not in world.states()
    assert world.tree.healthy


def test_transient_abnormal_is_restarted(world):
    assert ends(world, "root.t", ABNORMAL) == ["start root.t#2"]


def test_a_transient_child_that_returns_without_a_word_is_not_restarted(world):
    assert world.returns("root.t") == []
    assert world.rows("root")["t"] == "stopped"


def test_a_permanent_child_that_returns_without_a_word_is_restarted(world):
    assert world.returns("root.p") == ["start root.p#2"]
    assert world.node("root.p").last_error == "returned without having signaled DONE"


@pytest.mark.parametrize("how", ENDS)
def test_temporary_normal_shutdown_abnormal_is_gone(world, how):
    assert ends(world, "root.x", how) == []
    assert "x" not in world.rows("root")
    assert world.counts("root") == (3, 3, 0, 3)
    assert [removed.dn for removed in world.reports(Removed)] == ["root.x"]


def test_what_is_below_a_child_goes_along_and_is_waited_for(world):
    world.restart("root.p")
    world.leaves("root.p")
    world.run("root.p", "below")
    world.healthy("root.p")

    assert world.dies("root.p") == ["cancel root.p.below#1"]
    assert world.leaves("root.p.below") == ["start root.p#3"]
    assert "root.p.below" not in world.states()


def test_what_is_below_a_child_that_is_done_goes_along_too(world):
    world.restart("root.t")
    world.leaves("root.t")
    world.run("root.t", "below")
    world.healthy("root.t")

    assert ends(world, "root.t", NORMAL) == ["cancel root.t.below#1"]
    world.leaves("root.t.below")
    assert world.rows("root")["t"] == "stopped"


@pytest.mark.parametrize("how", ENDS)
def test_below_a_plain_node_an_end_for_good_stays_an_end(plant, how):
    """What the new ends mean where there is no supervisor."""
    world = plant()
    world.run("root", child("t", TRANSIENT))
    world.healthy("root", "root.t")
    ends(world, "root.t", how)

    assert world.state("root.t") == ("dead#1" if how == ABNORMAL else "done#1")


def test_below_a_plain_node_a_child_that_ignores_its_start_is_done(plant):
    world = plant()
    world.run("root", "p")
    world.ends("root.p", End.IGNORED)

    assert world.state("root.p") == "done#1"


def test_below_a_plain_node_a_permanent_child_that_shuts_down_is_restarted_after_its_backoff(plant):
    world = plant()
    world.run("root", "p")
    world.ends("root.p", End.SHUTDOWN)

    assert world.state("root.p") == "dead#1"
    assert world.passes(0.5) == ["start root.p#2"]
