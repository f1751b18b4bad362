"""A runnable that does not end when it is asked to: it is named, with the place it is in, and holds up no stop (R12)."""

from __future__ import annotations

import asyncio
import threading

import otp
from otp import NodeState


def thread_named(name):
    return next(thread for thread in threading.enumerate() if thread.name == name)


def test_a_runnable_that_never_ends_is_reported_with_its_stack(stage, clock):
    gate = stage.gate()

    def does_not_listen():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    system, story = stage.watch(stage.parent_of(a=does_not_listen), clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    assert not system.node("root.a").stuck
    clock.advance(5)
    (stuck,) = story.until(otp.events.Stuck).nodes

    assert (stuck.dn, stuck.incarnation) == ("root.a", 1)
    assert "in does_not_listen" in stuck.stack
    assert "gate.wait()" in stuck.stack
    assert system.node("root.a").stuck
    assert not system.node("root").stuck


def test_a_stuck_runnable_that_ends_after_all_is_started_again(stage, clock):
    gate = stage.gate()

    def late():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()
        otp.wait_canceled()

    system, story = stage.watch(stage.parent_of(a=late), clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    clock.advance(5)
    story.until(otp.events.Stuck)
    gate.set()
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert not system.node("root.a").stuck


def test_stop_reports_what_is_stuck_and_returns(stage, clock):
    gate = stage.gate()

    def does_not_listen():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    system, story = stage.watch(stage.parent_of(a=does_not_listen, b=stage.serve), clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    clock.advance(5)
    story.until(otp.events.Stuck)

    assert system.stop().unstopped == ("root.a",)
    assert story.rest()[-1].unstopped == ("root.a",)
    assert system.node("root.b").state is NodeState.CANCELED
    assert system.node("root").state is NodeState.CANCELED


def test_stop_waits_no_longer_than_the_shutdown_of_what_is_stuck(stage):
    gate = stage.gate()

    def does_not_listen():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    system = stage.start(stage.parent_of(a=otp.Child(does_not_listen, shutdown=0.05)))
    system.wait_healthy(5)

    assert system.stop().unstopped == ("root.a",)


def test_what_ends_after_the_stop_is_still_seen(stage):
    gate = stage.gate()

    def does_not_listen():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    system = stage.start(stage.parent_of(a=otp.Child(does_not_listen, shutdown=otp.BRUTAL_KILL)))
    system.wait_healthy(5)
    assert system.stop().unstopped == ("root.a",)
    thread = thread_named("root.a")
    gate.set()
    thread.join()

    assert system.node("root.a").state is NodeState.CANCELED
    assert not system.node("root.a").stuck
    assert system.stop().unstopped == ()


def test_a_busy_runnable_cannot_keep_the_tree_from_going_on(stage):
    gate = stage.gate()
    rounds = threading.Semaphore(0)

    def busy():
        otp.signal(otp.Signal.HEALTHY)
        while not gate.is_set():
            pass

    def restless():
        rounds.release()
        raise ValueError

    system = stage.start(
        stage.parent_of(busy=otp.Child(busy, shutdown=otp.BRUTAL_KILL), restless=restless),
        backoff=otp.Backoff(initial=0),
    )
    assert all(rounds.acquire(timeout=5) for _ in range(20))

    assert system.stop().unstopped == ("root.busy",)


def test_a_coroutine_that_swallows_its_cancel_is_stuck_where_it_awaits(stage, clock):
    async def swallows(released):
        otp.signal(otp.Signal.HEALTHY)
        while not released.done():
            try:
                await asyncio.shield(released)
            except asyncio.CancelledError:
                continue

    async def parent():
        released = asyncio.get_running_loop().create_future()
        loops.append((asyncio.get_running_loop(), released))
        otp.run("a", swallows, released)
        await stage.serve_async()

    loops = []
    system, story = stage.watch(parent, clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    clock.advance(5)
    (stuck,) = story.until(otp.events.Stuck).nodes
    loop, released = loops[0]
    loop.call_soon_threadsafe(released.set_result, None)
    story.until(otp.events.Started, "root.a", incarnation=2)

    assert "in swallows" in stuck.stack


def test_a_coroutine_that_blocks_the_event_loop_is_stuck_and_the_report_says_where_the_loop_is(stage, clock):
    gate = stage.gate()

    async def blocks_the_loop():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()
        await asyncio.get_running_loop().create_future()

    system, story = stage.watch(stage.parent_of(a=blocks_the_loop), clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    clock.advance(5)
    (stuck,) = story.until(otp.events.Stuck).nodes
    gate.set()

    assert "the event loop is in" in stuck.stack
    assert "in blocks_the_loop" in stuck.stack
    story.until(otp.events.Healthy, "root.a", incarnation=2)
