"""Who waits for a tree is answered, whatever happens to it at that moment."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future

import pytest

import otp
from otp.tree.actor import Actor
from otp.tree.supervisor import Wait


class Blocker(Actor):
    """Holds up the loop that it runs in: what comes meanwhile is handled in one go."""

    def on_receive(self, message):
        blocking, gate = message
        blocking.set()
        gate.wait()


def hold_up(system, gate):
    blocking = threading.Event()
    Blocker.start(system._engine._loop).tell((blocking, gate))
    assert blocking.wait(5)


def test_who_waits_for_the_end_of_a_tree_is_always_told(stage):
    """From many threads, while it ends."""
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            system = stage.start(stage.serve)
            reports = []
            stoppers = [threading.Thread(target=lambda: reports.append(system.stop())) for _ in range(8)]  # noqa: B023
            for stopper in stoppers:
                stopper.start()
            for stopper in stoppers:
                stopper.join()
            assert reports == [otp.StopReport(())] * 8
    finally:
        sys.setswitchinterval(switching)


def test_who_begins_to_wait_while_another_one_is_told_is_told_too(stage):
    """After the end the messages that came late are refused by whoever put them there, several threads at once.

    Here the second one has put down that it waits, and is interrupted by the first, who clears away what waited.
    """
    system = stage.start(stage.serve)
    system.stop()
    supervisor = system._engine._supervisor
    interrupted = []

    class Waiting(list):
        def append(self, wait):
            super().append(wait)
            if not interrupted:
                interrupted.append(True)
                supervisor._waiting = type(supervisor._waiting)()

    supervisor._waiting = Waiting()
    answer = Future()
    supervisor.refused(Wait("stopped", answer))

    assert answer.result(timeout=0) is True


def test_what_is_asked_of_a_tree_that_has_ended_is_answered(stage):
    system = stage.start(stage.serve)
    system.stop()

    assert system.tree().state is otp.NodeState.CANCELED
    assert system.stop() == otp.StopReport(())
    with pytest.raises(otp.SystemNotRunningError):
        system.restart("root")
    with pytest.raises(otp.SystemNotRunningError):
        system.wait_healthy(5)
    system.wait_settled(5)
    system.join(5)
    assert list(system.events()) == []


def test_who_waits_for_nothing_to_be_left_to_do_is_told_when_the_tree_ends_instead(stage):
    may_end, gate = stage.gate(), stage.gate()

    def root():
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)
        may_end.wait()

    system = stage.start(root)
    system.wait_healthy(5)
    thread = next(thread for thread in threading.enumerate() if thread.name == "root")
    hold_up(system, gate)
    answer = system._engine.settle()
    may_end.set()
    thread.join()  # so the end of the root stands behind the question
    gate.set()

    assert answer.result(timeout=5) is None


def test_who_has_given_up_is_not_told(stage, clock):
    gate = stage.gate()

    def slow():
        stage.serve()
        gate.wait()

    system, story = stage.watch(stage.parent_of(a=slow), clock=clock)
    system.wait_healthy(5)
    system.restart("root.a")
    with pytest.raises(TimeoutError):
        system.wait_settled(0)
    gate.set()
    story.until(otp.events.Started, "root.a", incarnation=2)
    system.wait_settled(5)

    assert system._engine._supervisor._waiting == []


def test_who_waits_for_health_is_told_that_it_will_never_come(stage):
    system = stage.start(otp.wait_canceled)
    outcome = []

    def wait():
        try:
            system.wait_healthy()
        except otp.SystemNotRunningError as error:
            outcome.append(str(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    system.stop()
    waiter.join()

    assert outcome == ["the system has stopped"]


def test_many_wait_for_different_things(stage):
    may_serve = stage.gate()
    told = []

    def late():
        may_serve.wait()
        stage.serve()

    system = stage.start(stage.parent_of(a=late))

    def wait(what, until):
        until()
        told.append(what)

    waits = {"healthy": system.wait_healthy, "settled": system.wait_settled, "stopped": system.join}
    waiters = {what: threading.Thread(target=wait, args=item) for item in waits.items() for what in item[:1]}
    for waiter in waiters.values():
        waiter.start()
    waiters["settled"].join()
    assert told == ["settled"]
    may_serve.set()
    waiters["healthy"].join()
    assert told == ["settled", "healthy"]
    system.request_stop()
    waiters["stopped"].join()

    assert told == ["settled", "healthy", "stopped"]
