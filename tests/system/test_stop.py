"""The stop of a system (R14), as its callers see it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

import otp


@pytest.fixture
def ends():
    """Who ended, in order, and a runnable that writes it down."""
    order = []

    def child():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        order.append(otp.current().dn)

    return order, child


def test_children_end_before_their_parent_last_started_first(workshop, family, ends):
    order, child = ends

    def parent():
        otp.run("x", child)
        otp.run("y", child)
        child()

    def root():
        otp.run("a", parent)
        otp.run("b", child)
        child()

    system = workshop.start(root)
    system.wait_healthy(timeout=30)
    assert system.stop() == otp.StopReport(())
    assert order == ["root.b", "root.a.y", "root.a.x", "root.a", "root"]


def test_a_stop_can_be_asked_for_again_and_reports_again(workshop, family):
    system = workshop.start(family("a"))
    system.wait_healthy(timeout=30)
    assert [system.stop(), system.stop(), system.stop(timeout=0)] == [otp.StopReport(())] * 3


def test_many_may_stop_at_once_and_all_get_the_report(workshop, family):
    system = workshop.start(family("a", "b", "c"))
    system.wait_healthy(timeout=30)
    together = threading.Barrier(8)
    reports = []

    def stop(number):
        together.wait(timeout=30)
        reports.append(system.stop(timeout=None if number % 2 else 10.0))

    threads = [threading.Thread(target=stop, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [otp.StopReport(())] * 8


def test_a_stop_reports_what_still_runs_past_its_deadline_until_it_has_ended(workshop):
    gate = workshop.gate()

    def deaf():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    def root():
        otp.run("deaf", deaf, shutdown=otp.BRUTAL_KILL)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.start(root)
    system.wait_healthy(timeout=30)
    events = system.events()
    assert system.stop() == otp.StopReport(("root.deaf",))
    assert system.node("root.deaf").stuck
    assert system.stop().unstopped == ("root.deaf",)
    stopped = [event for event in events if isinstance(event, otp.events.Stopped)]
    assert [event.unstopped for event in stopped] == [("root.deaf",)]
    gate.set()
    loop = next(thread for thread in threading.enumerate() if thread.name == "root.deaf")
    loop.join(timeout=30)
    assert system.stop() == otp.StopReport(())
    assert system.node("root.deaf").state is otp.NodeState.CANCELED


def test_a_stop_with_a_timeout_cancels_all_at_once_when_it_is_over(workshop):
    order = []
    gate = workshop.gate()

    def slow():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        order.append("slow asked")
        gate.wait()

    def quick():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        order.append("quick asked")

    def root():
        otp.run("quick", quick)
        otp.run("slow", slow, shutdown=None)
        quick()

    system = workshop.start(root)
    system.wait_healthy(timeout=30)
    events = system.events()
    reports = []
    stopper = threading.Thread(target=lambda: reports.append(system.stop(timeout=3.0)))
    stopper.start()
    assert next(event for event in events if isinstance(event, otp.events.Canceling)).dns == ("root.slow",)
    assert system.node("root.quick").state is otp.NodeState.HEALTHY, "its turn has not come"
    workshop.clock.advance(3.0)
    ended = {next(event for event in events if isinstance(event, otp.events.Canceled)).dn for _ in range(2)}
    assert ended == {"root", "root.quick"}
    workshop.clock.advance(0.5)
    stopper.join()
    assert reports == [otp.StopReport(("root.slow",))]
    assert order[0] == "slow asked"


@pytest.mark.parametrize("call", [lambda system: system.stop(), lambda system: system.request_stop()])
def test_a_stop_from_inside_is_a_request(workshop, call):
    returned = threading.Event()
    ready = workshop.gate()
    systems = []

    def child():
        otp.signal(otp.Signal.HEALTHY)
        ready.wait()
        assert call(systems[0]) in {None, otp.StopReport(())}
        returned.set()
        otp.wait_canceled()

    def root():
        otp.run("a", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    systems.append(workshop.start(root))
    ready.set()
    assert returned.wait(timeout=30)
    systems[0].join(timeout=30)
    assert systems[0].tree().state is otp.NodeState.CANCELED


def test_a_coroutine_stops_its_own_system(workshop):
    systems = []
    ready = workshop.gate()

    async def root():
        await asyncio.to_thread(ready.wait)
        assert await systems[0].astop() == otp.StopReport(())
        assert systems[0].stop() == otp.StopReport(())
        await asyncio.Event().wait()

    systems.append(workshop.start(root))
    ready.set()
    systems[0].join(timeout=30)
    assert systems[0].tree().state is otp.NodeState.CANCELED


def test_another_system_is_stopped_from_inside_as_from_outside(workshop, serve):
    other = workshop.start(serve)
    other.wait_healthy(timeout=30)
    reports = []

    def root():
        reports.append(other.stop())
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    workshop.start(root).join(timeout=30)
    assert reports == [otp.StopReport(())]
    assert other.tree().state is otp.NodeState.CANCELED


def test_a_stop_is_requested_in_a_signal_handler(workshop, family):
    system = workshop.start(family("a"))
    system.wait_healthy(timeout=30)
    before = signal.signal(signal.SIGUSR1, lambda number, frame: system.request_stop())
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        system.join(timeout=30)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert system.tree().state is otp.NodeState.CANCELED


def test_a_request_to_stop_now_asks_all_at_once(workshop, family):
    system = workshop.start(family("a", "b"))
    system.wait_healthy(timeout=30)
    events = system.events()
    system.request_stop(now=True)
    system.join(timeout=30)
    canceling = [event for event in events if isinstance(event, otp.events.Canceling)]
    assert [(event.dns, event.cause) for event in canceling] == [(("root",), otp.events.Cause.STOP)]


def test_a_pending_restart_does_not_hold_a_stop(workshop, family):
    def dies():
        raise ValueError

    system = workshop.make(family("a", child=dies))
    events = system.events()
    system.start()
    next(event for event in events if isinstance(event, otp.events.Died))
    assert system.stop() == otp.StopReport(())
    assert system.node("root.a").next_restart is None
    assert system.node("root.a").state is otp.NodeState.DEAD


def test_nothing_starts_again_in_a_system_that_is_stopping(workshop):
    gate = workshop.gate()
    began = threading.Semaphore(0)

    def slow():
        began.release()
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        gate.wait()

    def root():
        otp.run("a", slow)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.start(root)
    system.wait_healthy(timeout=30)
    system.request_stop()
    system.restart("root.a")
    system.restart("root")
    gate.set()
    system.join(timeout=30)
    assert [node.incarnation for node in system.tree().walk()] == [1, 1]
