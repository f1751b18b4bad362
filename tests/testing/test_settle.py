"""Exact settling: the engine has nothing left to do until time passes, or until somebody outside of it acts."""

from __future__ import annotations

import threading

import pytest

import otp
from otp.testing import Harness, VirtualClock
from otp.tree.actor import Actor
from otp.tree.loop import Loop

HEALTHY = otp.Signal.HEALTHY
SECOND = otp.Backoff(initial=1.0, jitter=0.0)


@pytest.fixture
def gate():
    """Opened at the end of the test, so that nothing waits for it for ever."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def harness(gate):
    with Harness() as harness:
        yield harness
        gate.set()


def serve():
    otp.signal(HEALTHY)
    otp.wait_canceled()


def test_what_was_asked_to_end_has_ended_and_its_next_incarnation_has_been_started(harness):
    def root():
        otp.run_group(dict.fromkeys("abc", serve))
        serve()

    system = harness.start(root, clock=VirtualClock())
    system.wait_healthy(timeout=30)
    for number in range(2, 30):
        system.restart("root.a")
        system.restart("root.c")
        harness.settle()
        assert [node.incarnation for node in system.tree().children] == [number, 1, number]


def test_a_whole_group_is_through_its_barrier(harness):
    go = threading.Semaphore(0)

    def dies():
        otp.signal(HEALTHY)
        go.acquire()
        raise ValueError

    def root():
        otp.run_group({"dies": dies, "a": serve, "b": serve})
        serve()

    harness.expect_death("root.dies")
    system = harness.start(root, clock=VirtualClock(), backoff=SECOND)
    system.wait_healthy(timeout=30)
    events = system.events()
    go.release()
    next(event for event in events if isinstance(event, otp.events.Died))
    harness.settle()
    dead, *others = system.tree().children
    assert dead.state is otp.NodeState.DEAD, "its backoff counts as settled"
    assert [node.incarnation for node in others] == [2, 2]
    assert harness.advance_to_next() == 1.0
    assert system.node("root.dies").incarnation == 2
    go.release()


def test_a_runnable_that_takes_its_time_to_end_is_waited_for(harness, gate):
    asked = threading.Event()

    def slow():
        otp.signal(HEALTHY)
        if otp.current().incarnation == 1:
            otp.wait_canceled()
            asked.set()
            gate.wait()
        else:
            otp.wait_canceled()

    def root():
        otp.run("a", slow)
        serve()

    system = harness.start(root, clock=VirtualClock())
    system.wait_healthy(timeout=30)
    system.restart("root.a")
    settled = threading.Event()
    waits = threading.Thread(target=lambda: (harness.settle(), settled.set()))
    waits.start()
    assert asked.wait(timeout=30)
    assert not settled.is_set()
    gate.set()
    waits.join()
    assert system.node("root.a").incarnation == 2


def test_what_is_stuck_is_not_waited_for(harness, gate):
    def deaf():
        otp.signal(HEALTHY)
        if otp.current().incarnation == 1:
            gate.wait()
        else:
            otp.wait_canceled()

    def root():
        otp.run("a", deaf, shutdown=3.0)
        serve()

    system = harness.start(root, clock=VirtualClock())
    system.wait_healthy(timeout=30)
    system.restart("root.a")
    with pytest.raises(TimeoutError, match=r"^asked to end, but still running after 0\.05 s: root\.a$"):
        harness.settle(timeout=0.05)
    harness._clock.advance(3.0)
    harness.settle()
    assert system.node("root.a").stuck
    gate.set()
    system.wait_healthy(timeout=30)
    assert system.node("root.a").incarnation == 2


def test_a_wave_of_cancels_is_waited_for_to_its_last_one(harness):
    def root():
        otp.run_group({f"n{number}": serve for number in range(300)})
        serve()

    system = harness.start(root, clock=VirtualClock())
    system.wait_healthy(timeout=30)
    system.restart("root")
    harness.settle()
    assert system.tree().incarnation == 2
    system.wait_healthy(timeout=30)
    assert len(system.tree().children) == 300


def test_a_tree_that_has_stopped_has_settled(harness):
    system = harness.start(serve, clock=VirtualClock())
    system.stop()
    harness.settle()
    assert system.tree().state is otp.NodeState.CANCELED


def test_who_settles_while_the_tree_stops_is_answered(harness):
    for _ in range(3):
        with Harness() as other:
            system = other.start(serve, clock=VirtualClock())
            system.wait_healthy(timeout=30)
            system.request_stop()
            other.settle()
            assert system.tree().state is otp.NodeState.CANCELED
    harness.start(serve)


def test_many_may_settle_at_once(harness):
    system = harness.start(serve, clock=VirtualClock())
    system.wait_healthy(timeout=30)
    threads = [threading.Thread(target=harness.settle) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert system._engine._loop.on_idle is None, "nothing is looked at any more when nobody asks"


def test_real_time_settles_too_and_cannot_be_advanced(harness):
    system = harness.start(serve)
    system.wait_healthy(timeout=30)
    harness.settle()
    for call in (lambda: harness.advance(1.0), harness.advance_to_next):
        with pytest.raises(RuntimeError, match=r"only virtual time can be advanced: start\(root, clock=VirtualClock"):
            call()


def test_time_passes_to_just_the_next_moment_something_is_due(harness):
    woken = []

    def sleeper(seconds):
        otp.signal(HEALTHY)
        while True:
            woken.append(seconds) if otp.wait_canceled(seconds) else None
            if otp.canceled():
                return

    def dies():
        raise ValueError

    def root():
        otp.run("sleeper", sleeper, 10.0)
        otp.run("dies", dies, backoff=otp.Backoff(initial=4.0, jitter=0.0))
        serve()

    clock = VirtualClock()
    harness.expect_death("root.dies")
    system = harness.start(root, clock=clock)
    events = system.events()
    clock.wait_for_sleepers(1, timeout=30)
    dead = [node for node in system.tree().walk() if node.state is otp.NodeState.DEAD]
    assert dead or next(event for event in events if isinstance(event, otp.events.Died))
    assert harness.advance_to_next() == 4.0
    next(event for event in events if isinstance(event, otp.events.Died) and event.incarnation == 2)
    assert system.node("root.dies").incarnation == 2
    assert harness.advance_to_next() == 6.0, "the next backoff takes six, the sleep is over in six too"


def test_where_nothing_waits_for_time_none_can_be_advanced_to(harness):
    system = harness.start(serve, clock=VirtualClock())
    system.wait_healthy(timeout=30)
    with pytest.raises(RuntimeError, match="nothing waits for time to pass"):
        harness.advance_to_next()
    harness.advance(1.0)
    assert system.tree().state is otp.NodeState.HEALTHY


def test_a_loop_is_idle_when_its_last_message_has_been_handled_and_not_before():
    """The first message is still being handled when the others come."""
    handled = []
    busy, more, idle = threading.Event(), threading.Event(), threading.Event()
    loop = Loop(VirtualClock(), "loop", list.clear)

    class Handler(Actor):
        def on_receive(self, message):
            if message == "first":
                busy.set()
                more.wait()
            if message == "last":
                loop.close()
            handled.append(message)

    def on_idle():
        handled.append("idle")
        loop.on_idle = None
        idle.set()

    ref = Handler.start(loop)
    ref.tell("first")
    loop.start()
    assert busy.wait(timeout=30)
    loop.on_idle = on_idle
    ref.tell("second")
    ref.tell("third")
    more.set()
    assert idle.wait(timeout=30)
    ref.tell("last")
    loop.join(timeout=30)
    assert handled == ["first", "second", "third", "idle", "last"]
