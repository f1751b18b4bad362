"""Tasks that a coroutine makes are its own: canceled when it ends, and its end is reported when they have ended."""

from __future__ import annotations

import asyncio
import contextlib
import types

import pytest

import otp

HEALTHY, DONE = otp.Signal.HEALTHY, otp.Signal.DONE


def worker(bench, name="task"):
    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            bench.say(f"{name} canceled")
            raise

    return work()


@types.coroutine
def begun():
    """Let the tasks made so far have their turn."""
    yield


def by_create_task(bench, kept):
    kept.append(asyncio.create_task(worker(bench)))


def by_ensure_future(bench, kept):
    kept.append(asyncio.ensure_future(worker(bench)))


def by_gather(bench, kept):
    kept.append(asyncio.gather(worker(bench)))


def by_call_soon(bench, kept):
    asyncio.get_running_loop().call_soon(lambda: kept.append(asyncio.create_task(worker(bench))))


def by_a_task(bench, kept):
    async def middle():
        kept.append(asyncio.create_task(worker(bench)))

    kept.append(asyncio.create_task(middle()))


@pytest.mark.parametrize("make", [by_create_task, by_ensure_future, by_gather, by_call_soon, by_a_task])
def test_a_task_left_behind_is_canceled_before_the_end_is_reported(bench, make):
    kept = []

    async def child():
        make(bench, kept)
        for _ in range(5):
            await begun()
        otp.signal(HEALTHY)
        otp.signal(DONE)

    bench.run(child)
    bench.await_event(otp.events.Done)
    assert bench.heard() == "task canceled"
    assert bench.silent
    assert all(task.done() for task in kept)


def test_a_task_group_is_canceled_with_its_coroutine(bench):
    async def child():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker(bench, "one"))
            group.create_task(worker(bench, "two"))
            await begun()
            otp.signal(HEALTHY)

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert bench.await_event(otp.events.Canceled).error is None
    assert {bench.heard(), bench.heard()} == {"one canceled", "two canceled"}


def test_a_failure_in_a_task_group_is_the_death_of_its_coroutine(bench):
    async def fail():
        message = "in a subtask"
        raise ValueError(message)

    async def child():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker(bench))
            await begun()
            group.create_task(fail())

    bench.run(child)
    died = bench.await_event(otp.events.Died)
    assert died.error.startswith("ExceptionGroup: unhandled errors in a TaskGroup")
    assert "ValueError: in a subtask" in died.traceback
    assert bench.heard() == "task canceled"


def test_a_task_made_while_the_others_are_torn_down_is_canceled_too(bench):
    kept = []

    async def reluctant():
        try:
            await asyncio.Event().wait()
        finally:
            kept.append(asyncio.create_task(worker(bench, "late")))
            await begun()
            bench.say("cleaned up")

    async def child():
        kept.append(asyncio.create_task(reluctant()))
        await begun()
        otp.signal(HEALTHY)
        otp.signal(DONE)

    bench.run(child)
    bench.await_event(otp.events.Done)
    assert bench.heard() == "cleaned up"
    assert bench.silent, "the late task was canceled before it began"
    assert kept[1].cancelled()


def test_a_clean_up_that_awaits_is_waited_for(bench):
    async def tidy():
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):
                await begun()
            bench.say("tidy")

    async def child():
        task = asyncio.create_task(tidy())
        await begun()
        otp.signal(HEALTHY)
        otp.signal(DONE)
        bench.say(task.done())

    bench.run(child)
    bench.await_event(otp.events.Done)
    assert [bench.heard(), bench.heard()] == [False, "tidy"]


