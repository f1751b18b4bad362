"""Monitors: `monitor`, `demonitor` and `Down`."""

from __future__ import annotations

import concurrent.futures

import pytest

import otp

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


def test_an_end_is_told_once_for_each_monitor(actors):
    a, b = actors("a", "b")
    first, second = b.do(lambda: (otp.monitor(a.ref), otp.monitor(a.ref)))
    assert first != second
    a.end(boom)
    downs = [b.news(), b.news()]
    assert [down.monitor for down in downs] == [first, second]
    assert all(down.ref == a.ref and isinstance(down.reason, ValueError) for down in downs)
    assert b.nothing_more()


def test_a_monitor_is_one_way(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.monitor(a.ref))
    b.end(boom)
    stage.until_dead("b")
    assert a.nothing_more()
    assert not a.ref._home().ties


@pytest.mark.parametrize("name", ["nobody", "a"])
def test_the_dead_are_down_at_once(actors, stage, name):
    a, b = actors("a", "b")
    a.end(boom)
    stage.until_dead("a")
    monitor = b.do(lambda: otp.monitor(stage.ref(name)))
    assert b.news() == otp.Down(monitor, stage.ref(name), otp.Reason.NOPROC)


def test_a_monitor_ends_with_an_incarnation(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    b.do(lambda: otp.monitor(a.ref))
    for _ in range(2):
        a.end(boom)
        stage.until_dead("a")
        stage.advance(10.0)
        stage.until(otp.events.Healthy, "root.a")
    assert isinstance(b.news(), otp.Down)
    assert b.nothing_more()


def restarted(actor, stage):
    """What the first incarnation of `actor` has from `otp.current`, when the second runs."""
    first = actor.do(otp.current)
    actor.end(boom)
    stage.until_dead(actor.name)
    stage.advance(10.0)
    stage.until(otp.events.Healthy, first.dn)
    return first


def test_the_incarnation_that_a_current_ref_is_of_is_down_although_its_successor_lives(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    first = restarted(a, stage)
    monitor = b.do(lambda: otp.monitor(first))
    assert b.news() == otp.Down(monitor, first, otp.Reason.NOPROC)
    assert not a.ref._home().ties


def test_the_incarnation_that_a_current_ref_is_of_is_monitored_while_it_lives(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    restarted(a, stage)
    second = a.do(otp.current)
    monitor = b.do(lambda: otp.monitor(second))
    a.end(boom)
    down = b.news()
    assert down.monitor is monitor
    assert isinstance(down.reason, ValueError)


def test_a_dissolved_monitor_tells_nothing(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.demonitor(otp.monitor(a.ref)))
    a.end(boom)
    stage.until_dead("a")
    assert b.nothing_more()


def test_a_down_that_waits_is_not_delivered_after_demonitor(actors, stage):
    b, a = actors("b", threads=("a",))

    def too_late():
        monitor = otp.monitor(a.ref)
        a.end(boom)
        stage.until_dead("a")
        otp.demonitor(monitor)
        otp.demonitor(monitor)

    b.do(too_late)
    assert b.nothing_more()


def test_a_monitor_is_dissolved_by_its_owner(actors):
    a, b = actors("a", "b")
    monitor = b.do(lambda: otp.monitor(a.ref))
    with pytest.raises(ValueError, match="not the caller's own"):
        a.do(lambda: otp.demonitor(monitor))


def test_monitors_leave_nothing_behind(actors, stage):
    a, b = actors("a", "b")
    kept = b.do(lambda: otp.monitor(a.ref))
    b.do(lambda: otp.demonitor(otp.monitor(a.ref)))
    assert list(a.ref._home().ties) == [kept]
    a.end(boom)
    b.news()
    assert not b.ref._home().ties


def test_a_monitor_of_oneself_tells_nothing(actors):
    (a,) = actors("a")
    monitor = a.do(lambda: otp.monitor(a.ref))
    assert repr(monitor) == "<Monitor of root.a>"
    assert a.nothing_more()
    a.do(lambda: otp.demonitor(monitor))


def test_a_server_that_starts_can_be_monitored(stage):
    told = concurrent.futures.Future()

    def child():
        assert stage.gate.wait(PATIENCE)
        boom()

    def parent():
        otp.monitor(otp.run("child", child, restart=otp.Restart.TEMPORARY))
        stage.gate.set()
        told.set_result(otp.receive())
        otp.wait_canceled()

    stage.start(parent=otp.Child(parent, restart=otp.Restart.TEMPORARY), sentinel=otp.wait_canceled)
    assert isinstance(told.result(PATIENCE).reason, ValueError)


def test_the_ends_of_a_stop_are_told(actors, stage):
    """Last started, first stopped: the first hears of the second."""
    a, b = actors("a", "b")
    heard = concurrent.futures.Future()
    a.do(lambda: otp.monitor(b.ref))
    stage.system.request_stop()
    stage.system.join(PATIENCE)
    heard.set_result(a.news())
    assert heard.result().reason is otp.Reason.SHUTDOWN


def test_what_one_has_sent_comes_before_its_down(actors):
    a, b = actors("a", "b")
    b.do(lambda: otp.monitor(a.ref))

    def last_words():
        for number in range(50):
            b.ref.send(number)
        boom()

    a.end(last_words)
    assert [b.news() for _ in range(50)] == list(range(50))
    assert isinstance(b.news(), otp.Down)


def test_monitors_made_while_the_other_ends_are_never_lost(stage):
    told = concurrent.futures.Future()

    def mortal():
        otp.signal(otp.Signal.HEALTHY)
        boom()

    def watcher():
        otp.signal(otp.Signal.HEALTHY)
        for _ in range(100):
            monitor = otp.monitor(stage.ref("mortal"))
            assert otp.receive().monitor is monitor
        told.set_result(True)
        otp.wait_canceled()

    stage.start(mortal=otp.Child(mortal, backoff=otp.Backoff(initial=0.0, jitter=0.0)), watcher=watcher)
    assert told.result(PATIENCE)
