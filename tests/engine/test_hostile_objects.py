"""Objects of users that fight back when anybody looks at them: nobody does, or nothing comes of it."""

from __future__ import annotations

import asyncio
import functools
import threading
import types

import pytest

import otp
from otp import NodeState


class Hostility(BaseException):
    """What hostile objects raise, so that an `except Exception` does not hide it."""


def refuse(*_args, **_kwargs):
    raise Hostility


class Hostile:
    """Raises whatever is asked of it, but for being called."""

    __repr__ = __str__ = __eq__ = __hash__ = __bool__ = __len__ = __format__ = __iter__ = refuse
    __enter__ = __exit__ = __getstate__ = __reduce_ex__ = refuse


class HostileRunnable(Hostile):
    def __call__(self):
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        return Hostile()


class HostileError(Exception):
    __repr__ = __str__ = __eq__ = __hash__ = __bool__ = __len__ = __format__ = refuse


class HostileCauseError(Exception):
    """Does not even tell where it comes from."""

    __cause__ = __context__ = __notes__ = __suppress_context__ = property(refuse)


class HostileTracebackError(Exception):
    __traceback__ = property(refuse)


class HostileClassError(Exception):
    __class__ = property(refuse)


class HostileAttributesError(Exception):
    __getattribute__ = refuse


class HostileMeta(type):
    __getattribute__ = __repr__ = refuse


def of_a_hostile_type():
    """Made where it is raised: pytest looks at all there is in a module."""
    return types.new_class("HostileType", (Exception,), {"metaclass": HostileMeta})()


HOSTILE_ERRORS = {
    "a hostile message": HostileError,
    "a hostile cause": HostileCauseError,
    "a hostile traceback": HostileTracebackError,
    "a hostile class": HostileClassError,
    "hostile attributes": HostileAttributesError,
    "a hostile type": of_a_hostile_type,
    "a group of them": lambda: ExceptionGroup("all", [HostileError(), HostileCauseError(), HostileTracebackError()]),
    "hostile arguments": lambda: ValueError(Hostile()),
}


def test_hostile_runnables_and_arguments_live_a_normal_life(stage):
    def with_arguments(*arguments):
        assert len(arguments) == 2
        stage.serve()

    def root():
        otp.run("runnable", HostileRunnable())
        otp.run("arguments", with_arguments, Hostile(), Hostile())
        otp.run("partial", functools.partial(with_arguments, Hostile()), Hostile())
        stage.serve()

    system, story = stage.watch(root)
    system.wait_healthy(5)
    system.restart("root.arguments")
    system.restart("root.partial")
    story.until(otp.events.Healthy, "root.partial", incarnation=2)
    system.wait_healthy(5)

    assert [child.incarnation for child in system.tree().children] == [1, 2, 2]
    assert system.stop().unstopped == ()


def test_a_hostile_result_is_a_death_like_any_other(stage):
    def returns_it():
        return HostileRunnable()

    async def returns_it_too():
        return HostileRunnable()

    _, story = stage.watch(stage.parent_of(a=returns_it, b=returns_it_too))
    errors = {died.dn: died.error for died in (story.until(otp.events.Died), story.until(otp.events.Died))}

    assert errors == dict.fromkeys(("root.a", "root.b"), "returned without having signaled DONE")


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
@pytest.mark.parametrize("error", HOSTILE_ERRORS.values(), ids=HOSTILE_ERRORS)
def test_a_hostile_exception_is_a_death_like_any_other(stage, kind, error):
    def plain():
        if otp.current().incarnation == 1:
            raise error()
        stage.serve()

    async def coroutine():
        if otp.current().incarnation == 1:
            raise error()
        await stage.serve_async()

    root = stage.parent_of(a=plain if kind == "thread" else coroutine, b=stage.serve_async)
    system, story = stage.watch(root, backoff=otp.Backoff(initial=0))
    died = story.until(otp.events.Died, "root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)
    system.wait_healthy(5)

    assert died.error
    assert system.node("root.b").incarnation == 1


def test_a_message_that_is_never_finished_holds_up_its_own_node_only(stage):
    gate = stage.gate()

    class EndlessError(Exception):
        def __str__(self):
            gate.wait()
            return "at last"

    def dies():
        otp.signal(otp.Signal.HEALTHY)
        raise EndlessError

    system, story = stage.watch(stage.parent_of(a=otp.Child(dies, shutdown=0.0), b=stage.serve))
    story.until(otp.events.Healthy, "root.a")
    system.restart("root.b")
    story.until(otp.events.Healthy, "root.b", incarnation=2)
    system.restart("root.a")
    (stuck,) = story.until(otp.events.Stuck).nodes

    assert stuck.dn == "root.a"
    assert "in __str__" in stuck.stack
    gate.set()
    story.until(otp.events.Started, "root.a", incarnation=2)


class Awaited:
    """Waits as a future does, and refuses to tell what for."""

    def __init__(self, gate, futures):
        self.gate = gate
        self.futures = futures

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.gate.is_set():
            raise StopIteration
        future = asyncio.get_running_loop().create_future()
        future._asyncio_future_blocking = True
        self.futures.append(future)
        return future

    def throw(self, *error):
        raise error[0]

    def __getattr__(self, name):
        raise Hostility


class Mirror(Awaited):
    """Tells that it awaits itself."""

    def __getattr__(self, name):
        return self


def test_a_stuck_coroutine_that_awaits_something_hostile_is_reported_too(stage, clock):
    async def awaits(awaited):
        otp.signal(otp.Signal.HEALTHY)
        while not gate.is_set():
            try:
                await awaited
            except asyncio.CancelledError:
                # called when this task, and the other one before it, waits again
                asyncio.get_running_loop().call_soon(canceled.release)

    gate, futures, canceled = stage.gate(), [], threading.Semaphore(0)
    root = stage.parent_of(a=otp.Child(awaits, Awaited(gate, futures)), b=otp.Child(awaits, Mirror(gate, futures)))
    system, story = stage.watch(root, clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    system.restart("root.b")
    assert canceled.acquire(timeout=5)
    assert canceled.acquire(timeout=5)
    clock.advance(5)
    stuck = [story.until(otp.events.Stuck) for _ in range(2)]
    gate.set()
    for future in futures[2:]:  # the first two have been canceled
        future.get_loop().call_soon_threadsafe(future.set_result, None)

    assert [node.dn for event in stuck for node in event.nodes] == ["root.a", "root.b"]
    assert all("in awaits" in node.stack for event in stuck for node in event.nodes)


def test_a_name_that_only_looks_like_one_is_refused_before_anything_starts(stage):
    class Name(str):
        __slots__ = ()

    refused = []

    def root():
        try:
            otp.run(Name("a"), stage.serve)
        except otp.InvalidNameError as error:
            refused.append(str(error))
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(5)

    assert refused == ["root cannot have a child named by a Name: a name is a str of 1 to 64 of A-Z, a-z, 0-9, _ and -"]
    assert system.tree().children == ()


def test_a_propagating_system_raises_a_hostile_exception_as_it_is(stage):
    error = HostileError()

    def dies():
        raise error

    system = stage.start(dies, propagate=True)
    with pytest.raises(HostileError) as raised:
        system.join(5)

    assert raised.value is error
    assert system.tree().state is NodeState.DEAD
