"""Supervisors below supervisors, below plain nodes and at the root."""

from __future__ import annotations

import pytest

from otp.tree.decision.messages import Removed, Stopped, Verdict
from otp.tree.decision.policy import Backoff, Strategy
from tests.decision.supervision.conftest import TEMPORARY, TRANSIENT, child, dynamic, sup


def below_plain(plant, *kids, strategy=Strategy.ONE_FOR_ALL, **options):
    world = plant(**options)
    world.run("root", *kids, strategy=strategy)
    world.healthy("root")
    world.up()
    return world


def test_tree_the_end_of_an_inner_supervisor_renews_the_whole_tree(plant):
    world = plant(sup("root", "a", sup("s", "x", max_restarts=0), strategy=Strategy.ONE_FOR_ALL))
    world.up()
    world.admit("root.s", "added")

    assert world.dies("root.s.x") == ["cancel root.s.added#1"]
    assert world.leaves("root.s.added") == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["start root.a#2"]
    world.up()
    assert world.why() == ["intensity x"]
    assert world.rows("root.s") == {"x": "running"}
    assert world.states() == {
        "root": "healthy#1",
        "root.a": "healthy#2",
        "root.s": "healthy#2",
        "root.s.x": "healthy#1",
    }


def test_a_transient_inner_supervisor_that_gave_up_is_not_restarted(plant):
    policy = child("s", TRANSIENT, shutdown=None).policy
    world = plant(sup("root", sup("s", "x", policy=policy, max_restarts=0)))
    world.up()
    world.dies("root.s.x")

    assert world.rows("root") == {"s": "stopped"}
    assert world.tree.healthy


def test_the_end_of_an_inner_supervisor_counts_as_any_other(plant):
    world = plant(sup("root", sup("s", "x", max_restarts=0), max_restarts=1))
    world.up()
    world.dies("root.s.x")
    world.up()
    world.dies("root.s.x")

    assert world.why() == ["intensity x", "intensity x", "intensity s"]
    assert world.tree.stopped


def test_an_inner_supervisor_that_cannot_start_is_a_start_that_failed(plant):
    world = plant(sup("root", sup("s", "x")))
    world.dies("root.s.x")

    assert world.why() == ["start_failed x", "start_failed s"]
    assert world.tree.stopped


def test_an_inner_supervisor_that_cannot_be_added_is_forgotten_with_its_children(plant):
    world = plant(sup("root"))
    request = world.start_child("root", sup("s", "x", "y", "z"))
    world.healthy("root.s.x")
    world.dies("root.s.y")
    world.leaves("root.s.x")

    assert world.verdict(request) is Verdict.START_FAILED
    assert world.known == {1}


def test_a_restart_of_an_inner_supervisor_that_fails_is_tried_again(plant):
    world = plant(sup("root", sup("s", "x", max_restarts=0)))
    world.up()
    assert world.dies("root.s.x") == ["start root.s#2", "start root.s.x#1"]
    assert world.dies("root.s.x") == []
    assert world.rows("root") == {"s": "restarting"}
    assert world.turns() == ["start root.s#3", "start root.s.x#1"]


def test_below_a_plain_node_one_that_gave_up_waits_for_its_backoff(plant):
    policy = child("s", backoff=Backoff(initial=2.0, jitter=0.0), shutdown=None).policy
    world = below_plain(plant, sup("s", "x", policy=policy, max_restarts=0))
    world.dies("root.s.x")
    assert world.state("root.s") == "dead#1"
    assert world.node("root.s").restart_at == 2.0

    assert world.passes(2.0) == ["start root.s#2", "start root.s.x#1"]
    world.dies("root.s.x")  # it has not been healthy since
    assert world.why()[-1] == "start_failed x"
    assert world.passes(2.9) == []
    assert world.passes(0.1) == ["start root.s#3", "start root.s.x#1"]


