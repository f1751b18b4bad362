"""The event loop that all coroutines of a system share: one thread, which nothing in a runnable brings down."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import types
from contextlib import suppress

import pytest

import otp

HEALTHY = otp.Signal.HEALTHY


@types.coroutine
def turn():
    """Let everything else on the event loop have its turn."""
    yield


class Weird(BaseException):
    pass


ENDS = [SystemExit, KeyboardInterrupt, GeneratorExit, Weird, MemoryError, RecursionError]


def test_coroutines_of_a_system_share_one_daemon_thread_that_carries_a_name(bench):
    async def child():
        bench.say(threading.current_thread())
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    bench.run_all({"a": child, "b": child})
    one, other = bench.heard(), bench.heard()
    assert one is other
    assert one.daemon
    assert one.name == "root: event loop"


def test_two_systems_have_two_loops(bench):
    loops = []
    ready = threading.Semaphore(0)

    async def root():
        loops.append(asyncio.get_running_loop())
        otp.signal(HEALTHY)
        ready.release()
        await asyncio.Event().wait()

    with otp.System(root), otp.System(root):
        assert ready.acquire(timeout=30)
        assert ready.acquire(timeout=30)
        assert loops[0] is not loops[1]


def test_a_system_without_coroutines_has_no_loop(bench):
    def child():
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system = bench.run(child)
    system.wait_healthy(timeout=30)
    assert not any("event loop" in thread.name for thread in threading.enumerate())


def test_the_loop_is_closed_and_its_thread_is_gone_after_the_stop(bench):
    async def child():
        bench.say((asyncio.get_running_loop(), threading.current_thread()))
        await asyncio.to_thread(lambda: bench.say(threading.current_thread()))
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    loop, thread = bench.heard()
    in_executor = bench.heard()
    system.wait_healthy(timeout=30)
    system.stop()
    assert loop.is_closed()
    assert not thread.is_alive()
    assert not in_executor.is_alive()


@pytest.mark.parametrize("kind", ENDS)
def test_the_loop_survives_whatever_a_main_task_raises(bench, kind):
    async def bad():
        raise kind

    async def good():
        otp.signal(HEALTHY)
        bench.say(asyncio.get_running_loop())
        await asyncio.Event().wait()

    system = bench.run_all({"a": bad, "b": good})
    assert bench.await_event(otp.events.Died).error == kind.__name__
    loop = bench.heard()
    system.restart("root.b")
    assert bench.heard() is loop
    assert system.node("root.b").incarnation == 2


@pytest.mark.parametrize("kind", ENDS)
def test_the_loop_survives_whatever_a_subtask_raises(bench, kind):
    async def fail():
        raise kind

    async def bad():
        await asyncio.create_task(fail())

    async def good():
        otp.signal(HEALTHY)
        bench.say(asyncio.get_running_loop())
        await asyncio.Event().wait()

    system = bench.run_all({"a": bad, "b": good})
    assert bench.await_event(otp.events.Died).error == kind.__name__
    loop = bench.heard()
    system.restart("root.b")
    assert bench.heard() is loop


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_the_loop_survives_what_a_callback_raises(bench, kind):
    def callback():
        raise kind

    async def child():
        asyncio.get_running_loop().call_soon(callback)
        await turn()
        await turn()
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    assert system.node("root.a").state is otp.NodeState.HEALTHY


def test_the_loop_survives_being_stopped_by_a_runnable(bench):
    async def child():
        asyncio.get_running_loop().stop()
        await turn()
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert bench.await_event(otp.events.Healthy).incarnation == 2


def test_a_coroutine_that_blocks_the_loop_is_found_by_its_stack(bench):
    gate = bench.gate()

    async def blocker():
        otp.signal(HEALTHY)
        bench.say("blocking")
        gate.wait()  # what nobody should do in a coroutine

    async def patient():
        await asyncio.Event().wait()

    system = bench.run_all({"b": otp.Child(patient, shutdown=3.0), "a": otp.Child(blocker, shutdown=3.0)})
    assert bench.heard() == "blocking"
    system.restart("root.b")
    bench.await_event(otp.events.Canceling, None)
    bench.clock.advance(3.0)
    stuck = bench.await_event(otp.events.Stuck, None)
    assert [node.dn for node in stuck.nodes] == ["root.b"]
    stack = stuck.nodes[0].stack
    assert "in patient" in stack, "where the stuck one is"
    assert "in blocker" in stack, "and who holds the loop"
    assert "gate.wait()" in stack
    gate.set()
    assert bench.await_event(otp.events.Started, "root.b").incarnation == 2


def test_a_task_that_has_not_begun_says_so(bench):
    gate, second = bench.gate(), bench.gate()

    async def blocker():
        bench.say("blocking")
        gate.wait()
        await asyncio.Event().wait()

    async def never():
        raise AssertionError

    def starts_later():
        second.wait()
        otp.run("c", never, shutdown=3.0)
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system = bench.run_all({"a": blocker, "b": starts_later})
    assert bench.heard() == "blocking"
    second.set()
    bench.await_event(otp.events.Healthy, "root.b")
    system.restart("root.b.c")
    bench.await_event(otp.events.Canceling, None)
    bench.clock.advance(3.0)
    stack = bench.await_event(otp.events.Stuck, None).nodes[0].stack
    assert "(its task has not begun)" in stack
    assert "in blocker" in stack
    bench.system.request_stop()
    bench.await_event(otp.events.Stopping, None)
    gate.set()
    bench.await_event(otp.events.Canceled, "root.b.c")


def test_a_stuck_call_in_the_executor_is_shown_where_it_is(bench):
    gate = bench.gate()

    def hold_on():
        bench.say("holding")
        gate.wait()

    async def child():
        otp.signal(HEALTHY)
        await asyncio.to_thread(hold_on)

    system = bench.run(child, shutdown=3.0)
    assert bench.heard() == "holding"
    system.restart("root.a")
    bench.await_event(otp.events.Canceling, None)
    bench.clock.advance(3.0)
    assert "in hold_on" in bench.await_event(otp.events.Stuck, None).nodes[0].stack


def test_debug_mode_finds_nothing_to_complain_of(bench, monkeypatch, caplog):
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")

    async def sub():
        await turn()

    async def child():
        bench.say(asyncio.get_running_loop().get_debug())
        await asyncio.gather(sub(), asyncio.create_task(sub()))
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    assert bench.heard() is True
    bench.await_event(otp.events.Healthy)
    system.restart("root.a")
    bench.await_event(otp.events.Healthy)
    bench.close()
    complaints = [record for record in caplog.records if record.name == "asyncio" and "took" not in record.message]
    assert complaints == []


def test_a_coroutine_that_cannot_get_its_loop_is_dead(bench, monkeypatch):
    def no_thread(*args, **kwargs):
        message = "can't start new thread"
        raise RuntimeError(message)

    async def child():
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr("otp.backends.coroutine.UnwaitedThread.start", no_thread)

        def root():
            otp.run("a", child)
            otp.signal(HEALTHY)
            otp.wait_canceled()

        patch.setattr("otp.backends.thread._Running.start", threading.Thread.start)
        bench.run(child)
        assert bench.await_event(otp.events.Died).error == "RuntimeError: can't start new thread"
    bench.clock.advance(1.0)
    assert bench.await_event(otp.events.Healthy).incarnation == 2


@pytest.mark.parametrize("kind", [SystemExit, asyncio.CancelledError, ValueError])
def test_a_task_that_is_nobodys_cannot_keep_the_loop_open(bench, kind):
    async def nobodys():
        try:
            await asyncio.Event().wait()
        finally:
            raise kind

    async def child():
        loop = asyncio.get_running_loop()
        kept.append(loop.create_task(nobodys(), context=contextvars.Context()))
        await turn()
        bench.say((loop, threading.current_thread()))
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    kept = []
    system = bench.run(child)
    loop, thread = bench.heard()
    system.wait_healthy(timeout=30)
    system.stop()
    assert loop.is_closed()
    assert not thread.is_alive()
    with suppress(BaseException):
        kept.pop().exception()  # or asyncio would complain that nobody asked for it
