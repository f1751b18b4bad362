"""The thread that is made in advance: when there is one, what runs in it, and that it ends."""

from __future__ import annotations

import queue
import sys
import threading
import weakref
from contextlib import suppress

import pytest

import otp
from otp.backends.thread import ThreadBackend, _Spare
from otp.backends.unwaited import UnwaitedThread
from otp.tree.backend import Job

HEALTHY = otp.Signal.HEALTHY


class Run:
    """An incarnation that only notes its end."""

    dn = "root.a"
    is_canceled = False

    def __init__(self, number):
        self.number = number
        self.ended = threading.Event()

    def end(self, end, exception=None):
        self.ended.set()


def run(backend, number):
    """Run something as incarnation `number` to its end; the thread that ran it."""
    incarnation, seen = Run(number), queue.SimpleQueue()
    backend.start(incarnation, Job(lambda: seen.put((threading.current_thread(), threading.current_thread().name)), ()))
    thread, name = seen.get(timeout=30)
    assert incarnation.ended.wait(timeout=30)
    thread.join(timeout=30)
    assert name == "root.a"
    assert not thread.is_alive()
    return thread


def wait_for_the_end(thread):
    while thread in threading.enumerate():
        with suppress(RuntimeError):  # started, but it has not run yet
            thread.join(timeout=30)


@pytest.fixture
def spares(monkeypatch):
    """All threads that were made in advance; they have ended when the test has."""
    made = []
    start = UnwaitedThread.start

    def noting(thread):
        name = thread.name  # it may be taken before `start` returns
        start(thread)
        if name == "otp: spare":
            made.append(thread)

    monkeypatch.setattr(UnwaitedThread, "start", noting)
    yield made
    for thread in made:
        wait_for_the_end(thread)


@pytest.fixture
def backend(spares):
    backend = ThreadBackend()
    yield backend
    backend.close()


