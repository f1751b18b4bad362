"""Streams of events: they end with the system, and who reads slowly loses something and knows how much."""

from __future__ import annotations

import asyncio
import threading

import pytest

import otp
from otp import streams
from otp.logs.lifecycle import LifecycleLog
from otp.streams import EventStream, Publisher
from otp.tree import outlet
from otp.tree.stream import Stream


@pytest.fixture
def made(monkeypatch):
    """All events that were made, whether or not anybody reads them."""
    log = []
    make = Publisher._event

    def noting(publisher, report):
        log.append(make(publisher, report))
        return log[-1]

    monkeypatch.setattr(Publisher, "_event", noting)
    return log


@pytest.fixture
def lines(monkeypatch):
    """What the log of any tree has been written."""
    written = []

    def write(_log, _level, dn, incarnation, message, *_details, **_options):
        written.append((dn, incarnation, message))

    monkeypatch.setattr(LifecycleLog, "_write", write)
    return written


@pytest.fixture
def narrow(monkeypatch):
    """Ten events wait for a reader, not ten thousand."""
    monkeypatch.setattr(streams, "_BOUND", 10)


def test_a_reader_that_stands_still_loses_the_oldest_events_and_holds_up_nobody(stage, narrow):
    system, story = stage.watch(stage.parent_of(a=stage.serve))
    slow = system.events()
    for incarnation in range(1, 21):
        story.until(otp.events.Healthy, "root.a", incarnation=incarnation)
        system.restart("root.a")
    system.stop()
    story.rest()
    kept = list(slow)

    assert len(kept) == 10
    assert kept == story.seen[-10:]
    assert slow.missed >= 20 * 4 - 10


def test_a_reader_that_keeps_up_misses_nothing(stage, narrow):
    system, story = stage.watch(stage.parent_of(a=stage.serve))
    for incarnation in range(1, 21):
        story.until(otp.events.Healthy, "root.a", incarnation=incarnation)
        system.restart("root.a")

    assert story.stream.missed == 0


def test_a_stream_ends_with_the_system_for_every_reader(stage):
    system, story = stage.watch(stage.serve)
    ends = []
    readers = [threading.Thread(target=lambda: ends.append(list(system.events())[-1])) for _ in range(4)]
    for reader in readers:
        reader.start()
    system.wait_healthy(5)
    system.stop()
    for reader in readers:
        reader.join()

    assert [type(end) for end in ends] == [otp.events.Stopped] * len(readers)
    assert isinstance(story.rest()[-1], otp.events.Stopped)
    assert story.stream.closed


def test_a_stream_of_a_system_that_has_stopped_is_at_its_end(stage):
    system = stage.start(stage.serve)
    system.stop()
    stream = system.events()

    assert stream.closed
    assert list(stream) == []


def test_a_stream_begins_when_it_is_asked_for(stage):
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    system._engine.flush()
    stream = system.events()
    system.restart("root.a")

    assert type(next(stream)) is otp.events.Canceling


def test_a_closed_stream_ends_for_who_waits_and_the_others_read_on(stage):
    system, story = stage.watch(stage.serve)
    stream = system.events()
    system.wait_healthy(5)
    read = []
    reader = threading.Thread(target=lambda: read.extend(stream))
    reader.start()
    stream.close()
    reader.join()
    system.stop()

    assert all(isinstance(event, otp.events.Event) for event in read)
    assert isinstance(story.rest()[-1], otp.events.Stopped)


def test_a_stream_is_closed_by_with(stage):
    system = stage.start(stage.serve)
    with system.events() as stream:
        assert not stream.closed
    system.wait_healthy(5)

    assert stream.closed
    assert list(stream) == []


def test_a_closed_stream_is_not_kept(stage):
    system = stage.start(stage.serve)
    for _ in range(100):
        system.events().close()
    open_stream = system.events()
    system._engine.flush()

    assert system._engine._publisher._streams[-1] is open_stream
    assert len(system._engine._publisher._streams) <= 2


def test_events_are_read_from_an_event_loop_without_blocking_it(stage):
    async def watch():
        system = stage.system(stage.parent_of(a=stage.serve))
        stream = system.events()
        async with system:
            seen = []
            async for event in stream:
                seen.append(event)
                if isinstance(event, otp.events.Healthy) and event.dn == "root":
                    system.request_stop()
            return seen

    seen = asyncio.run(watch())
    assert isinstance(seen[-1], otp.events.Stopped)
    assert [event.dn for event in seen if isinstance(event, otp.events.Started)] == ["root", "root.a"]


def test_two_tasks_may_read_one_stream_and_each_event_goes_to_one_of_them():
    async def read(stream):
        return [thing async for thing in stream]

    async def both():
        stream = Stream(100)
        readers = [asyncio.create_task(read(stream)) for _ in range(2)]

        def source():
            for number in range(50):
                stream.push(number)
            stream.end()

        await asyncio.to_thread(source)
        return await asyncio.gather(*readers)

    first, second = asyncio.run(both())
    assert sorted(first + second) == list(range(50))