def test_below_a_plain_node_its_backoff_has_the_jitter_of_the_last_end(plant):
    policy = child("s", backoff=Backoff(initial=2.0, jitter=0.5), shutdown=None).policy
    world = below_plain(plant, sup("s", "x", policy=policy, max_restarts=0))
    world.draw = 0.0
    world.dies("root.s.x")

    assert world.node("root.s").restart_at == 1.0


def test_below_a_plain_node_one_that_gave_up_takes_its_group_along(plant):
    world = below_plain(plant, "a", sup("s", "x", max_restarts=0))

    assert world.dies("root.s.x") == ["cancel root.a#1"]
    assert world.leaves("root.a") == ["start root.a#2"]
    assert world.passes(1.0) == ["start root.s#2", "start root.s.x#1"]


def test_a_supervisor_is_canceled_with_its_group_all_at_once(plant):
    world = below_plain(plant, "a", sup("s", "x", sup("t", "y"), dynamic("d")))
    request = world.terminate_child("root.s", "x")

    assert sorted(world.dies("root.a")) == [
        "cancel root.s#1",
        "cancel root.s.d#1",
        "cancel root.s.t#1",
        "cancel root.s.t.y#1",
    ]
    assert world.verdict(request) is Verdict.NO_PROCESS
    assert world.verdict(world.start_child("root.s", "late")) is Verdict.NO_PROCESS
    world.passes(1.0)
    assert world.leaves("root.s.x") == []
    assert world.leaves("root.s.t.y") == ["start root.a#2", "start root.s#2", "start root.s.x#1"]
    world.up()
    assert world.tree.healthy


def test_what_was_stopped_is_forgotten_when_its_supervisor_is_canceled(plant):
    world = below_plain(plant, "a", sup("s", "x", "y"))
    world.terminate_child("root.s", "y")
    world.leaves("root.s.y")
    world.dies("root.a")

    assert not world.tree.kept
    world.leaves("root.s.x")
    world.passes(1.0)
    world.up()
    assert world.rows("root.s") == {"x": "running", "y": "running"}


def test_a_supervisor_that_is_canceled_while_it_starts_starts_nothing_more(plant):
    world = plant()
    world.run("root", "a", sup("s", "x", "y"))
    world.dies("root.a")

    assert world.healthy("root.s.x") == []
    assert world.leaves("root.s.x") == ["start root.s#2", "start root.s.x#1"]
    assert world.passes(1.0) == ["start root.a#2"]


def test_a_temporary_supervisor_below_a_plain_node_is_removed_when_it_gave_up(plant):
    policy = child("s", TEMPORARY, shutdown=None).policy
    world = below_plain(plant, sup("s", "x", policy=policy, max_restarts=0))
    world.dies("root.s.x")

    assert [removed.dn for removed in world.reports(Removed)] == ["root.s"]
    assert list(world.states()) == ["root"]


def test_a_transient_supervisor_below_a_plain_node_is_done_when_it_gave_up(plant):
    policy = child("s", TRANSIENT, shutdown=None).policy
    world = below_plain(plant, "a", sup("s", "x", "y", policy=policy, max_restarts=0))
    world.dies("root.s.x")
    world.leaves("root.s.y")

    assert world.states() == {"root": "healthy#1", "root.a": "healthy#1", "root.s": "done#1"}
    assert world.tree.healthy


def test_when_all_is_done_the_tree_stops_though_the_last_to_end_was_a_supervisor_in_its_turn(plant):
    policy = child("s", TRANSIENT, shutdown=None).policy
    world = below_plain(plant, sup("s", "x", policy=policy, max_restarts=1))
    world.done("root")
    world.returns("root")
    world.dies("root.s.x")
    world.dies("root.s.x")
    world.turns()

    assert world.states() == {"root": "done#1", "root.s": "done#1"}
    assert world.tree.stopped


def test_restart_requested_of_a_supervisor_below_a_plain_node(plant):
    world = below_plain(plant, "a", sup("s", "x"))

    assert sorted(world.restart("root.s")) == ["cancel root.s#1", "cancel root.s.x#1"]
    assert world.leaves("root.s.x") == ["start root.s#2", "start root.s.x#1"]
    assert world.state("root.a") == "healthy#1"


