"""`GenServer`, in a thread and on the event loop: one test a rule."""

from __future__ import annotations

import queue

import pytest

import otp
from otp.behaviours.gen_server_report import shown_message


class Counter(otp.GenServer):
    def init(self, house, number=0):
        self.house = house
        self.number = number

    def handle_call(self, request, sender):  # noqa: PLR0911 - a case each
        match request:
            case "get":
                return self.number
            case "none":
                return None
            case "reply":
                return otp.Reply(self.number)
            case "idle":
                return otp.Reply("idle", timeout=10.0)
            case "later":
                self.sender = sender
                return otp.NoReply()
            case "continue":
                return otp.Continue("more", reply="first")
            case "stop":
                return otp.Stop("enough", reply="last words")
            case "stop silently":
                return otp.Stop(otp.Reason.NORMAL)
            case BaseException():
                raise request
            case _:
                return otp.NoReply(timeout=-1)

    def handle_cast(self, request):
        if request == "answer":
            otp.reply(self.sender, "at last")
        elif request == "wrong":
            return "nobody asked"
        else:
            self.number += request
        return None

    def handle_info(self, message):
        self.house.seen.put(message)

    def handle_continue(self, arg):
        self.house.seen.put(("continue", arg))

    def terminate(self, reason):
        self.house.seen.put(("terminate", reason))


def test_any_other_message_goes_to_handle_info(house, kind):
    house.run(kind(Counter), house).send("hello")

    assert house.next() == "hello"


def test_a_crash_is_the_reason_of_the_end_and_the_cause_of_the_callers_error(house, kind, errors):
    ref = house.run(kind(Counter), house)
    crash = ValueError("broken")
    error = errors(ref.call, crash)

    assert type(error) is otp.ServerExitError
    assert error.reason is crash
    assert error.__cause__ is crash
    assert house.next() == ("terminate", crash)
    assert house.event(otp.events.Died).error == "ValueError: broken"


def test_everybody_who_waits_for_a_server_that_crashes_is_told(house, kind):
    ref = house.run(kind(Counter), house)
    waiting = [ref.send_request("later") for _ in range(10)]
    crash = KeyError("broken")
    waiting.append(ref.send_request(crash))

    for future in waiting:
        with pytest.raises(otp.ServerExitError) as caught:
            future.result(10)
        assert caught.value.reason is crash


def test_an_idle_timeout_is_a_message_unless_another_one_comes_first(house, kind):
    ref = house.run(kind(Counter), house)
    assert ref.call("idle") == "idle"
    ref.send("busy")
    assert house.next() == "busy"
    assert ref.call("idle") == "idle"
    while True:
        house.clock.advance(10.0)
        try:
            assert house.seen.get(timeout=0.1) is otp.TIMEOUT
        except queue.Empty:
            continue
        break


def test_init_may_go_on_with_handle_continue(house, kind):
    class Continuing(Counter):
        def init(self, house):
            super().init(house)
            return otp.Continue("setup")

    house.run(kind(Continuing), house)

    assert house.next() == ("continue", "setup")


def test_a_cancel_overtakes_the_mail_and_ends_with_shutdown(house, kind):
    ref = house.run(kind(Counter), house)
    assert ref.call("get") == 0
    house.system.stop()

    assert house.next() == ("terminate", otp.Reason.SHUTDOWN)


def test_what_terminate_raises_becomes_the_reason(house, kind, errors):
    class Failing(Counter):
        def terminate(self, reason):
            raise LookupError("while ending")  # noqa: EM101, TRY003 - as users write it

    ref = house.run(kind(Failing), house)
    error = errors(ref.call, ValueError("first"))

    assert type(error.reason) is LookupError
    assert house.event(otp.events.Died).error == "LookupError: while ending"


def test_stop_returns_after_terminate_and_leaves_the_server_done(house, kind, errors):
    ref = house.run(kind(Counter), house)
    ref.stop(timeout=10)

    assert house.next() == ("terminate", otp.Reason.NORMAL)
    assert type(errors(ref.stop)) is otp.NoProcessError


def test_a_ref_type_of_its_own_is_what_run_gives(house):
    class CounterRef(otp.Ref):
        def get(self):
            return self.call("get")

    class Typed(Counter):
        ref_type = CounterRef

    assert house.run(Typed, house, 3).get() == 3


def test_a_hostile_repr_cannot_decide_how_a_message_is_shown():
    class Hostile:
        def __repr__(self):
            raise SystemExit

    assert "cannot be shown" in shown_message(Hostile())
