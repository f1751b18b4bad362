"""The threads of a tree: what they are called, that they are daemons, and when they are started and gone."""

from __future__ import annotations

import threading

import pytest

import otp
from otp import NodeState
from otp.backends.unwaited import UnwaitedThread

HELPERS = ["otp: events", "otp: log", "otp: release", "otp: supervisor"]


@pytest.fixture
def new_threads():
    """The threads that there were not before."""
    before = set(threading.enumerate())
    return lambda: sorted(set(threading.enumerate()) - before, key=lambda thread: thread.name)


def test_threads_are_called_after_what_they_do(stage, new_threads):
    system = stage.start(stage.parent_of(a=stage.parent_of(b=stage.serve), c=stage.serve_async))
    system.wait_healthy(5)

    assert [thread.name for thread in new_threads()] == [
        *HELPERS,
        "root",
        "root.a",
        "root.a.b",
        "root: event loop",
    ]
    assert all(thread.daemon for thread in new_threads())


def test_a_tree_without_coroutines_has_no_event_loop(stage, new_threads):
    system = stage.start(stage.serve)
    system.wait_healthy(5)

    assert [thread.name for thread in new_threads()] == [*HELPERS, "root"]


def test_a_system_that_was_not_started_has_no_threads(stage, new_threads):
    stage.system(stage.serve)

    assert new_threads() == []


def test_when_stop_has_returned_the_threads_of_the_tree_are_gone(stage, new_threads):
    system = stage.start(stage.parent_of(a=stage.serve_async))
    system.wait_healthy(5)
    system.stop()

    left = [thread for thread in new_threads() if thread.name != "root"]  # which is about to end
    assert left == []


def test_the_loop_of_the_tree_does_not_wait_for_a_thread_to_run(monkeypatch):
    """`Thread.start` waits for an event that the new thread sets once it has got hold of the GIL."""
    started, may_run = threading.Event(), threading.Event()
    run = threading.Thread._bootstrap_inner

    def late(thread):
        may_run.wait()
        run(thread)

    monkeypatch.setattr(threading.Thread, "_bootstrap_inner", late)
    thread = UnwaitedThread(target=started.set)
    thread.start()

    assert not started.is_set()
    assert not thread.is_alive()
    may_run.set()
    assert started.wait(5)
    thread.join()


def test_a_runnable_that_was_canceled_before_its_thread_ran_is_never_called(stage, monkeypatch):
    """The stop overtakes the start of the thread."""
    called, may_run = threading.Event(), stage.gate()
    run = UnwaitedThread._bootstrap_inner

    def late(thread):
        may_run.wait()
        run(thread)

    monkeypatch.setattr(UnwaitedThread, "_bootstrap_inner", late, raising=False)
    system, story = stage.watch(called.set)
    system.request_stop()
    story.until(otp.events.Canceling)
    may_run.set()
    system.join(5)

    assert not called.is_set()
    assert system.tree().state is NodeState.CANCELED


def test_a_coroutine_that_was_canceled_before_it_began_is_never_called(stage):
    called, gate, blocked = threading.Event(), stage.gate(), threading.Event()

    async def blocks_the_loop():
        blocked.set()
        gate.wait()
        await stage.serve_async()

    async def never():
        called.set()

    def root():
        otp.run("a", blocks_the_loop)
        assert blocked.wait(5)
        otp.run("b", never)
        begun.set()
        otp.wait_canceled()

    begun = threading.Event()
    system, story = stage.watch(root)
    assert begun.wait(5)
    system.request_stop(now=True)
    story.until(otp.events.Canceling)
    gate.set()
    system.join(5)

    assert not called.is_set()
    assert system.node("root.b").state is NodeState.CANCELED


def test_a_stop_before_the_start_lets_the_root_begin_and_cancels_it(stage):
    system, canceled = stage.system(otp.wait_canceled), threading.Event()
    story = stage.story(system)
    system.request_stop()
    system.start()
    system.join(5)
    canceled.set()

    told = [type(event) for event in story.rest()]
    assert told == [
        otp.events.Started,
        otp.events.Stopping,
        otp.events.Canceling,
        otp.events.Canceled,
        otp.events.Stopped,
    ]


def test_the_first_death_of_a_propagating_system_is_raised_from_every_join(stage):
    first = ZeroDivisionError("first")
    second_dies = stage.gate()

    def dies():
        raise first

    def dies_too():
        second_dies.wait()
        raise KeyError

    system, story = stage.watch(stage.parent_of(a=dies_too, b=dies), propagate=True)
    story.until(otp.events.Died, "root.b")
    second_dies.set()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError) as raised:
            system.join(5)
        assert raised.value is first

    assert system.stop().unstopped == ()


def test_a_start_that_fails_is_the_first_death_too(stage, monkeypatch):
    def no_thread(thread):
        raise MemoryError

    start = UnwaitedThread.start
    monkeypatch.setattr(
        UnwaitedThread, "start", lambda thread: (no_thread if thread.name == "root.a" else start)(thread)
    )
    system = stage.start(stage.parent_of(a=stage.serve), propagate=True)

    with pytest.raises(MemoryError):
        system.join(5)
    assert system.node("root.a").last_error == "MemoryError"