def test_restart_requested_of_a_supervisor_at_the_root(plant):
    world = plant(sup("root", "a"))
    world.up()

    assert sorted(world.restart("root")) == ["cancel root#1", "cancel root.a#1"]
    assert world.leaves("root.a") == ["start root#2", "start root.a#1"]


def test_a_plain_child_keeps_its_own_rules_for_what_is_below_it(plant):
    world = plant(sup("root", "a"))
    world.run("root.a", "x", "y")
    world.healthy("root.a", "root.a.x", "root.a.y")

    assert world.dies("root.a.x") == ["cancel root.a.y#1"]
    assert world.leaves("root.a.y") == ["start root.a.y#2"]
    assert world.passes(0.5) == ["start root.a.x#2"]
    assert world.state("root.a") == "healthy#1"


def test_a_supervisor_below_a_plain_child_of_a_supervisor(plant):
    world = plant(sup("root", "a"))
    world.run("root.a", sup("s", "x", "y"))
    world.healthy("root.a")
    world.up()
    world.terminate_child("root", "a")

    assert world.told == ["cancel root.a.s.y#1"]
    assert world.leaves("root.a.s.y") == ["cancel root.a.s.x#1"]
    assert world.leaves("root.a.s.x") == ["cancel root.a.s#1", "cancel root.a#1"]


def test_propagate_the_first_death_stops_the_tree(plant):
    world = plant(sup("root", "a", "b"), propagate=True)
    world.up()

    assert world.dies("root.a") == ["cancel root.b#1"]
    world.leaves("root.b")
    assert world.tree.stopped
    assert world.why() == []


def test_propagate_a_clean_end_is_no_death(plant):
    world = plant(sup("root", child("t", TRANSIENT), "b"), propagate=True)
    world.up()
    world.returns("root.t")

    assert world.tree.stop is None
    assert world.rows("root") == {"t": "stopped", "b": "running"}


def test_the_root_that_gives_up_stops_the_tree(plant):
    world = plant(sup("root", "a", max_restarts=0))
    world.up()
    world.dies("root.a")

    assert world.reports(Stopped) == [Stopped((), 0.0)]
    assert world.tree.stopped
    assert world.tree.settled
    assert world.known == {1}
    assert world.stop() == []


def test_a_supervisor_that_its_backend_could_not_start_answers_and_is_restarted(plant):
    world = below_plain(plant, sup("s", "x"))
    request = world.start_child("root.s", "c")
    world.dies("root.s", error="RuntimeError: no room")

    assert world.verdict(request) is Verdict.NO_PROCESS
    assert world.state("root.s") == "dead#1"


@pytest.mark.parametrize("strategy", list(Strategy))
def test_settled_says_whether_a_restart_is_pending(plant, strategy):
    world = plant(sup("root", "a", "b", "c", strategy=strategy))
    world.up()
    assert world.tree.settled

    world.dies("root.b")
    while not world.tree.healthy:
        stopping = [node.dn for node in world.tree.nodes.values() if node.running and node.doomed]
        assert world.tree.settled == (not stopping and not any(node.doomed for node in world.tree.nodes.values()))
        world.leaves(*stopping)
        world.up()
    assert world.tree.settled


def test_when_several_have_something_to_do_the_deepest_comes_first(plant):
    """What waited for the inner one to start is done before the outer one, which waited for the same, stops it."""
    world = plant(sup("root", sup("s", child("a", shutdown=0.0), child("b"))))
    world.healthy("root.s.a")
    outer = world.terminate_child("root", "s")
    inner = world.terminate_child("root.s", "a")

    told = world.healthy("root.s.b")

    assert world.verdict(inner) is Verdict.OK
    assert told == ["cancel root.s.a#1", "cancel root.s.b#1"]
    assert world.verdict(outer) is None
