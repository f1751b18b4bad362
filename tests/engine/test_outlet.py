"""The helper threads: they hand over one thing after the other, whatever becomes of the one before."""

from __future__ import annotations

import threading

import pytest

from otp.tree import outlet as outlets_of_the_tree
from otp.tree.outlet import Outlet


class Watched:
    """A queue that tells when its reader sleeps."""

    def __init__(self, queue):
        self._queue = queue
        self._asleep = threading.Event()

    def get(self):
        self._asleep.set()
        thing = self._queue.get()
        self._asleep.clear()
        return thing

    def until_asleep(self):
        assert self._asleep.wait(5)

    def __getattr__(self, name):
        return getattr(self._queue, name)


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that outlets have made; none of them takes any time."""
    made = []

    class Time:
        @staticmethod
        def sleep(seconds):
            made.append(seconds)

    monkeypatch.setattr(outlets_of_the_tree, "time", Time)
    return made


@pytest.fixture
def sleeper(pauses):
    """Makes an outlet that pauses for 7 seconds when it is woken, starts it, and waits until it sleeps."""
    made = []

    def make(handle, pause=7.0):
        outlet = Outlet("an outlet", handle, pause=pause)
        outlet._queue = Watched(outlet._queue)
        outlet.start()
        made.append(outlet)
        outlet._queue.until_asleep()
        return outlet

    yield make
    for outlet in made:
        outlet.close()
        outlet.join(5)


@pytest.fixture
def outlets():
    """Makes outlets, and ends them."""
    made = []

    def make(handle, **options):
        outlet = Outlet("an outlet", handle, **options)
        made.append(outlet)
        return outlet

    yield make
    for outlet in made:
        outlet.close()


def test_things_are_handled_in_order_in_a_thread_of_its_own(outlets):
    seen = []
    outlet = outlets(lambda thing: seen.append((thing, threading.current_thread().name)))
    outlet.start()
    for number in range(3):
        outlet.put(number)
    outlet.close()
    outlet.join(5)

    assert seen == [(0, "an outlet"), (1, "an outlet"), (2, "an outlet")]


def test_what_was_put_before_the_start_is_handled_too(outlets):
    seen = []
    outlet = outlets(seen.append)
    outlet.put("early")
    outlet.start()
    outlet.close()
    outlet.join(5)

    assert seen == ["early"]


def test_beyond_its_bound_things_are_lost_and_counted(outlets):
    gate, begun, seen = threading.Event(), threading.Event(), []

    def handle(thing):
        begun.set()
        gate.wait()
        seen.append(thing)

    outlet = outlets(handle, bound=3)
    outlet.start()
    outlet.put(0)
    assert begun.wait(5)
    for number in range(1, 10):
        outlet.put(number)
    gate.set()
    outlet.close()
    outlet.join(5)

    assert seen == [0, 1, 2, 3]
    assert outlet.lost == 6


def test_what_comes_at_the_end_is_called_after_everything_has_been_handled(outlets):
    seen = []
    outlet = outlets(seen.append, then=lambda: seen.append("then"))
    outlet.start()
    outlet.put("thing")
    outlet.close()
    outlet.join(5)

    assert seen == ["thing", "then"]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_raises_is_reported_and_the_next_one_is_handled(outlets, monkeypatch, error):
    reported, seen = [], []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def handle(thing):
        if thing == "bad":
            raise error
        seen.append(thing)

    outlet = outlets(handle)
    outlet.start()
    outlet.put("bad")
    outlet.put("good")
    outlet.close()
    outlet.join(5)

    assert seen == ["good"]
    assert [(args.exc_type, args.thread.name) for args in reported] == [(error, "an outlet")]


def test_flush_waits_for_what_was_put_before(outlets):
    gate, seen = threading.Event(), []

    def handle(thing):
        gate.wait()
        seen.append(thing)

    outlet = outlets(handle)
    outlet.start()
    outlet.put("thing")
    outlet.flush(0)
    assert seen == []
    gate.set()
    outlet.flush(5)

    assert seen == ["thing"]


def test_waiting_for_what_never_ran_does_not_wait(outlets):
    outlet = outlets(print)
    outlet.flush(60)
    outlet.join(60)

    assert not outlet._thread.is_alive()


def test_an_outlet_does_not_wait_for_itself(outlets):
    done = threading.Event()

    def handle(_thing):
        outlet.flush(60)
        outlet.join(60)
        done.set()

    outlet = outlets(handle)
    outlet.start()
    outlet.put("thing")

    assert done.wait(5)


def test_a_thing_is_kept_no_longer_than_it_is_handled(outlets):
    gone = threading.Event()

    class Thing:
        def __del__(self):
            gone.set()

    outlet = outlets(lambda thing: None)
    outlet.start()
    outlet.put(Thing())

    assert gone.wait(5)


def test_an_outlet_that_is_woken_pauses_before_it_handles_what_woke_it(sleeper, pauses):
    handled = threading.Semaphore(0)
    seen = []

    def handle(thing):
        seen.append((thing, list(pauses)))
        handled.release()

    outlet = sleeper(handle)
    for number in range(3):
        outlet.put(number)
        assert handled.acquire(timeout=5)
        outlet._queue.until_asleep()

    assert seen == [(0, [7.0]), (1, [7.0] * 2), (2, [7.0] * 3)]


def test_what_comes_while_an_outlet_is_at_work_is_handled_without_a_pause(sleeper, pauses):
    begun, gate, seen = threading.Event(), threading.Event(), []

    def handle(thing):
        begun.set()
        gate.wait(5)
        seen.append(thing)

    outlet = sleeper(handle)
    outlet.put(0)
    assert begun.wait(5)
    for number in range(1, 10):
        outlet.put(number)
    outlet.close()
    gate.set()
    outlet.join(5)

    assert seen == list(range(10))
    assert pauses == [7.0]


def test_what_waits_at_the_start_is_handled_without_a_pause(outlets, pauses):
    seen = []
    outlet = outlets(seen.append, pause=7.0)
    outlet.put("early")
    outlet.close()
    outlet.start()
    outlet.join(5)

    assert seen == ["early"]
    assert pauses == []


def test_who_flushes_an_outlet_that_sleeps_does_not_wait_for_a_pause(sleeper, pauses):
    outlet = sleeper(print)
    outlet.flush(5)

    assert pauses == []


def test_an_outlet_without_a_pause_makes_none(sleeper, pauses):
    handled = threading.Event()
    outlet = sleeper(lambda _thing: handled.set(), pause=0.0)
    outlet.put("thing")
    assert handled.wait(5)

    assert pauses == []


def test_who_closes_an_outlet_that_sleeps_does_not_wait_for_a_pause(sleeper, pauses):
    outlet = sleeper(print)
    outlet.close()
    outlet.join(5)

    assert pauses == []
