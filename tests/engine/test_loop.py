"""The loop that the actors of a tree share, by itself: what it handles when, and that nothing ends it but `close`."""

from __future__ import annotations

import threading
import time

import pykka
import pytest
from pykka._envelope import Envelope

from otp.testing.clock import VirtualClock
from otp.tree.actor import Actor
from otp.tree.loop import Loop


class Recorder(Actor):
    """Does what it is told to, and remembers what that gave."""

    def __init__(self, loop, log):
        super().__init__(loop)
        self.log = log

    def on_receive(self, message):
        if callable(message):
            return message(self)
        self.log.append(message)
        return message


@pytest.fixture
def garbage():
    """What was given to be dropped elsewhere."""
    return []


@pytest.fixture
def loop(clock, garbage):
    loop = Loop(clock, "the loop", garbage.extend)
    loop.faults = []
    loop.on_fault = loop.faults.append
    yield loop
    if loop._thread.ident is not None:
        Recorder.start(loop, []).tell(lambda _actor: loop.close())
        loop.join()


@pytest.fixture
def ref(loop):
    return Recorder.start(loop, loop.faults)


def finish(loop, ref):
    """Let the loop handle what there is, and end it."""
    ref.tell(lambda _actor: loop.close())
    loop.join()


def test_messages_are_handled_in_the_order_in_which_they_were_told(loop):
    log = []
    ref = Recorder.start(loop, log)
    for number in range(100):
        ref.tell(number)
    assert loop.backlog == 100
    loop.start()
    finish(loop, ref)

    assert log == list(range(100))
    assert loop.backlog == 0


def test_what_actors_tell_each_other_is_handled_before_what_comes_from_outside(loop):
    log = []
    first, second = Recorder.start(loop, log), Recorder.start(loop, log)

    def tells_twice(_actor):
        second.tell("inside 1")
        first.tell("inside 2")
        log.append("told")

    first.tell(tells_twice)
    first.tell("outside")
    loop.start()
    finish(loop, first)

    assert log == ["told", "inside 1", "inside 2", "outside"]


def test_all_actors_run_in_the_thread_of_the_loop(loop):
    names = []
    refs = [Recorder.start(loop, names) for _ in range(5)]
    for ref in refs:
        ref.tell(lambda actor: actor.log.append(threading.current_thread().name))
    loop.start()
    finish(loop, refs[0])

    assert names == ["the loop"] * 5


def test_an_answer_comes_with_ask(loop, ref):
    loop.start()

    assert ref.ask("question", timeout=5) == "question"


def test_an_alarm_rings_when_its_time_has_come(loop, ref, clock):
    rang = threading.Event()

    def ring():
        loop.alarm = None
        rang.set()

    loop.on_alarm = ring
    loop.alarm = clock.monotonic() + 10
    loop.start()
    clock.advance(9)
    assert ref.ask("question", timeout=5) == "question"
    assert not rang.is_set()
    clock.advance(1)

    assert rang.wait(5)


def test_an_alarm_rings_before_a_message_that_came_later(loop, clock):
    log = []

    def ring():
        loop.alarm = None
        log.append("alarm")

    loop.on_alarm = ring
    loop.alarm = clock.monotonic()
    ref = Recorder.start(loop, log)
    ref.tell("message")
    loop.start()
    finish(loop, ref)

    assert log == ["alarm", "message"]


def test_a_wave_goes_by_the_time_of_the_machine_whatever_the_clock(loop):
    came = threading.Event()

    def wave():
        loop.wave = None
        came.set()

    loop.on_wave = wave
    loop.wave = time.monotonic() + 0.01
    loop.alarm = 1e9  # of a clock that stands still
    loop.start()

    assert came.wait(5)


def test_a_clock_that_was_listened_to_is_left_at_the_end(loop, ref, clock):
    loop.start()
    assert ref.ask(1, timeout=5) == 1
    assert len(clock._wakes) == 1
    finish(loop, ref)

    assert clock._wakes == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_fault_in_a_handler_is_reported_and_ends_nothing(loop, ref, error):
    def raises(_actor):
        raise error

    loop.start()
    ref.tell(raises)

    assert ref.ask("still here", timeout=5) == "still here"
    assert [type(fault) for fault in loop.faults] == [error, str]


@pytest.mark.parametrize("callback", ["on_alarm", "on_wave", "on_close"])
def test_a_fault_in_a_callback_is_reported_and_ends_nothing(loop, ref, callback):
    def raises():
        loop.alarm = loop.wave = None
        raise SystemExit

    setattr(loop, callback, raises)
    if callback == "on_alarm":
        loop.alarm = 0.0
    elif callback == "on_wave":
        loop.wave = 0.0
    loop.start()
    assert ref.ask("still here", timeout=5) == "still here"
    finish(loop, ref)

    assert [type(fault) for fault in loop.faults if fault != "still here"] == [SystemExit]