@pytest.fixture
def switches():
    """Threads are switched as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_before_the_first_restart_no_thread_is_made_in_advance(backend, spares):
    for _ in range(3):
        run(backend, number=1)
        backend.replenish()

    assert spares == []
    assert backend.makes_thread


def test_after_a_restart_one_thread_is_made_in_advance(backend, spares):
    run(backend, number=2)
    assert backend.makes_thread, "it is not made in the loop of the tree"
    for _ in range(3):
        backend.replenish()

    (spare,) = spares
    assert spare.daemon
    assert not backend.makes_thread


@pytest.mark.parametrize("number", [1, 2])
def test_the_next_start_of_any_node_takes_it_and_it_is_replaced(backend, spares, number):
    run(backend, number=2)
    backend.replenish()
    (spare,) = spares
    assert run(backend, number) is spare
    assert backend.makes_thread
    backend.replenish()

    assert len(set(spares)) == 2


def test_a_start_that_finds_none_makes_a_thread(backend, spares):
    run(backend, number=2)
    backend.replenish()
    (spare,) = spares
    first, second = run(backend, number=3), run(backend, number=3)

    assert first is spare
    assert second is not spare


def test_what_runs_in_it_can_be_told_from_it(backend):
    """Its handle is that of any other thread: it has a stack, and its job and incarnation are let go."""
    run(backend, number=2)
    backend.replenish()
    gate, begun = threading.Event(), threading.Event()

    class Argument:
        pass

    def wait_here(_argument):
        begun.set()
        gate.wait(timeout=30)

    argument, incarnation = Argument(), Run(3)
    kept = weakref.ref(argument)
    handle = backend.start(incarnation, Job(wait_here, (argument,)))
    del argument
    assert begun.wait(timeout=30)
    assert "in wait_here" in handle.stack()
    gate.set()
    assert incarnation.ended.wait(timeout=30)
    handle.join(timeout=30)

    assert kept() is None
    assert handle.stack() == "(its thread has ended)\n"


def test_what_is_canceled_before_it_has_begun_there_does_not_run(backend):
    run(backend, number=2)
    backend.replenish()
    incarnation, ran = Run(3), []
    incarnation.is_canceled = True
    backend.start(incarnation, Job(ran.append, ("ran",)))
    assert incarnation.ended.wait(timeout=30)

    assert ran == []


def test_it_ends_with_the_backend(backend, spares):
    run(backend, number=2)
    backend.replenish()
    (spare,) = spares
    backend.close()
    wait_for_the_end(spare)

    assert backend.makes_thread


def test_none_is_made_after_the_end(backend, spares):
    run(backend, number=2)
    backend.close()
    backend.replenish()

    assert spares == []


def test_one_that_is_made_while_the_backend_is_closed_ends_too(backend, monkeypatch):
    made = []
    start = UnwaitedThread.start

    def closed_meanwhile(thread):
        made.append(thread)
        backend.close()
        start(thread)

    run(backend, number=2)
    with monkeypatch.context() as patch:
        patch.setattr(UnwaitedThread, "start", closed_meanwhile)
        backend.replenish()
    (spare,) = made
    wait_for_the_end(spare)

    assert backend.makes_thread


def test_whoever_closes_and_whoever_makes_one_may_race(switches, spares):
    """Every order comes up; none leaves a thread behind."""
    for _ in range(200):
        backend = ThreadBackend()
        run(backend, number=2)
        racers = [threading.Thread(target=call) for call in (backend.replenish, backend.close)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(timeout=30)
        assert backend.makes_thread

    for spare in spares:
        wait_for_the_end(spare)


def test_a_machine_without_threads_left_has_none_in_advance_and_restarts_as_before(backend, spares, monkeypatch):
    start = UnwaitedThread.start
    refusals = []

    def no_thread(thread):
        refusals.append(thread.name)
        message = "can't start new thread"
        raise RuntimeError(message)

    run(backend, number=2)
    with monkeypatch.context() as patch:
        patch.setattr(UnwaitedThread, "start", no_thread)
        backend.replenish()
        backend.replenish()
        assert refusals == ["otp: spare"], "it is tried once for a restart"
        assert backend.makes_thread
        with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
            backend.start(Run(3), Job(print, ()))
    assert UnwaitedThread.start is start
    run(backend, number=3)
    backend.replenish()

    assert len(spares) == 1


def test_a_restart_that_finds_neither_a_spare_thread_nor_another_one_dies_and_the_next_one_works(bench, monkeypatch):
    plain_start = UnwaitedThread.start
    machine_is_full = threading.Event()

    def start(self):
        if machine_is_full.is_set():
            message = "can't start new thread"
            raise RuntimeError(message)
        plain_start(self)

    monkeypatch.setattr(UnwaitedThread, "start", start)

    def child():
        otp.signal(HEALTHY)
        if otp.current().incarnation == 1:
            raise ValueError
        otp.wait_canceled()

    bench.run(child)
    assert bench.await_event(otp.events.Died).error == "ValueError"
    machine_is_full.set()
    bench.clock.advance(1.0)
    died = bench.await_event(otp.events.Died)
    assert (died.error, died.incarnation) == ("RuntimeError: can't start new thread", 2)
    machine_is_full.clear()
    bench.clock.advance(1.5)
    assert bench.await_event(otp.events.Healthy).incarnation == 3


def test_a_system_that_was_never_restarted_has_no_spare_thread_and_one_that_was_leaves_none(bench, spares, monkeypatch):
    replenished = queue.SimpleQueue()
    replenish = ThreadBackend.replenish

    def telling(backend):
        replenish(backend)
        replenished.put(len(spares))

    monkeypatch.setattr(ThreadBackend, "replenish", telling)

    def child():
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    system._engine.flush()
    assert {replenished.get() for _ in range(replenished.qsize())} == {0}
    system.restart("root.a")
    while not replenished.get(timeout=30):
        pass
    (spare,) = spares
    system.stop()
    wait_for_the_end(spare)


def test_who_joins_waits_for_the_one_that_nobody_took_even_if_it_has_not_run_yet(monkeypatch, spares):
    joined = threading.Event()
    run_on, join = _Spare.run, _Spare.join_unused

    def late(spare):
        assert joined.wait(timeout=30)
        run_on(spare)

    def joining(spare, timeout):
        joined.set()
        join(spare, timeout)

    monkeypatch.setattr(_Spare, "run", late)
    monkeypatch.setattr(_Spare, "join_unused", joining)
    backend = ThreadBackend()
    backend._used_up = True
    backend.replenish()
    backend.close()
    backend.join(30.0)
    assert spares[0] not in threading.enumerate()
    assert not spares[0]._over.locked()  # so that it may be joined again, at once