def test_a_task_that_swallows_its_cancel_keeps_its_node_from_ending(bench):
    async def deaf(release):
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    releases = []
    tasks = []

    async def child():
        release = asyncio.Event()
        releases.append((asyncio.get_running_loop(), release))
        tasks.append(asyncio.create_task(deaf(release)))
        await begun()
        otp.signal(HEALTHY)
        otp.signal(DONE)
        bench.say("returned")

    system = bench.run(child, shutdown=3.0)
    assert bench.heard() == "returned"
    bench.await_event(otp.events.Healthy)
    assert system.node("root.a").state is otp.NodeState.HEALTHY
    system.restart("root.a")
    bench.await_event(otp.events.Canceling, None)
    bench.clock.advance(3.0)
    stuck = bench.await_event(otp.events.Stuck, None)
    assert [node.dn for node in stuck.nodes] == ["root.a"]
    assert "in deaf" in stuck.nodes[0].stack
    assert system.node("root.a").stuck
    loop, release = releases[0]
    loop.call_soon_threadsafe(release.set)
    assert bench.heard() == "returned", "of the second incarnation"
    loop.call_soon_threadsafe(releases[1][1].set)
    assert bench.await_event(otp.events.Done).incarnation == 2


def test_an_exception_of_a_task_that_nobody_awaits_is_no_death(bench):
    problems = []

    async def fail():
        raise ValueError

    async def child():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context["message"]))
        task = asyncio.create_task(fail())
        await begun()
        await begun()
        del task
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    assert system.node("root.a").state is otp.NodeState.HEALTHY
    bench.close()
    assert problems == ["Task exception was never retrieved"]


def test_an_async_generator_left_behind_is_closed_with_the_loop(bench):
    kept = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            bench.say("closed")

    async def child():
        generator = numbers()
        kept.append(generator)  # or the collector would close it
        bench.say(await anext(generator))
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    bench.run(child)
    bench.await_event(otp.events.Healthy)
    assert bench.heard() == 1
    assert bench.silent
    bench.close()
    assert bench.heard() == "closed"


def test_an_async_generator_in_use_is_closed_by_the_cancel(bench):
    async def ticks():
        try:
            while True:
                yield None
                await asyncio.Event().wait()
        finally:
            bench.say("closed")

    async def child():
        async with contextlib.aclosing(ticks()) as generator:
            async for _ in generator:
                otp.signal(HEALTHY)

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert bench.await_event(otp.events.Canceled).error is None
    assert bench.heard() == "closed"


def test_timeouts_of_asyncio_work_inside(bench):
    async def child():
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            bench.say("timeout")
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        except TimeoutError:
            bench.say("wait_for")
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    assert [bench.heard(), bench.heard()] == ["timeout", "wait_for"]
    bench.await_event(otp.events.Healthy)
    assert system.node("root.a").state is otp.NodeState.HEALTHY


def test_a_cancel_goes_through_timeout_and_shield(bench):
    async def child():
        otp.signal(HEALTHY)
        async with asyncio.timeout(3600):
            await asyncio.shield(worker(bench, "shielded"))

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert bench.await_event(otp.events.Canceled).error is None
    assert bench.heard() == "shielded canceled"


def test_a_subtask_calls_the_facade_as_its_coroutine(bench):
    async def sub():
        bench.say(otp.current().dn)

    async def child():
        await asyncio.gather(asyncio.create_task(sub()), asyncio.to_thread(lambda: bench.say(otp.current().dn)))
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    bench.run(child)
    assert [bench.heard(), bench.heard()] == ["root.a", "root.a"]


def test_tasks_of_two_coroutines_are_told_apart(bench):
    async def child(name):
        task = asyncio.create_task(worker(bench, name))
        await begun()
        otp.signal(HEALTHY)
        await task

    system = bench.run_all({"a": otp.Child(child, "a"), "b": otp.Child(child, "b")})
    system.wait_healthy(timeout=30)
    system.restart("root.a")
    bench.await_event(otp.events.Canceled)
    assert bench.heard() == "a canceled"
    assert bench.silent
    assert system.node("root.b").incarnation == 1


def test_a_death_by_somebody_elses_cancel_shows_where_it_struck(bench):
    async def awaits_what_another_cancels():
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    bench.run(awaits_what_another_cancels)
    died = bench.await_event(otp.events.Died)
    assert died.error == "left as if it had been canceled, but it was not"
    assert "in awaits_what_another_cancels" in died.traceback
    assert "in _outcome" not in died.traceback