def test_a_fault_that_nobody_asked_for_is_printed(clock, capsys):
    loop = Loop(clock, "the loop", lambda garbage: None)
    ref = Recorder.start(loop, [])

    def raises(_actor):
        raise ZeroDivisionError

    ref.tell(raises)
    ref.tell(lambda _actor: loop.close())
    loop.start()
    loop.join()

    assert "ZeroDivisionError" in capsys.readouterr().err


def test_what_is_released_is_handed_over_after_the_message(loop, ref, garbage):
    def releases(_actor):
        loop.release("this", "that")
        assert garbage == []

    ref.tell(releases)
    loop.start()
    finish(loop, ref)

    assert garbage == ["this", "that"]
    assert loop.faults == []


def test_the_loop_keeps_nothing_of_a_message_that_has_been_handled(loop, ref):
    class Thing:
        pass

    gone = threading.Event()

    class Message:
        def __del__(self):
            gone.set()

    loop.start()
    ref.tell(Message())
    loop.faults.clear()
    assert ref.ask(lambda actor: actor.log.clear(), timeout=5) is None

    assert gone.wait(5)


def test_closing_handles_what_is_told_inside_and_refuses_what_waits_outside(loop):
    log = []
    ref, other = Recorder.start(loop, log), Recorder.start(loop, log)

    def closes(_actor):
        other.tell("inside, before")
        loop.close()

    ref.tell(closes)
    late = ref.ask("outside", block=False)
    loop.start()
    loop.join()

    assert log == ["inside, before"]
    with pytest.raises(pykka.ActorDeadError, match=r"^Recorder \(.*\) has stopped$"):
        late.get(timeout=5)
    assert loop.closed


def test_what_comes_after_the_end_is_refused_at_once(loop, ref):
    loop.start()
    finish(loop, ref)

    with pytest.raises(pykka.ActorDeadError):
        ref.ask("late", timeout=5)
    ref.tell("late too")
    assert loop.backlog == 0


def test_what_is_refused_is_told_to_its_actor(loop):
    class Keeper(Recorder):
        def refused(self, message):
            self.log.append(message)

    log = []
    ref = Keeper.start(loop, log)
    loop.start()
    finish(loop, ref)
    ref.tell("late")

    assert log == ["late"]


def test_a_stopped_actor_refuses_and_the_loop_goes_on(loop):
    log = []
    ref, other = Recorder.start(loop, log), Recorder.start(loop, log)
    waiting = ref.actor_inbox
    loop.start()
    assert ref.stop(timeout=5)
    assert not ref.is_alive()
    question = pykka.ThreadingFuture()
    waiting.put(Envelope("told before it was known to have stopped", reply_to=question))

    with pytest.raises(pykka.ActorDeadError):
        question.get(timeout=5)
    assert other.ask("still here", timeout=5) == "still here"
    assert log == ["still here"]


def test_telling_is_possible_before_the_loop_is_started(loop, ref):
    early = ref.ask("early", block=False)
    loop.start()

    assert early.get(timeout=5) == "early"


def test_a_thread_that_was_not_to_be_had_leaves_the_loop_to_be_started_again(clock, monkeypatch):
    loop = Loop(clock, "the loop", lambda garbage: None)
    ref = Recorder.start(loop, [])

    def no_thread(_self):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            loop.start()
    loop.start()
    ref.tell(lambda _actor: loop.close())
    loop.join()

    assert loop.closed


def test_the_inbox_is_a_way_in_only(loop, ref):
    inbox = ref.actor_inbox

    assert inbox.empty()
    with pytest.raises(AssertionError):
        inbox.get()


def test_two_loops_do_not_mix_their_actors(garbage):
    loops = [Loop(VirtualClock(), name, garbage.extend) for name in ("one", "two")]
    refs = [Recorder.start(loop, []) for loop in loops]
    for loop in loops:
        loop.start()
    names = [ref.ask(lambda _actor: threading.current_thread().name, timeout=5) for ref in refs]

    def passes_on(_actor):
        return refs[1].ask(lambda _actor: threading.current_thread().name, block=False)

    assert names == ["one", "two"]
    assert refs[0].ask(passes_on, timeout=5).get(timeout=5) == "two"
    for loop, ref in zip(loops, refs, strict=True):
        finish(loop, ref)
