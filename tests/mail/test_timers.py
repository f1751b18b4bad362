"""Timers: `send_after`, `send_interval`, `cancel_timer`, `read_timer`; on virtual time, and on that of the machine."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest

import otp
from otp.mail.timers import Timers
from otp.tree.clock import SystemClock

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


def timer_threads():
    return [thread for thread in threading.enumerate() if thread.name == "otp: timers"]


# --- one message ---


def test_a_message_is_sent_when_its_time_has_come(actors, stage):
    a, b = actors("a", "b")
    timer = a.do(lambda: otp.send_after(b.ref, "later", 7.0))
    stage.advance(6.5)
    assert b.nothing_more()
    assert otp.read_timer(timer) == 0.5
    stage.advance(0.5)
    assert b.news() == "later"
    assert otp.read_timer(timer) is None
    assert otp.cancel_timer(timer) is None


def test_no_time_at_all_is_as_soon_as_possible(actors):
    (a,) = actors("a")
    a.do(lambda: otp.send_after(a.ref, "now", 0))
    assert a.news() == "now"


def test_messages_come_in_the_order_in_which_they_are_due(actors, stage):
    (a,) = actors("a")
    for seconds in (3, 1, 2, 1):
        a.do(lambda seconds=seconds: otp.send_after(a.ref, seconds, seconds))
    stage.advance(10)
    assert [a.news() for _ in range(4)] == [1, 1, 2, 3]


def test_of_those_that_are_due_at_once_the_first_made_is_the_first_sent(actors, stage):
    (a,) = actors("a")
    a.do(lambda: [otp.send_after(a.ref, number, 1.0) for number in range(50)])
    stage.advance(1.0)
    assert [a.news() for _ in range(50)] == list(range(50))


def test_a_sooner_one_wakes_the_thread(actors, stage):
    (a,) = actors("a")
    a.do(lambda: otp.send_after(a.ref, "late", 100.0))
    stage.advance(1.0)
    a.do(lambda: otp.send_after(a.ref, "soon", 1.0))
    stage.advance(1.0)
    assert a.news() == "soon"


def test_a_canceled_timer_sends_nothing(actors, stage):
    (a,) = actors("a")
    timer = a.do(lambda: otp.send_after(a.ref, "never", 7.0))
    a.do(lambda: otp.send_after(a.ref, "after it", 8.0))
    stage.advance(2.0)
    assert a.do(lambda: otp.cancel_timer(timer)) == 5.0
    assert otp.cancel_timer(timer) is None
    assert otp.read_timer(timer) is None
    stage.advance(10.0)
    assert a.news() == "after it"
    assert a.nothing_more()


def test_a_timer_to_another_finds_who_lives_there_then(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    a.do(lambda: otp.send_after(b.ref, "hello", 100.0))
    b.end(boom)
    stage.until_dead("b")
    stage.advance(1.0)
    stage.until(otp.events.Healthy, "root.b")
    stage.advance(100.0)
    assert b.news() == "hello"


def test_a_timer_to_another_outlives_who_has_made_it(actors, stage):
    a, b = actors("a", "b")
    a.do(lambda: otp.send_after(b.ref, "hello", 100.0))
    a.end(boom)
    stage.until_dead("a")
    stage.advance(100.0)
    assert b.news() == "hello"


def test_a_name_is_looked_up_when_it_is_due(actors, stage):
    a, b = actors("a", "b")
    a.do(lambda: otp.send_after(otp.ref("boss"), "hello", 1.0))
    b.do(lambda: otp.register("boss"))
    stage.advance(1.0)
    assert b.news() == "hello"


def test_a_timer_to_nobody_is_lost(actors, stage):
    (a,) = actors("a")
    a.do(lambda: otp.send_after(stage.ref("nobody"), "lost", 1.0))
    a.do(lambda: otp.send_after(a.ref, "next", 1.0))
    stage.advance(1.0)
    assert a.news() == "next"


def test_a_timer_to_oneself_ends_with_the_incarnation(actors, stage):
    (a,) = actors("a", restart=otp.Restart.PERMANENT)
    timer = a.do(lambda: otp.send_after(a.ref, "for the first", 100.0))
    a.end(boom)
    stage.until_dead("a")
    assert otp.read_timer(timer) is None
    stage.advance(1.0)
    stage.until(otp.events.Healthy, "root.a")
    a.do(lambda: otp.send_after(a.ref, "for the second", 100.0))
    stage.advance(100.0)
    assert a.news() == "for the second"


# --- again and again ---


def test_an_interval_sends_until_it_is_canceled(actors, stage):
    a, b = actors("a", "b")
    timer = a.do(lambda: otp.send_interval(b.ref, "tick", 2.0))
    for _ in range(3):
        stage.advance(2.0)
        assert b.news() == "tick"
        assert otp.read_timer(timer) == 2.0
    stage.advance(0.5)
    assert otp.cancel_timer(timer) == 1.5
    b.do(lambda: otp.send_after(b.ref, "after it", 8.0))
    stage.advance(8.0)
    assert b.news() == "after it"


def test_no_interval_is_left_out_when_time_jumps(actors, stage):
    (a,) = actors("a")
    a.do(lambda: otp.send_interval(a.ref, "tick", 2.0))
    stage.advance(9.0)
    assert [a.news() for _ in range(4)] == ["tick"] * 4
    stage.advance(1.0)
    assert a.news() == "tick"


def test_an_interval_ends_with_the_incarnation_it_sends_to(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    timer = a.do(lambda: otp.send_interval(b.ref, "tick", 2.0))
    b.end(boom)
    stage.until_dead("b")
    assert otp.read_timer(timer) is None
    stage.advance(10.0)
    stage.until(otp.events.Healthy, "root.b")
    assert b.nothing_more()


def test_an_interval_outlives_who_has_made_it(actors, stage):
    a, b = actors("a", "b")
    a.do(lambda: otp.send_interval(b.ref, "tick", 2.0))
    a.end(boom)
    stage.until_dead("a")
    stage.advance(2.0)
    assert b.news() == "tick"


def test_an_interval_to_nobody_has_ended(actors, stage):
    (a,) = actors("a")
    timer = a.do(lambda: otp.send_interval(stage.ref("nobody"), "tick", 2.0))
    assert otp.read_timer(timer) is None
    assert otp.cancel_timer(timer) is None


# --- what timers take ---


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ValueError, lambda ref: otp.send_after(ref, "m", -1)),
        (ValueError, lambda ref: otp.send_after(ref, "m", float("nan"))),
        (ValueError, lambda ref: otp.send_interval(ref, "m", 0)),
        (TypeError, lambda ref: otp.send_after(ref, "m", "1")),
        (TypeError, lambda ref: otp.send_after(ref, "m", seconds=True)),
        (TypeError, lambda _: otp.send_after("root.a", "m", 1)),
        (TypeError, lambda ref: otp.send_interval(ref, "m", None)),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(actors, error, call):
    (a,) = actors("a")
    with pytest.raises(error):
        a.do(lambda: call(a.ref))


@pytest.mark.parametrize("call", [otp.send_after, otp.send_interval])
def test_only_runnables_make_timers(stage, call):
    stage.start()
    with pytest.raises(otp.NotInRunnableError):
        call(stage.ref("a"), "m", 1.0)


# --- the thread ---


def test_there_is_no_thread_before_the_first_timer_and_one_for_all(actors):
    (a,) = actors("a")
    assert timer_threads() == []
    a.do(lambda: [otp.send_after(a.ref, "m", 100.0) for _ in range(10)])
    assert len(timer_threads()) == 1


def test_the_thread_ends_with_the_system(actors, stage):
    (a,) = actors("a")
    a.do(lambda: otp.send_interval(a.ref, "m", 100.0))
    stage.system.stop()
    assert timer_threads() == []


def test_timers_leave_nothing_behind(actors, stage):
    (a,) = actors("a")
    a.do(lambda: otp.send_after(a.ref, "fired", 1.0))
    a.do(lambda: [otp.cancel_timer(otp.send_after(a.ref, "m", 100.0)) for _ in range(1000)])
    timers = stage.system.directory.service(Timers, lambda: None)
    assert len(timers._heap) < 200
    stage.advance(1.0)
    assert a.news() == "fired"
    a.do(lambda: otp.send_after(a.ref, "fired", 0.0))  # whose turn comes after the end of the one before
    assert a.news() == "fired"
    assert len(a.ref._home().ties or ()) <= 1


def test_what_was_canceled_is_not_sent_whatever_it_races(stage):
    """Canceled in time it is not in the mailbox, and otherwise it is: one or the other, for each of them."""
    told = concurrent.futures.Future()

    def server():
        otp.signal(otp.Signal.HEALTHY)
        wrong = []
        for number in range(500):
            timer = otp.send_after(otp.current(), number, 0.0)
            if otp.cancel_timer(timer) is None:
                if otp.receive(PATIENCE) != number:
                    wrong.append(number)
            else:
                with pytest.raises(otp.ReceiveTimeoutError):
                    otp.receive(0)
        told.set_result(wrong)
        otp.wait_canceled()

    stage.start(clock=SystemClock(), server=server)
    assert told.result(PATIENCE) == []


def test_timers_follow_the_clock_of_the_machine(stage):
    told = concurrent.futures.Future()

    def server():
        otp.signal(otp.Signal.HEALTHY)
        otp.send_after(otp.current(), "last", 0.02)
        ticking = otp.send_interval(otp.current(), "tick", 0.001)
        got = [otp.receive(PATIENCE)]
        while got[-1] != "last":
            got.append(otp.receive(PATIENCE))
        otp.cancel_timer(ticking)
        told.set_result(got)
        otp.wait_canceled()

    stage.start(clock=SystemClock(), server=server)
    assert set(told.result(PATIENCE)) == {"tick", "last"}
