"""Which backend runs what: whatever gives a coroutine when called goes to the event loop, all else gets a thread."""

from __future__ import annotations

import asyncio
import functools
import threading
import types

import pytest

import otp
from otp.child import is_async


@types.coroutine
def turn():
    """Let everything else on the event loop have its turn."""
    yield


async def plain_async(word="none"):
    await turn()
    return word


def plain(word="none"):
    return word


class Service:
    async def serve(self):
        await turn()

    @classmethod
    async def of_class(cls):
        await turn()

    @staticmethod
    async def static():
        await turn()

    def work(self):
        pass


class AsyncCall:
    async def __call__(self):
        await turn()


class PlainCall:
    def __call__(self):
        pass


class Meta(type):
    async def __call__(cls):
        """Called for a class; what it makes is another matter."""


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@pytest.mark.parametrize(
    "runnable",
    [
        plain_async,
        functools.partial(plain_async, "word"),
        functools.partial(functools.partial(plain_async), "word"),
        Service().serve,
        Service.of_class,
        Service.static,
        functools.partial(Service().serve),
        AsyncCall(),
        functools.partial(AsyncCall()),
    ],
)
def test_what_gives_a_coroutine_is_asynchronous(runnable):
    assert is_async(runnable)


@pytest.mark.parametrize(
    "runnable",
    [plain, functools.partial(plain), Service().work, PlainCall(), PlainCall, AsyncCall, lambda: None, print, Service],
)
def test_what_does_not_gets_a_thread(runnable):
    assert not is_async(runnable)


@pytest.mark.parametrize(
    ("runnable", "backend"),
    [
        (functools.partial(plain_async, "word"), "coroutine"),
        (Service().serve, "coroutine"),
        (AsyncCall(), "coroutine"),
        (Service().work, "thread"),
        (PlainCall(), "thread"),
    ],
)
def test_each_kind_of_callable_runs_to_its_end(bench, runnable, backend):
    system = bench.run(runnable, restart=otp.Restart.TRANSIENT)
    bench.await_event(otp.events.Done)
    assert system.node("root.a").backend == backend


def test_a_plain_function_that_returns_an_awaitable_dies_of_it_and_is_told_what_to_do(bench):
    """And Python does not warn of a coroutine that was never awaited: warnings are errors here."""
    bench.run(decorated(plain_async))
    died = bench.await_event(otp.events.Died)
    assert died.error == (
        "TypeError: the runnable returned an awaitable that nobody awaits: make it `async def` for it to run on the "
        "event loop"
    )


def test_any_other_awaitable_is_refused_too(bench):
    class Awaitable:
        def __await__(self):
            raise AssertionError

    bench.run(Awaitable)  # calling the class gives an awaitable
    assert bench.await_event(otp.events.Died).error.startswith("TypeError: the runnable returned an awaitable")


def test_an_async_root_is_a_root_like_any_other():
    async def child():
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.Event().wait()

    async def root(name):
        otp.run(name, child)
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.Event().wait()

    with otp.System(root, "c") as system:
        system.wait_healthy(timeout=30)
        assert [(node.dn, node.backend) for node in system.tree().walk()] == [
            ("root", "coroutine"),
            ("root.c", "coroutine"),
        ]


def test_a_thread_may_run_an_event_loop_of_its_own(bench):
    async def serve():
        bench.say(otp.current().dn)
        with pytest.raises(otp.BlockingCallError):
            otp.sleep(1)
        await turn()

    def child():
        asyncio.run(serve())
        bench.say(threading.current_thread().name)

    bench.run(child, restart=otp.Restart.TRANSIENT)
    bench.await_event(otp.events.Done)
    assert [bench.heard(), bench.heard()] == ["root.a", "root.a"]
