"""Deadlines (R12): a runnable that does not end in time is stuck, or is killed where that can be done."""

from __future__ import annotations

import pytest
from loguru import logger

import otp


@pytest.fixture
def log(stage):
    records = []
    sink = logger.add(lambda message: records.append(message.record), level="WARNING", format="{message}")
    yield records
    stage.close()
    logger.remove(sink)


@pytest.fixture
def deaf(stage):
    """A script that hears no cancel until its gate opens, and that gate."""
    gate = stage.new_gate()

    async def deaf_runnable(life):
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            await life.deaf_until(gate)
        else:
            await life.until_canceled()

    return deaf_runnable, gate


def test_a_runnable_past_its_deadline_is_stuck_or_killed(stage, adapter, deaf):
    script, gate = deaf
    system = stage.play(script, shutdown=3.0)
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    stage.await_event(otp.events.Canceling, None)
    stage.clock.advance(2.9)
    assert not system.node("root.a").stuck
    stage.clock.advance(0.1)
    if adapter.killable:
        ended = stage.await_event(otp.events.Canceled)
        assert ended.error == "Killed"
        assert stage.await_event(otp.events.Started).incarnation == 2
        assert not any(isinstance(event, otp.events.Stuck) for event in stage.rest())
    else:
        stuck = stage.await_event(otp.events.Stuck, None)
        assert [(node.dn, node.incarnation) for node in stuck.nodes] == [("root.a", 1)]
        assert "deaf_until" in stuck.nodes[0].stack
        node = system.node("root.a")
        assert (node.stuck, node.incarnation, node.state) == (True, 1, otp.NodeState.HEALTHY)
        gate.open()
        assert stage.await_event(otp.events.Started).incarnation == 2
        assert not system.node("root.a").stuck


def test_a_stuck_runnable_is_warned_of_once_with_its_stack(stage, adapter, deaf, log):
    script, _ = deaf
    system = stage.play(script, shutdown=3.0)
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    stage.await_event(otp.events.Canceling, None)
    stage.clock.advance(3.0)
    stage.await_event(otp.events.Canceled if adapter.killable else otp.events.Stuck, None)
    stage.clock.advance(100.0)
    stage.close()
    warnings = [record["message"] for record in log if "stuck nodes" in record["message"]]
    if adapter.killable:
        assert warnings == []
    else:
        assert len(warnings) == 1
        assert "root.a has stuck nodes" in warnings[0]
        assert "deaf_until" in warnings[0]


def test_brutal_kill_waits_for_nothing(stage, adapter, deaf):
    script, _ = deaf
    system = stage.play(script, shutdown=otp.BRUTAL_KILL)
    stage.await_event(otp.events.Healthy)
    before = stage.clock.time()
    system.restart("root.a")
    event = stage.await_event(otp.events.Canceled if adapter.killable else otp.events.Stuck, None)
    assert event.time == before


def test_a_runnable_without_a_deadline_may_take_for_ever(stage, deaf):
    script, gate = deaf
    system = stage.play(script, shutdown=None)
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    stage.await_event(otp.events.Canceling, None)
    stage.clock.advance(1e6)
    assert not system.node("root.a").stuck
    gate.open()
    assert stage.await_event(otp.events.Canceled).error is None
    assert not any(isinstance(event, otp.events.Stuck) for event in stage.rest())


def test_a_runnable_that_ends_in_time_is_never_called_stuck(stage, deaf):
    script, gate = deaf
    system = stage.play(script, shutdown=3.0)
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    stage.await_event(otp.events.Canceling, None)
    stage.clock.advance(2.9)
    gate.open()
    stage.await_event(otp.events.Canceled)
    stage.clock.advance(10.0)
    assert not any(isinstance(event, otp.events.Stuck) for event in stage.rest())


def test_equal_deadlines_are_one_report(stage, adapter, deaf):
    script, _ = deaf
    system = stage.play_group({name: stage.child(script, shutdown=3.0) for name in ("a", "b", "c")})
    system.wait_healthy(timeout=30)
    system.request_stop(now=True)
    stage.await_event(otp.events.Canceled, "root")
    stage.clock.advance(0.5)  # the last grace of a stop in a hurry
    if adapter.killable:
        ended = [event.dn for event in stage.rest() if isinstance(event, otp.events.Canceled)]
        assert {"root.a", "root.b", "root.c"} <= set(ended)
    else:
        stuck = stage.await_event(otp.events.Stuck, None)
        assert sorted(node.dn for node in stuck.nodes) == ["root.a", "root.b", "root.c"]


def test_a_stop_reports_what_is_stuck(stage, adapter, deaf):
    script, gate = deaf
    system = stage.play(script, shutdown=otp.BRUTAL_KILL)
    stage.await_event(otp.events.Healthy)
    assert system.stop().unstopped == (() if adapter.killable else ("root.a",))
    gate.open()
