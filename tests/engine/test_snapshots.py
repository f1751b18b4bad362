"""A tree at one moment: what stands in it, that it never changes, and that it is made once for each revision."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle
import threading

import pytest

import otp
from otp import NodeState
from otp.tree.snapshot import Row, snapshot
from otp.tree.supervisor import Look

EPOCH = 1_000_000.0
"""What the virtual clock begins with, as Unix seconds too."""


def look(system):
    return system._engine._ref.ask(Look(), timeout=5)


def test_a_snapshot_tells_everything_about_a_node(stage, clock):
    serving = threading.Event()

    def dies():
        assert serving.wait(5)
        clock.advance(2)
        raise ZeroDivisionError

    async def serves():
        asyncio.get_running_loop().call_soon(serving.set)
        await stage.serve_async()

    backoff = otp.Backoff(initial=8, jitter=0)
    system, story = stage.watch(stage.parent_of(a=otp.Child(dies, backoff=backoff), b=serves), clock=clock)
    story.until(otp.events.Died, "root.a")
    shown = {field.name: getattr(system.node("root.a"), field.name) for field in dataclasses.fields(otp.NodeSnapshot)}
    del shown["_children"]

    assert shown == {
        "dn": "root.a",
        "parent": "root",
        "state": NodeState.DEAD,
        "incarnation": 1,
        "restarts": 0,
        "since": EPOCH + 2,
        "last_error": "ZeroDivisionError",
        "next_restart": EPOCH + 10,
        "backend": "thread",
        "stuck": False,
    }
    assert system.node("root.a").name == "a"
    assert system.node("root.b").backend == "coroutine"
    assert system.node("root.b").next_restart is None
    assert system.tree().parent is None


def test_times_are_unix_seconds_whatever_the_clock_counts_from(stage, clock, monkeypatch):
    monkeypatch.setattr(clock, "time", lambda: clock.monotonic() + 5e8)
    system, story = stage.watch(stage.serve, clock=clock)
    event = story.until(otp.events.Healthy, "root")

    assert system.tree().since == EPOCH + 5e8
    assert event.time == EPOCH + 5e8


def test_children_stand_in_start_order(stage):
    names = ["z", "a", "m", "B", "0"]

    def root():
        otp.run_group(dict.fromkeys(names, stage.serve))
        otp.run("last", stage.serve)
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(5)

    assert [child.name for child in system.tree().children] == [*names, "last"]
    assert [node.name for node in system.tree().walk()] == ["root", *names, "last"]


def test_restarts_count_from_the_start_of_the_parent(stage):
    def parent():
        otp.run("child", stage.serve)
        stage.serve()

    system, story = stage.watch(stage.parent_of(a=parent))
    system.wait_healthy(5)
    system.restart("root.a.child")
    story.until(otp.events.Healthy, "root.a.child", incarnation=2)
    assert system.node("root.a.child").restarts == 1
    system.restart("root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)
    system.wait_healthy(5)

    assert system.node("root.a").restarts == 1
    assert (system.node("root.a.child").incarnation, system.node("root.a.child").restarts) == (1, 0)


def test_a_child_of_a_canceled_parent_was_never_started(stage):
    may_run, begun, ran = stage.gate(), threading.Event(), threading.Event()

    def late():
        begun.set()
        may_run.wait()
        otp.run("child", ran.set)
        otp.wait_canceled()

    system = stage.start(late)
    assert begun.wait(5)
    system.request_stop()
    system.tree()  # after the request
    may_run.set()
    system.join(5)

    child = system.node("root.child")
    assert (child.state, child.incarnation, child.restarts) == (NodeState.CANCELED, 0, 0)
    assert not ran.is_set()


def test_a_snapshot_does_not_change_when_the_tree_does(stage):
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    before = system.tree()
    system.stop()

    assert [node.state for node in before.walk()] == [NodeState.HEALTHY, NodeState.HEALTHY]
    assert [node.state for node in system.tree().walk()] == [NodeState.CANCELED, NodeState.CANCELED]


def test_a_snapshot_cannot_be_changed(stage):
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    tree = system.tree()

    with pytest.raises(dataclasses.FrozenInstanceError):
        tree.state = NodeState.DEAD
    with pytest.raises((AttributeError, TypeError)):
        tree.note = "mine"
    assert type(tree.children) is tuple


def test_what_the_tree_gives_away_is_made_once_for_each_revision(stage):
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    first = look(system)

    assert look(system) is first
    system.restart("root.a")
    system.wait_settled(5)
    assert look(system) is not first


def test_what_the_tree_gives_away_is_flat(stage):
    system = stage.start(stage.chain, 50)
    system.wait_healthy(5)
    rows = look(system)

    assert [row.parent for row in rows] == list(range(-1, 50))
    assert {type(value) for row in rows for value in row} <= {str, int, float, bool, NodeState, type(None)}


def test_a_snapshot_of_any_depth_can_be_sent_and_copied():
    rows = [
        Row("root" + ".c" * depth, depth - 1, NodeState.NEW, 1, 2.0, None, None, "thread", stuck=False)
        for depth in range(1_000)
    ]
    tree = snapshot(rows, 0.0)["root"]
    for sent in (pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree)):  # noqa: S301 - our own
        assert list(sent.walk()) == list(tree.walk())
        assert [node.parent for node in sent.walk()] == [None, *(row.dn for row in rows[:-1])]


def test_a_part_of_a_tree_is_sent_with_what_is_below_it_and_nothing_else(stage):
    system = stage.start(stage.parent_of(a=stage.parent_of(x=stage.serve, y=stage.serve), b=stage.serve))
    system.wait_healthy(5)
    part = pickle.loads(pickle.dumps(system.node("root.a")))  # noqa: S301 - our own

    assert [node.dn for node in part.walk()] == ["root.a", "root.a.x", "root.a.y"]
    assert part.parent == "root"
    assert b"root.b" not in pickle.dumps(system.node("root.a"))
