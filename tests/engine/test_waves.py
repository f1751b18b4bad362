"""A mass cancel goes out in waves: so many at a time, and to the incarnation that was meant."""

from __future__ import annotations

import threading
import time

import pytest

import otp
from otp.tree import supervisor
from otp.tree.decision.messages import Cancel, Ended
from otp.tree.incarnation import Lifecycle
from otp.tree.loop import Loop
from otp.tree.node import Node
from otp.tree.supervisor import Supervisor

WAVE = supervisor._WAVE


PATIENCE = 30.0


@pytest.fixture
def patient(monkeypatch):
    """The next wave waits far longer for the last one than that should take; gives whether it did not have to."""
    monkeypatch.setattr(supervisor, "_WAVE_PATIENCE", PATIENCE)
    begin = time.monotonic()
    return lambda: time.monotonic() - begin < PATIENCE


@pytest.fixture
def flight(monkeypatch):
    """How many cancels were on their way after each cancel and each end, as the loop of the tree saw it."""
    log = []
    flying = set()
    post = Loop.post

    def counting(loop, actor, message, reply_to=None):
        if isinstance(actor, Node) and isinstance(message, Cancel):
            flying.add((message.node, message.incarnation))
            log.append(len(flying))
        post(loop, actor, message, reply_to)
        if isinstance(actor, Supervisor) and isinstance(message, Lifecycle) and isinstance(message.event, Ended):
            flying.discard((message.event.node, message.event.incarnation))

    monkeypatch.setattr(Loop, "post", counting)
    return log


def group_of(number, runnable, restart=otp.Restart.PERMANENT):
    """A runnable that starts one group of so many children."""

    def parent():
        otp.run_group({f"c{index}": otp.Child(runnable, index, restart=restart) for index in range(number)})
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    return parent


def test_no_more_than_a_hundred_cancels_are_on_their_way_at_once(stage, patient, flight):
    number = 5 * WAVE

    def child(_index):
        stage.serve()

    system = stage.start(group_of(number, child))
    system.wait_healthy(20)
    system.request_stop(now=True)
    system.join(20)

    assert len(flight) == number + 1
    assert max(flight) == WAVE
    assert patient()


def test_what_takes_its_time_to_end_does_not_hold_up_the_other_cancels(stage):
    number = 2 * WAVE + WAVE // 2
    canceled, may_end = threading.Semaphore(0), stage.gate()

    def child(_index):
        stage.serve()
        canceled.release()
        may_end.wait()

    system = stage.start(group_of(number, child))
    system.wait_healthy(20)
    system.restart("root")
    assert all(canceled.acquire(timeout=10) for _ in range(number))
    may_end.set()
    system.wait_settled(20)

    assert system.tree().incarnation == 2


def test_a_cancel_that_waited_for_its_wave_does_not_reach_the_next_incarnation(stage, patient):
    number = 3 * WAVE
    first_wave, others = stage.gate(), stage.gate()
    dies = stage.gate()

    def child(index):
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation > 1:
            otp.wait_canceled()
        elif index == 0:
            dies.wait()
            raise ValueError
        elif index <= WAVE:
            first_wave.wait()
        else:
            others.wait()

    system, story = stage.watch(group_of(number, child), backoff=otp.Backoff(initial=0))
    system.wait_healthy(20)
    dies.set()
    story.until(otp.events.Died, "root.c0")
    others.set()  # these end before their cancel has gone out
    for _ in range(number - WAVE - 1):
        story.until(otp.events.Canceled)
    first_wave.set()
    for _ in range(number):
        story.until(otp.events.Healthy, incarnation=2)
    system.stop()  # its cancels stand behind those that still wait
    story.rest()

    assert [died.dn for died in story.of(otp.events.Died)] == ["root.c0"]
    ends = [event.dn for event in story.of(otp.events.Canceled) if event.incarnation == 2]
    assert ends == [f"root.c{index}" for index in reversed(range(number))]
    assert patient()


def test_cancels_of_what_has_ended_meanwhile_take_no_place_in_a_wave(stage, patient):
    number = 3 * WAVE
    slow, others, dies = stage.gate(), stage.gate(), stage.gate()

    def child(index):
        otp.signal(otp.Signal.HEALTHY)
        if index == 0:
            dies.wait()
            raise ValueError
        if index <= WAVE:
            slow.wait()
        elif index <= 2 * WAVE:
            others.wait()
        else:
            otp.wait_canceled()

    system, story = stage.watch(group_of(number, child, otp.Restart.TEMPORARY))
    system.wait_healthy(20)
    system.restart("root")
    others.set()
    for _ in range(WAVE):
        story.until(otp.events.Canceled)
    slow.set()
    dies.set()
    story.until(otp.events.Started, "root", incarnation=2)

    assert system.tree().incarnation == 2
    assert patient()
