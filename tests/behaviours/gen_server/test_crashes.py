"""What becomes of a server whose callback raises, and what those are told who wait for it."""

from __future__ import annotations

import asyncio

import pytest

import otp

from .house import boom, reason_of

CRASHES = [ValueError("broken"), otp.CallTimeoutError("of another", None), SystemExit(3), KeyboardInterrupt()]


class Own(BaseException):
    pass


@pytest.mark.parametrize("crash", [*CRASHES, Own("own"), otp.Canceled(), asyncio.CancelledError()], ids=repr)
def test_a_crash_is_the_reason_of_the_end_and_the_cause_of_the_callers_error(house, kind, errors, crash):
    ref = house.do(kind)
    error = errors(ref.call, boom(crash))

    assert type(error) is otp.ServerExitError
    assert error.ref == ref
    assert error.reason is crash
    assert error.__cause__ is crash
    assert house.next() == ("terminate", crash)
    assert house.event(otp.events.Died).error.startswith(type(crash).__name__)


def test_everybody_who_waits_is_told_whether_the_server_has_seen_the_call_or_not(house, kind):
    started, gate = house.gate(), house.gate()
    crash = KeyError("broken")

    def fall(_):
        started.set()
        gate.wait()
        raise crash

    ref = house.do(kind)
    seen = [house.waiting(ref) for _ in range(3)]
    ref.cast(fall)
    assert started.wait(10)
    unseen = [ref.send_request(lambda *_: "never") for _ in range(3)]
    gate.set()

    assert [reason_of(each) for each in seen + unseen] == [crash] * 6


@pytest.mark.parametrize("how", ["call", "cast", "info", "continue"])
def test_any_callback_may_crash(house, kind, how):
    crash = ValueError("broken")
    ref = house.do(kind)
    waiting = house.waiting(ref)
    if how == "call":
        ref.send_request(boom(crash))
    elif how == "cast":
        ref.cast(boom(crash))
    elif how == "info":
        ref.send(boom(crash))
    else:
        ref.cast(lambda _: otp.Continue(boom(crash)))

    assert house.next() == ("terminate", crash)
    assert reason_of(waiting) is crash


def test_a_crash_after_its_reply_does_not_take_that_back(house, kind):
    crash = ValueError("broken")

    def reply_and_fall(server, sender):
        otp.reply(sender, "replied")
        raise crash

    assert house.do(kind).call(reply_and_fall) == "replied"
    assert house.next() == ("terminate", crash)


def test_a_caller_may_be_told_with_a_string(house, kind, errors):
    error = errors(house.do(kind).call, lambda *_: otp.Stop("disk full"))

    assert error.reason == "disk full"
    assert error.__cause__ is None
    assert str(error) == "root.server has ended before it replied: disk full"


def test_a_crash_is_a_death_and_the_server_starts_again(house, kind):
    ref = house.do(kind, lambda server: house.seen.put("init"))
    assert house.next() == "init"
    ref.send(boom(ValueError("broken")))
    assert house.next()[0] == "terminate"
    died = house.event(otp.events.Died)
    assert (died.incarnation, died.error) == (1, "ValueError: broken")
    house.clock.advance(10.0)

    assert house.next() == "init"
    assert ref.call(lambda *_: "again") == "again"


def test_while_it_waits_for_its_restart_nobody_is_there(house, kind, errors):
    ref = house.do(kind)
    ref.send(boom(ValueError("broken")))
    house.event(otp.events.Died)

    assert type(errors(ref.call, "anything")) is otp.NoProcessError
    assert not ref.is_alive()
    ref.cast("to nobody")
    ref.send("to nobody")
    assert house.next()[0] == "terminate"
    assert house.silent()


def test_a_crash_drops_what_its_frames_hold(house, kind):
    crash = ValueError("broken")

    def hold(*_):
        socket = [object()]
        assert socket
        raise crash

    ref = house.do(kind)
    waiting = house.waiting(ref)
    ref.send(hold)
    assert reason_of(waiting) is crash

    traceback, names = crash.__traceback__, []
    while traceback is not None:
        names.append(traceback.tb_frame.f_code.co_name)
        assert "socket" not in traceback.tb_frame.f_locals
        traceback = traceback.tb_next
    assert "hold" in names


def test_an_exception_that_is_raised_by_one_incarnation_after_the_other_is_told_each_time(house, kind):
    crash = ValueError("broken")
    ref = house.do(kind, lambda server: house.seen.put("init"))
    for _ in range(3):
        assert house.next() == "init"
        waiting = house.waiting(ref)
        ref.send(boom(crash))
        assert house.next() == ("terminate", crash)
        assert reason_of(waiting) is crash
        house.event(otp.events.Died)
        house.clock.advance(60.0)

    assert house.next() == "init"
