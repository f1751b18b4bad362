"""The helper threads: they hand over one thing after the other, whatever becomes of the one before."""

from __future__ import annotations

import threading

import pytest

from otp.tree.outlet import Outlet


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
