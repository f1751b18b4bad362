"""How work gets to the event loop of a system's coroutines: from any thread, in order, and with as few wakes as can be."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import types
from contextlib import contextmanager

import pytest

import otp

HEALTHY = otp.Signal.HEALTHY


@types.coroutine
def turn():
    """Let everything else on the event loop have its turn."""
    yield


class Wakes:
    """How often, and in which way, something was handed to an event loop; it is handed on."""

    def __init__(self, loop, monkeypatch):
        self.own: list[str] = []
        """Without waking it, by its own thread."""
        self.others: list[str] = []
        """By waking it."""
        for name, log in (("call_soon", self.own), ("call_soon_threadsafe", self.others)):
            monkeypatch.setattr(loop, name, self._noting(getattr(loop, name), log))

    @staticmethod
    def _noting(call, log):
        def noting(callback, *args, **kwargs):
            if getattr(callback, "__name__", "") == "_drain":
                log.append(threading.current_thread().name)
            return call(callback, *args, **kwargs)

        return noting


@contextmanager
def no_help_from_the_tree(system):
    """The loop of the tree sleeps in the block, however it is rung for: whoever has news has to do all the work."""
    loop = system._engine._loop
    wait, asleep, awake = loop._wait, threading.Event(), threading.Event()

    def sleep():
        asleep.set()
        awake.wait(timeout=30)
        wait()

    loop._wait = sleep
    loop._ring()
    assert asleep.wait(timeout=30)
    try:
        yield
    finally:
        loop._wait = wait
        awake.set()


def test_what_is_posted_while_the_loop_is_busy_wakes_it_once_and_is_done_in_order(bench, monkeypatch):
    gate, done = bench.gate(), []

    async def busy():
        otp.signal(HEALTHY)
        await turn()
        bench.say(asyncio.get_running_loop())
        gate.wait()
        await asyncio.Event().wait()

    system = bench.run(busy)
    wakes = Wakes(bench.heard(), monkeypatch)
    backend = system._engine._coroutines
    for number in range(100):
        backend.post(lambda number=number: done.append(number))
    backend.post(lambda: bench.say("done"))
    assert done == []
    gate.set()
    assert bench.heard() == "done"

    assert done == list(range(100))
    assert wakes.others == [threading.current_thread().name]
    assert wakes.own == []


def test_what_is_posted_while_others_are_being_done_is_done_too(bench):
    async def child():
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    backend = system._engine._coroutines

    def post_from_elsewhere():
        poster = threading.Thread(target=backend.post, args=(lambda: bench.say("second"),))
        poster.start()
        poster.join()
        backend.post(lambda: bench.say("third"))
        bench.say("first")

    backend.post(post_from_elsewhere)

    assert [bench.heard() for _ in range(3)] == ["first", "second", "third"]


def test_the_loop_is_woken_again_once_it_has_looked(bench, monkeypatch):
    async def child():
        otp.signal(HEALTHY)
        bench.say(asyncio.get_running_loop())
        await asyncio.Event().wait()

    system = bench.run(child)
    loop = bench.heard()
    bench.await_event(otp.events.Healthy)
    wakes = Wakes(loop, monkeypatch)
    backend = system._engine._coroutines
    for number in range(3):
        backend.post(lambda number=number: bench.say(number))
        assert bench.heard() == number

    assert wakes.others == [threading.current_thread().name] * 3


def test_what_many_threads_post_at_once_is_all_done(bench):
    async def child():
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    backend = system._engine._coroutines
    counts = [0] * 4

    def post(number):
        def count():
            counts[number] += 1

        for _ in range(1000):
            backend.post(count)
        backend.post(lambda: bench.say(number))

    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        posters = [threading.Thread(target=post, args=(number,)) for number in range(4)]
        for poster in posters:
            poster.start()
        for poster in posters:
            poster.join(timeout=30)
        assert sorted(bench.heard() for _ in posters) == [0, 1, 2, 3]
    finally:
        sys.setswitchinterval(switching)

    assert counts == [1000] * 4


def test_a_coroutine_that_dies_starts_again_without_anybody_waking_its_loop(bench, monkeypatch):
    deaths = []

    async def a():
        dies = asyncio.get_running_loop().create_future()
        deaths.append(dies)
        otp.signal(HEALTHY)
        bench.say((asyncio.get_running_loop(), otp.current().incarnation))
        await dies
        raise ValueError

    system = bench.run(a, backoff=otp.Backoff(initial=0))
    loop, _ = bench.heard()
    bench.await_event(otp.events.Healthy)
    system.wait_settled(timeout=30)
    wakes = Wakes(loop, monkeypatch)
    with no_help_from_the_tree(system):
        loop.call_soon_threadsafe(deaths.pop().set_result, None)
        assert bench.heard() == (loop, 2)

    assert wakes.own == []
    assert wakes.others == []


def test_a_coroutine_that_is_canceled_by_its_neighbour_s_death_is_told_without_a_wake(bench, monkeypatch):
    deaths = []

    async def dies():
        dies = asyncio.get_running_loop().create_future()
        deaths.append(dies)
        otp.signal(HEALTHY)
        bench.say(asyncio.get_running_loop())
        await dies
        raise ValueError

    async def follows():
        otp.signal(HEALTHY)
        try:
            await asyncio.Event().wait()
        finally:
            bench.say("canceled")

    def pair():
        otp.run_group({"dies": dies, "follows": follows})
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system = bench.run(pair)
    loop = bench.heard()
    bench.await_event(otp.events.Healthy, "root.a.follows")
    system.wait_settled(timeout=30)
    wakes = Wakes(loop, monkeypatch)
    with no_help_from_the_tree(system):
        loop.call_soon_threadsafe(deaths.pop().set_result, None)
        assert bench.heard() == "canceled"

    assert wakes.own == ["root: event loop"]
    assert wakes.others == []


def test_callbacks_of_the_backend_run_in_the_context_of_nobody(bench):
    """None of whoever posted: it would be kept, and would be the owner of tasks."""

    async def child():
        otp.signal(HEALTHY)
        await asyncio.Event().wait()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    mine = contextvars.ContextVar("mine", default="nobody's")
    mine.set("mine")
    system._engine._coroutines.post(lambda: bench.say(mine.get()))

    assert bench.heard() == "nobody's"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_raises_while_it_is_done_does_not_hold_up_what_was_posted_after_it(bench, kind):
    gate = bench.gate()

    async def busy():
        otp.signal(HEALTHY)
        bench.say("busy")
        gate.wait()
        await asyncio.Event().wait()

    def raises():
        raise kind

    system = bench.run(busy)
    assert bench.heard() == "busy"
    backend, done = system._engine._coroutines, threading.Event()
    backend.post(raises)
    backend.post(done.set)
    gate.set()
    asyncio.run_coroutine_threadsafe(sleepless(3), backend._loop).result(timeout=30)

    assert done.is_set()


async def sleepless(turns):
    for _ in range(turns):
        await turn()
