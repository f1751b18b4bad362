"""Numbers and names that the loop of the tree has to work with: checked where they are given, and none of the user's code
with them. A time may be as long as anybody likes."""

from __future__ import annotations

import asyncio
import logging
import math
import threading

import pytest

import otp

AGES = 1e300
"""Seconds that no lock and no queue can wait for."""


def refuse(*_args):
    raise RuntimeError(threading.current_thread().name)


def not_in_the_loop(kind, name):
    """That method of a type, but for the loop of the tree."""

    def method(self, *args):
        if threading.current_thread().name == "otp: supervisor":
            refuse()
        return getattr(kind, name)(self, *args)

    return method


class Number(float):
    __slots__ = ()

    for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "lt", "gt", "le", "ge", "eq", "hash", "pow", "bool"):
        locals()[f"__{_name}__"] = not_in_the_loop(float, f"__{_name}__")


class Text(str):
    __slots__ = ()

    for _name in ("split", "partition", "rpartition", "__eq__", "__hash__"):
        locals()[_name] = not_in_the_loop(str, _name)


def goes_on(system, story):
    """Whether the loop of the tree still does its work."""
    system.restart("root.b")
    story.until(otp.events.Healthy, "root.b", incarnation=2)
    return True


@pytest.fixture
def faults(monkeypatch):
    """What has gone wrong in the loop of a tree."""
    seen = []
    monkeypatch.setattr("sys.excepthook", lambda _kind, error, _traceback: seen.append(error))
    yield seen
    assert seen == []


def test_a_shutdown_of_ages_is_a_deadline_like_any_other(stage, faults):
    gate = stage.gate()

    def slow():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    system, story = stage.watch(stage.parent_of(a=otp.Child(slow, shutdown=AGES), b=stage.serve))
    system.wait_healthy(5)
    system.restart("root.a")

    assert goes_on(system, story)
    gate.set()
    story.until(otp.events.Healthy, "root.a", incarnation=2)


def test_a_backoff_of_ages_is_waited_for(stage, faults):
    def dies():
        raise ValueError

    backoff = otp.Backoff(initial=AGES, maximum=AGES)
    system, story = stage.watch(stage.parent_of(a=otp.Child(dies, backoff=backoff), b=stage.serve))
    died = story.until(otp.events.Died, "root.a")

    assert goes_on(system, story)
    assert died.restart_in > AGES / 4
    assert system.node("root.a").next_restart > AGES / 4


@pytest.mark.parametrize("timeout", [AGES, math.inf, 10**200])
def test_a_stop_may_be_given_ages(stage, faults, timeout):
    system = stage.start(stage.parent_of(a=stage.serve, b=stage.serve))
    system.wait_healthy(5)

    assert system.stop(timeout).unstopped == ()


@pytest.mark.parametrize(("timeout", "error"), [("5", TypeError), (True, TypeError), (math.nan, ValueError)])
def test_a_stop_with_a_timeout_that_is_no_number_is_refused_and_changes_nothing(stage, faults, timeout, error):
    system, story = stage.watch(stage.parent_of(a=stage.serve, b=stage.serve))
    system.wait_healthy(5)
    with pytest.raises(error):
        system.stop(timeout)
    with pytest.raises(error):
        asyncio.run(system.astop(timeout))

    assert goes_on(system, story)


def test_a_sleep_of_ages_is_a_sleep_like_any_other(stage):
    slept = []

    def sleeps():
        otp.signal(otp.Signal.HEALTHY)
        try:
            otp.sleep(AGES)
        finally:
            slept.append(otp.canceled())

    system = stage.start(sleeps)
    system.wait_healthy(5)
    system.stop()

    assert slept == [True]


def test_numbers_of_the_users_own_kind_are_made_into_plain_ones(stage, faults):
    def dies():
        if otp.current().incarnation == 1:
            raise ValueError
        stage.serve()

    backoff = otp.Backoff(initial=Number(0), multiplier=Number(2), maximum=Number(1), jitter=Number(0))
    child = otp.Child(dies, backoff=backoff, shutdown=Number(3), start_timeout=Number(4))
    system, story = stage.watch(stage.parent_of(a=child, b=stage.serve))
    story.until(otp.events.Healthy, "root.a", incarnation=2)
    system.wait_healthy(5)

    assert goes_on(system, story)
    assert system.stop(Number(5)).unstopped == ()


def test_a_backoff_of_the_users_own_kind_is_refused():
    """Its `delay` would be called by the loop of the tree."""

    class Own(otp.Backoff):
        delay = refuse

    with pytest.raises(TypeError, match="backoff= takes a Backoff, not Own"):
        otp.Child(refuse, backoff=Own())
    with pytest.raises(TypeError, match="backoff= takes a Backoff, not Own"):
        otp.System(refuse, backoff=Own())
    with pytest.raises(TypeError, match="backoff= takes a Backoff, not int"):
        otp.System(refuse, backoff=5)


def test_a_dn_of_the_users_own_kind_is_made_into_a_plain_one(stage, faults):
    system, story = stage.watch(stage.parent_of(b=stage.serve))
    system.wait_healthy(5)
    system.restart(Text("root.b"))
    story.until(otp.events.Healthy, "root.b", incarnation=2)

    assert system.node("root.b").incarnation == 2


@pytest.mark.parametrize("dn", [5, None, b"root.b", ["root"]])
def test_a_dn_that_is_no_text_is_refused(stage, faults, dn):
    system = stage.start(stage.parent_of(b=stage.serve))
    system.wait_healthy(5)
    with pytest.raises(TypeError, match="a DN is a str"):
        system.restart(dn)

    assert system.node("root.b").incarnation == 1


@pytest.mark.parametrize("dn", ["", ".", "root.", ".root", "root..b", "b", "root.b.c", "root.B", "root.b\n", "root b"])
def test_a_dn_that_stands_for_nothing_is_not_found(stage, faults, dn):
    system = stage.start(stage.parent_of(b=stage.serve))
    system.wait_healthy(5)
    with pytest.raises(otp.NoSuchNodeError):
        system.restart(dn)
    with pytest.raises(otp.NoSuchNodeError):
        system.node(dn)

    assert system.node("root.b").incarnation == 1


def test_an_event_loop_that_was_closed_while_it_waited_for_the_tree_costs_the_tree_nothing(stage, faults):
    """Whoever waits is told through their event loop; that it is closed was logged in the loop of the tree."""
    records = []

    class Handler(logging.Handler):
        def emit(self, record):
            records.append((threading.current_thread().name, record.getMessage()))

    handler = Handler()
    logging.getLogger("concurrent.futures").addHandler(handler)
    may_end = stage.gate()

    def slow():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        may_end.wait()

    try:
        system, story = stage.watch(stage.parent_of(a=slow, b=stage.serve))
        system.wait_healthy(5)
        system.restart("root.a")
        loop = asyncio.new_event_loop()
        waiting = system.await_settled()
        task = loop.create_task(waiting)
        loop.call_soon(loop.call_soon, loop.stop)
        loop.run_forever()
        loop.close()
        may_end.set()
        story.until(otp.events.Healthy, "root.a", incarnation=2)
        system.wait_settled(5)
    finally:
        logging.getLogger("concurrent.futures").removeHandler(handler)
        waiting.close()
        task._log_destroy_pending = False

    assert goes_on(system, story)
    assert records == []