def test_a_reader_that_was_canceled_leaves_nothing_behind():
    async def give_up():
        stream = EventStream()
        waiting = asyncio.create_task(anext(stream))
        while not stream._wakers:
            await asyncio.wait([waiting], timeout=0.001)
        waiting.cancel()
        await asyncio.wait([waiting])
        return stream

    assert asyncio.run(give_up())._wakers == set()


def test_a_reader_whose_event_loop_was_closed_costs_the_source_nothing():
    stream = Stream(100)
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(anext(stream))
    loop.call_soon(loop.call_soon, loop.stop)
    loop.run_forever()
    assert len(stream._wakers) == 1
    loop.close()
    stream.push("thing")

    assert next(stream) == "thing"
    waiting._log_destroy_pending = False


def test_what_waits_when_the_source_ends_can_still_be_read():
    stream = Stream(100)
    stream.push(1)
    stream.end()
    stream.push(2)

    assert stream.closed
    assert list(stream) == [1]


def test_what_waits_when_the_reader_closes_is_gone():
    stream = Stream(100)
    stream.push(1)
    stream.close()
    stream.push(2)

    assert list(stream) == []
    assert stream.missed == 0


# --- where nobody listens


def test_where_nobody_listens_no_event_is_made_that_the_log_has_no_line_for(stage, made):
    system = stage.start(stage.parent_of(a=stage.serve, b=stage.serve))
    system.wait_healthy(5)
    system._engine.flush()
    assert made == []
    system.stop()

    assert [type(event) for event in made] == [otp.events.Stopped]


def test_what_the_log_has_a_line_for_is_made_whether_or_not_anybody_listens(stage, made, clock):
    may_go = stage.gate()

    def until(kind):
        while not any(isinstance(event, kind) for event in made):
            system.tree()
            system._engine.flush()

    def dies_once():
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            raise ValueError
        otp.wait_canceled()

    def raises_when_canceled():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        if otp.current().incarnation == 1:
            may_go.wait(5)
            raise KeyError

    def ends():
        raise ValueError

    system = stage.start(
        stage.parent_of(
            a=dies_once,
            b=raises_when_canceled,
            c=otp.Child(ends, restart=otp.Restart.TEMPORARY),
        ),
        backoff=otp.Backoff(initial=0),
        clock=clock,
    )
    until(otp.events.Started)
    until(otp.events.Removed)
    system.wait_healthy(5)
    system.restart("root.b")
    clock.advance(5)
    until(otp.events.Stuck)
    may_go.set()
    until(otp.events.Canceled)
    system.wait_healthy(5)
    system.stop()

    assert sorted((type(event).__name__, getattr(event, "dn", "")) for event in made) == [
        ("Canceled", "root.b"),
        ("Died", "root.a"),
        ("Died", "root.c"),
        ("Removed", "root.c"),
        ("Started", "root.a"),
        ("Stopped", ""),
        ("Stuck", ""),
    ]


def test_who_listens_later_sees_everything_from_then_on(stage, made):
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    system._engine.flush()
    story = stage.story(system)
    system.restart("root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert [type(event) for event in story.seen] == [
        otp.events.Canceling,
        otp.events.Canceled,
        otp.events.Started,
        otp.events.Healthy,
    ]
    assert made == story.seen


def logged(stage, lines, *, listen):
    """What the log says of a child that dies, and of its parent, which dies while the child waits for its backoff."""
    lines.clear()
    parent_dies, child_lives = stage.gate(), threading.Event()

    def child():
        if not child_lives.is_set():
            raise ValueError
        stage.serve()

    def parent():
        otp.run("child", child)
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            parent_dies.wait(5)
            raise KeyError
        otp.wait_canceled()

    system = stage.system(stage.parent_of(parent=otp.Child(parent, backoff=otp.Backoff(initial=0))))
    stream = system.events() if listen else None
    system.start()
    while not any("died" in message for _, _, message in lines):
        system.tree()
        system._engine.flush()
    child_lives.set()
    parent_dies.set()
    while not any(node.incarnation == 2 for node in system.tree().walk()):
        system.wait_settled(5)
    system.wait_healthy(5)
    system.stop()
    assert stream is None or otp.events.Stopped in map(type, stream)
    return [(dn, incarnation, message.partition(":")[0]) for dn, incarnation, message in lines]


def test_what_the_log_says_does_not_depend_on_whether_anybody_listens(stage, lines):
    assert logged(stage, lines, listen=False) == logged(stage, lines, listen=True)


def test_who_listens_later_is_not_told_what_has_happened_before(stage, monkeypatch):
    gate = stage.gate()

    class Time:
        @staticmethod
        def sleep(_seconds):
            gate.wait(5)

    monkeypatch.setattr(outlet, "time", Time)
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    stream = system.events()
    gate.set()
    system.restart("root.a")

    assert type(next(stream)) is otp.events.Canceling
