"""Cancel: how a canceled runnable may end (R4), and what becomes of one that is late."""

from __future__ import annotations

import asyncio

import pytest

import otp
from otp.tree.decision.messages import End


def cancel_and_see(stage, system):
    """Ask `root.a` to end by restarting it; how that incarnation ended."""
    system.restart("root.a")
    return stage.await_event(otp.events.Canceled)


def test_a_cancel_reaches_a_runnable_that_waits(stage, adapter):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        try:
            await life.until_canceled()
        except adapter.cancel_type:
            stage.journal.write(otp.canceled())
            raise

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    ended = cancel_and_see(stage, system)
    assert stage.journal.next() is True
    assert (ended.incarnation, ended.error, ended.traceback) == (1, None, None)


def test_a_canceled_runnable_that_returns_is_canceled(stage, adapter):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        try:
            await life.until_canceled()
        except adapter.cancel_type:
            return

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    assert cancel_and_see(stage, system).error is None


@pytest.mark.parametrize("kind", [otp.Canceled, asyncio.CancelledError])
def test_either_exception_of_canceling_leaves_a_canceled_runnable_without_a_warning(stage, adapter, kind):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        try:
            await life.until_canceled()
        except adapter.cancel_type:
            raise kind from None

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    ended = cancel_and_see(stage, system)
    assert (ended.error, ended.traceback) == (None, None)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_any_other_exception_of_a_canceled_runnable_is_told_but_is_no_death(stage, adapter, kind):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        try:
            await life.until_canceled()
        except adapter.cancel_type:
            message = "while leaving"
            raise kind(message) from None

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    ended = cancel_and_see(stage, system)
    assert ended.error == f"{kind.__name__}: while leaving"
    assert "in script" in ended.traceback
    assert system.node("root.a").last_error is None


def test_a_canceled_node_starts_again_at_once(stage):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    before = stage.clock.time()
    cancel_and_see(stage, system)
    started = stage.await_event(otp.events.Started)
    assert (started.incarnation, started.time) == (2, before)


def test_a_cancel_reaches_all_below(stage, adapter):
    async def child(life):
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    async def script(life):
        otp.run("b", adapter.runnable(child))
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    stage.await_event(otp.events.Healthy, "root.a.b")
    system.restart("root.a")
    ended = {stage.await_event(otp.events.Canceled, None).dn, stage.await_event(otp.events.Canceled, None).dn}
    assert ended == {"root.a", "root.a.b"}
    assert stage.await_event(otp.events.Healthy, "root.a.b").incarnation == 1


def test_who_signaled_done_and_is_canceled_before_it_returns_is_canceled(stage):
    gate = stage.new_gate()

    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)
        stage.journal.write("said")
        await life.deaf_until(gate)

    system = stage.play(script)
    stage.journal.next()
    system.restart("root.a")
    stage.await_event(otp.events.Canceling, None)
    gate.open()
    assert stage.await_event(otp.events.Canceled).incarnation == 1
    assert stage.await_event(otp.events.Started).incarnation == 2


def test_a_cancel_that_comes_after_the_end_does_nothing(solo):
    async def script(life):
        pass

    incarnation = solo.incarnation()
    handle = solo.start(incarnation, script)
    assert solo.report().event.end is End.RETURNED
    incarnation.cancel()
    handle.cancel()
    follower = solo.incarnation(2)
    solo.start(follower, script)
    assert solo.report().incarnation is follower
    assert solo.silent


def test_a_node_that_is_done_starts_again_when_asked_to(stage):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    system = stage.play(script)
    assert stage.await_event(otp.events.Done).incarnation == 1
    system.restart("root.a")
    assert stage.await_event(otp.events.Done).incarnation == 2


def test_the_token_of_an_incarnation_that_ended_stays_set(stage):
    asks: list[object] = []

    async def script(life):
        if not asks:
            asks.append(otp.bind(otp.canceled))
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    assert asks[0]() is False
    cancel_and_see(stage, system)
    stage.await_event(otp.events.Healthy)
    assert asks[0]() is True
