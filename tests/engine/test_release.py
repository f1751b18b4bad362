"""What users' objects do when they are dropped: they do it on a thread that nobody waits for, never in the loop."""

from __future__ import annotations

import sys
import threading

import pytest

import otp


class Dropped:
    """Tells in which thread it was dropped."""

    def __init__(self, threads):
        self.threads = threads
        self.dropped = threading.Event()
        self.on_drop = self.dropped.set

    def __call__(self):
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()


class Thing(Dropped):
    """A thing to be dropped: `remains` outlives it, to be asked."""

    def __init__(self, remains):
        self.remains = remains

    def __del__(self):
        self.remains.threads.append(threading.current_thread().name)
        self.remains.on_drop()


class ThingError(Exception):
    def __init__(self, remains):
        super().__init__("dropped")
        self.remains = remains

    def __del__(self):
        self.remains.threads.append(threading.current_thread().name)
        self.remains.on_drop()


def fails(_thing):
    raise ValueError


@pytest.fixture
def remains():
    return Dropped([])


def test_arguments_of_a_removed_node_are_dropped_outside_of_the_loop(stage, remains):
    def root():
        otp.run("a", fails, Thing(remains), restart=otp.Restart.TEMPORARY)
        stage.serve()

    _, story = stage.watch(root)
    story.until(otp.events.Removed, "root.a")

    assert remains.dropped.wait(5)
    assert remains.threads == ["otp: release"]


def test_runnables_of_a_forgotten_subtree_are_dropped_outside_of_the_loop(stage, remains):
    def parent():
        if otp.current().incarnation == 1:
            otp.run("thing", Thing(remains))
        stage.serve()

    system, story = stage.watch(stage.parent_of(a=parent))
    system.wait_healthy(5)
    system.restart("root.a")
    story.until(otp.events.Started, "root.a", incarnation=2)

    assert remains.dropped.wait(5)
    assert remains.threads == ["otp: release"]


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_an_exception_is_dropped_outside_of_the_loop(stage, kind, remains):
    def plain():
        if otp.current().incarnation == 1:
            raise ThingError(remains)
        stage.serve()

    async def coroutine():
        if otp.current().incarnation == 1:
            raise ThingError(remains)
        await stage.serve_async()

    root = stage.parent_of(a=plain if kind == "thread" else coroutine)
    _, story = stage.watch(root, backoff=otp.Backoff(initial=0))
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert remains.dropped.wait(5)
    assert remains.threads != ["otp: supervisor"]


def test_what_a_frame_of_a_dead_runnable_held_is_dropped_in_its_own_thread(stage, remains):
    def dies():
        thing = Thing(remains)
        if otp.current().incarnation == 1:
            assert thing.remains is remains
            raise ValueError
        stage.serve()

    system, story = stage.watch(stage.parent_of(a=dies), backoff=otp.Backoff(initial=0))
    story.until(otp.events.Died, "root.a")

    assert remains.threads == ["root.a"]
    story.until(otp.events.Healthy, "root.a", incarnation=2)
    system.stop()
    assert remains.threads == ["root.a", "root.a"]


def test_a_del_that_never_returns_does_not_stop_the_tree(stage, remains):
    remains.on_drop = stage.gate().wait

    def root():
        otp.run("a", fails, Thing(remains), restart=otp.Restart.TEMPORARY)
        otp.run("b", stage.serve)
        stage.serve()

    system, story = stage.watch(root)
    story.until(otp.events.Removed, "root.a")
    system.restart("root.b")
    story.until(otp.events.Healthy, "root.b", incarnation=2)

    assert system.stop().unstopped == ()
    assert remains.threads == ["otp: release"]


def test_a_del_that_raises_does_not_end_the_thread_it_runs_on(stage, remains, monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_type))

    class Raised(BaseException):
        pass

    def refuse():
        raise Raised

    remains.on_drop = refuse

    def root():
        otp.run("a", fails, Thing(remains), restart=otp.Restart.TEMPORARY)
        stage.serve()

    system, story = stage.watch(root)
    story.until(otp.events.Removed, "root.a")
    system.stop()

    assert remains.threads == ["otp: release"]
    assert reported == [Raised]


def test_letters_to_one_that_never_ran_are_dropped_outside_of_the_loop(stage, remains):
    begun = threading.Event()

    def too_late():
        begun.set()
        otp.wait_canceled()
        otp.run("b", stage.serve).send(Thing(remains))

    def root():
        otp.run("a", too_late)
        stage.serve()

    system = stage.start(root)
    assert begun.wait(5)
    system.stop()

    assert remains.dropped.wait(5)
    assert remains.threads == ["otp: release"]
