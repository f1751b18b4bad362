"""A runnable may raise whatever there is: it is a death of that node, and of nothing else (R5, R13)."""

from __future__ import annotations

import asyncio

import pytest

import otp
from otp import NodeState


class Own(BaseException):
    pass


RAISED = [
    SystemExit(3),
    SystemExit("text"),
    KeyboardInterrupt(),
    GeneratorExit(),
    Own("own"),
    MemoryError(),
    RecursionError(),
    StopIteration(),
    ExceptionGroup("several", [ValueError(1), OSError(2)]),
    BaseExceptionGroup("worse", [KeyboardInterrupt(), SystemExit()]),
]
EITHER_KIND = pytest.mark.parametrize("kind", ["thread", "coroutine"])


def raising(kind, make):
    """A runnable of that kind that raises what `make` gives; only its first incarnation does."""

    def first():
        return otp.current().incarnation == 1

    def plain():
        if first():
            raise make()
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    async def coroutine():
        if first():
            raise make()
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.get_running_loop().create_future()

    return plain if kind == "thread" else coroutine


@EITHER_KIND
@pytest.mark.parametrize("exception", RAISED, ids=repr)
def test_whatever_a_runnable_raises_is_its_death_and_it_is_started_again(stage, kind, exception):
    def make():
        return type(exception)(*exception.args)

    root = stage.parent_of(sibling=stage.serve, async_sibling=stage.serve_async, a=raising(kind, make))
    system, story = stage.watch(root, backoff=otp.Backoff(initial=0))
    died = story.until(otp.events.Died)
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    # Python itself turns a StopIteration that leaves a coroutine into a RuntimeError
    turned = kind == "coroutine" and isinstance(exception, StopIteration)
    assert died.dn == "root.a"
    assert died.error.startswith("RuntimeError" if turned else type(exception).__name__)
    system.wait_healthy(5)
    assert {node.dn: node.incarnation for node in system.tree().children} == {
        "root.sibling": 1,
        "root.async_sibling": 1,
        "root.a": 2,
    }


@EITHER_KIND
@pytest.mark.parametrize("leaving", [otp.Canceled, asyncio.CancelledError])
def test_leaving_as_if_it_had_been_canceled_is_a_death_that_says_so(stage, kind, leaving):
    system, story = stage.watch(stage.parent_of(a=raising(kind, leaving)), backoff=otp.Backoff(initial=0))
    died = story.until(otp.events.Died, "root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert died.error == "left as if it had been canceled, but it was not"
    assert died.traceback.rstrip().endswith(leaving.__name__)
    assert system.node("root.a").incarnation == 2


@EITHER_KIND
@pytest.mark.parametrize("leaving", [otp.Canceled, asyncio.CancelledError])
def test_leaving_when_canceled_is_no_error(stage, kind, leaving):
    def plain():
        stage.serve()
        raise leaving

    async def coroutine():
        try:
            await stage.serve_async()
        except asyncio.CancelledError:
            raise leaving from None

    system, story = stage.watch(stage.parent_of(a=plain if kind == "thread" else coroutine))
    system.wait_healthy(5)
    system.restart("root.a")
    canceled = story.until(otp.events.Canceled, "root.a")

    assert canceled.error is None


@EITHER_KIND
@pytest.mark.parametrize("exception", RAISED, ids=repr)
def test_raising_when_canceled_is_no_death_but_is_told(stage, kind, exception):
    def make():
        return type(exception)(*exception.args)

    def plain():
        stage.serve()
        raise make()

    async def coroutine():
        try:
            await stage.serve_async()
        except asyncio.CancelledError:
            raise make() from None

    system, story = stage.watch(stage.parent_of(a=plain if kind == "thread" else coroutine))
    system.wait_healthy(5)
    system.restart("root.a")
    canceled = story.until(otp.events.Canceled, "root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert canceled.error
    assert canceled.traceback.startswith(("Traceback", "  + Exception Group Traceback"))
    assert story.of(otp.events.Died) == []


@pytest.mark.parametrize("exception", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_the_event_loop_survives_what_ends_event_loops(stage, exception):
    """In a task of a runnable, that is: asyncio hands these two to whoever runs the loop."""

    async def breaks_the_loop():
        otp.signal(otp.Signal.HEALTHY)

        async def task():
            raise exception

        await asyncio.wait([asyncio.create_task(task())])
        otp.signal(otp.Signal.DONE)

    system, story = stage.watch(stage.parent_of(a=breaks_the_loop, b=stage.serve_async))
    story.until(otp.events.Done, "root.a")
    system.wait_healthy(5)

    assert system.node("root.b").state is NodeState.HEALTHY
    assert system.node("root.b").incarnation == 1


def test_an_exception_that_is_its_own_cause_is_reported(stage):
    def loops():
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__context__ = second, first
        raise first

    system, story = stage.watch(stage.parent_of(a=loops))
    died = story.until(otp.events.Died, "root.a")

    assert died.error == "ValueError: first"
    assert system.node("root.a").state is NodeState.DEAD


def test_a_message_of_many_lines_is_one_line_of_an_error(stage):
    def verbose():
        raise ValueError("one\ntwo\n" + "x" * 10_000)

    _, story = stage.watch(stage.parent_of(a=verbose))
    died = story.until(otp.events.Died, "root.a")

    assert died.error.startswith("ValueError: one two xxx")
    assert len(died.error) == 1_000
    assert "one\ntwo" in died.traceback


def test_a_runnable_whose_recursion_is_too_deep_dies_of_it(stage):
    def recurses():
        recurses()

    _, story = stage.watch(stage.parent_of(a=recurses))
    died = story.until(otp.events.Died, "root.a")

    assert died.error.startswith("RecursionError: maximum recursion depth exceeded")
