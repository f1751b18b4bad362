"""`canceled`, `wait_canceled` and `sleep`: the token, on virtual time; and `current`."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest

import otp


@pytest.fixture
def answers(inside):
    """A root that answers with what `call` gives; called on and on, until it is canceled."""

    def start(call):
        answer: Future = Future()

        def root():
            otp.signal(otp.Signal.HEALTHY)
            try:
                answer.set_result(call())
            except BaseException as error:
                answer.set_exception(error)
                raise

        inside.start(root).wait_healthy(timeout=30)
        return answer

    return start


def test_nothing_is_canceled_until_somebody_asks(inside):
    assert inside(otp.canceled) is False
    assert inside(lambda: otp.wait_canceled(0)) is False


def test_a_wait_ends_when_its_time_is_over(inside, answers):
    answer = answers(lambda: otp.wait_canceled(10))
    inside.clock.wait_for_sleepers(1)
    inside.clock.advance(9.9)
    assert not answer.done()
    inside.clock.advance(0.1)
    assert answer.result(timeout=30) is False


def test_a_wait_ends_when_it_is_asked_to(inside, answers):
    answer = answers(lambda: (otp.wait_canceled(10), otp.canceled()))
    inside.clock.wait_for_sleepers(1)
    inside.system.restart("root")
    assert answer.result(timeout=30) == (True, True)


def test_a_wait_without_a_time_waits_for_ever(inside, answers):
    answer = answers(otp.wait_canceled)
    inside.clock.advance(1e9)
    assert not answer.done()
    inside.system.request_stop()
    assert answer.result(timeout=30) is True


def test_all_who_wait_are_woken(inside):
    woken = threading.Barrier(4)

    def helper():
        assert otp.wait_canceled()
        woken.wait(timeout=30)

    def root():
        threads = [threading.Thread(target=otp.bind(helper)) for _ in range(3)]
        for thread in threads:
            thread.start()
        otp.signal(otp.Signal.HEALTHY)
        for thread in threads:
            thread.join()

    system = inside.start(root)
    system.wait_healthy(timeout=30)
    system.request_stop()
    woken.wait(timeout=30)
    system.join(timeout=30)
    assert system.tree().state is otp.NodeState.CANCELED


def test_a_sleep_ends_when_its_time_is_over(inside, answers):
    answer = answers(lambda: otp.sleep(10))
    inside.clock.wait_for_sleepers(1)
    inside.clock.advance(10)
    assert answer.result(timeout=30) is None


def test_a_sleep_of_a_canceled_runnable_raises(inside, answers):
    answer = answers(lambda: otp.sleep(10))
    inside.clock.wait_for_sleepers(1)
    inside.system.request_stop()
    with pytest.raises(otp.Canceled, match="root was canceled"):
        answer.result(timeout=30)


def test_no_sleep_begins_in_a_canceled_runnable(inside, answers):
    def call():
        otp.wait_canceled()
        otp.sleep(10)

    answer = answers(call)
    inside.system.request_stop()
    with pytest.raises(otp.Canceled):
        answer.result(timeout=30)


def test_an_except_exception_does_not_swallow_the_cancel(inside, answers):
    def call():
        try:
            otp.sleep(10)
        except Exception:  # noqa: BLE001 - what users write
            return "swallowed"

    answer = answers(call)
    inside.system.request_stop()
    with pytest.raises(otp.Canceled):
        answer.result(timeout=30)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            otp.wait_canceled,
            (
                "wait_canceled would block the event loop of this thread: an `async def` runnable gets "
                "asyncio.CancelledError where it awaits"
            ),
        ),
        (lambda: otp.sleep(1), "sleep would block the event loop of this thread: await asyncio.sleep"),
    ],
)
def test_what_would_block_an_event_loop_is_refused_and_says_what_to_do(inside, call, text):
    answer: Future = Future()

    async def root():
        try:
            call()
        except otp.BlockingCallError as error:
            answer.set_result(str(error))
        await asyncio.Event().wait()

    inside.start(root)
    assert answer.result(timeout=30) == text


def test_current_tells_node_incarnation_and_token(inside):
    me = inside(otp.current)
    assert (me.dn, me.name, me.incarnation, repr(me)) == ("root", "root", 1, "<CurrentRef root>")
    assert isinstance(me.fencing_token, int)


def test_the_fencing_token_grows_over_systems_too(inside):
    tokens = [inside(otp.current).fencing_token for _ in range(5)]
    assert tokens == sorted(set(tokens))


def test_the_fencing_token_grows_when_the_clock_of_the_machine_goes_back(inside, monkeypatch):
    tokens = []
    born = threading.Semaphore(0)

    def root():
        tokens.append(otp.current().fencing_token)
        born.release()
        otp.wait_canceled()

    system = inside.start(root)
    assert born.acquire(timeout=30)
    monkeypatch.setattr("time.time_ns", lambda: 17)
    for _ in range(3):
        system.restart("root")
        assert born.acquire(timeout=30)
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 4
