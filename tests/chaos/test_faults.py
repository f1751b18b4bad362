"""Faults that are put into the engine, and that chaos has to find: it would be worth nothing if it did not."""

from __future__ import annotations

import itertools
import time

import pytest

from otp.backends.thread import ThreadBackend
from otp.mail.calls import BlockingCall, FutureCall
from otp.streams import Publisher
from otp.testing.chaos import recorder
from otp.tree.decision.messages import Canceling, Changed, End, Ended
from otp.tree.decision.model import NodeState
from otp.tree.incarnation import Incarnation, Lifecycle
from otp.tree.supervisor import Supervisor
from otp.tree.timers import Timers


def every(many):
    """True once in so many calls."""
    numbers = itertools.count(1)
    return lambda: next(numbers) % many == 0


@pytest.fixture
def one_end(monkeypatch):
    """A runnable that the fault has end twice is not to fail of that: it is not the fault that is looked for."""
    end = Incarnation.end

    def once(incarnation, *args):
        if not incarnation._ended:
            end(incarnation, *args)

    monkeypatch.setattr(Incarnation, "end", once)


def test_an_engine_without_faults_is_not_accused(violations):
    assert violations() == []


def test_a_cancel_that_is_not_delivered_is_found(violations, monkeypatch):
    cancel, now = Incarnation.cancel, every(20)

    def lossy(incarnation):
        if incarnation._ended or not now():
            cancel(incarnation)

    monkeypatch.setattr(Incarnation, "cancel", lossy)

    found = violations()
    assert any(text.startswith(("liveness", "R12", "R14", "I6")) for text in found)


def test_a_cancel_that_nobody_ordered_is_found(violations, monkeypatch):
    signal, now = Incarnation.signal, every(50)

    def canceling(incarnation, told):
        signal(incarnation, told)
        if now():
            incarnation.cancel()

    monkeypatch.setattr(Incarnation, "signal", canceling)

    found = violations()
    assert any(text.startswith("isolation") and "has canceled" in text for text in found)


def test_an_end_that_is_reported_twice_is_found(violations, monkeypatch):
    receive = Supervisor.on_receive

    def twice(supervisor, message):
        if isinstance(message, Lifecycle) and isinstance(message.event, Ended):
            receive(supervisor, message)
        return receive(supervisor, message)

    monkeypatch.setattr(Supervisor, "on_receive", twice)

    found = violations()
    assert any(text.startswith("R10: Ended of") and text.endswith("after its end") for text in found)


@pytest.mark.usefixtures("one_end")
def test_an_end_that_is_reported_before_its_time_is_found(violations, monkeypatch):
    cancel = Incarnation.cancel

    def hasty(incarnation):
        if not incarnation._ended:
            incarnation.end(End.LEFT)
        cancel(incarnation)

    monkeypatch.setattr(Incarnation, "cancel", hasty)

    found = violations()
    assert any("was reported to have ended, and still runs" in text for text in found)


@pytest.mark.usefixtures("one_end")
def test_an_incarnation_that_is_started_twice_is_found(violations, monkeypatch):
    start, now = ThreadBackend.start, every(20)

    def twice(backend, incarnation, job):
        if now():
            start(backend, incarnation, job)
        return start(backend, incarnation, job)

    monkeypatch.setattr(ThreadBackend, "start", twice)

    found = violations()
    assert any(text.startswith("I1:") for text in found)


def test_a_timer_that_never_rings_is_found(violations, monkeypatch):
    arm, now = Timers.arm, every(2)  # of each ten only one was too few on a slow machine

    def late(timers, timer, at):
        is_backoff = at - time.monotonic() < 0.2  # most deadlines are longer, and are disarmed in time
        arm(timers, timer, at + 1000.0 if is_backoff and now() else at)

    monkeypatch.setattr(Timers, "arm", late)

    found = violations()
    assert any(text.startswith("liveness") for text in found)


def test_an_action_that_is_not_taken_is_found(violations, monkeypatch):
    decide, now = recorder.decide, every(5)

    def forgetful(tree, event):
        tree, actions = decide(tree, event)
        return tree, [action for action in actions if not (isinstance(action, Canceling) and now())]

    monkeypatch.setattr(recorder, "decide", forgetful)

    found = violations()
    assert any(text.startswith("contract") for text in found)


def test_an_event_that_is_not_published_is_found(violations, monkeypatch):
    publish, now = Publisher.publish, every(40)

    def is_lost(report):
        return isinstance(report, Changed) and report.state is NodeState.HEALTHY and now()

    def lossy(publisher, reports):
        publish(publisher, [report for report in reports if not is_lost(report)])

    monkeypatch.setattr(Publisher, "publish", lossy)

    found = violations()
    assert any(text.startswith("I15: event") for text in found)


def test_a_request_that_is_not_told_of_the_end_of_its_server_is_found(violations, monkeypatch):
    monkeypatch.setattr(FutureCall, "fail", lambda _call, _reason: None)

    found = violations()
    assert any(text.startswith("mail: the request") for text in found)


def test_a_reply_that_is_another_callers_is_found(violations, monkeypatch):
    answer, now = BlockingCall.answer, every(20)

    def wrong(call, value):
        answer(call, value + 1 if now() else value)

    monkeypatch.setattr(BlockingCall, "answer", wrong)

    found = violations()
    assert any(text.startswith("mail: the reply") for text in found)
