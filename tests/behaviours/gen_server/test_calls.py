"""`handle_call`: every form of what it returns, and replies that come from elsewhere."""

from __future__ import annotations

import threading

import pytest

import otp

from .house import Doer, reason_of


@pytest.mark.parametrize("value", [5, None, "text", (1, 2), otp.Ignore(), otp.Reason.NORMAL, ValueError])
def test_the_value_it_returns_is_the_reply(house, kind, value):
    assert house.do(kind).call(lambda *_: value) == value


def test_the_reply_is_the_object_itself(house, kind):
    thing = object()

    assert house.do(kind).call(lambda *_: thing) is thing


def test_a_reply_may_be_said_in_full(house, kind):
    assert house.do(kind).call(lambda *_: otp.Reply("said")) == "said"


def test_an_exception_may_be_a_reply(house, kind):
    error = ValueError("no")

    assert house.do(kind).call(lambda *_: otp.Reply(error)) is error


def test_no_reply_leaves_the_caller_waiting_until_another_callback_replies(house, kind):
    ref = house.do(kind)

    def later(server, sender):
        server.sender = sender
        return otp.NoReply()

    future = ref.send_request(later)
    ref.cast(lambda server: otp.reply(server.sender, "at last"))

    assert future.result(10) == "at last"


def test_a_callback_may_reply_before_it_returns(house, kind):
    def first(server, sender):
        otp.reply(sender, "at once")
        house.seen.put("still here")
        return otp.NoReply()

    assert house.do(kind).call(first) == "at once"
    assert house.next() == "still here"


def test_a_reply_may_come_from_any_thread(house, kind):
    def elsewhere(server, sender):
        threading.Thread(target=otp.reply, args=(sender, "from elsewhere")).start()
        return otp.NoReply()

    assert house.do(kind).call(elsewhere) == "from elsewhere"


def test_a_reply_may_come_when_the_server_has_ended_and_then_nobody_hears_it(house, kind):
    ref = house.do(kind)
    senders = []

    def keep(server, sender):
        senders.append(sender)
        return otp.NoReply()

    future = ref.send_request(keep)
    ref.stop(timeout=10)

    assert reason_of(future) is otp.Reason.NORMAL
    otp.reply(senders[0], "too late")
    assert reason_of(future) is otp.Reason.NORMAL


def test_only_the_first_reply_counts(house, kind):
    def twice(server, sender):
        otp.reply(sender, "first")
        return "second"

    ref = house.do(kind)

    assert ref.call(twice) == "first"
    assert ref.call(lambda *_: "next") == "next"


def test_a_late_reply_is_dropped_and_the_server_has_done_the_work(house, kind):
    ref = house.do(kind)

    def work(server, sender):
        server.sender = sender
        house.seen.put("worked")
        return otp.NoReply()

    with pytest.raises(otp.CallTimeoutError):
        ref.call(work, timeout=0)
    assert house.next() == "worked"
    ref.cast(lambda server: otp.reply(server.sender, "late"))

    assert ref.call(lambda *_: "its own") == "its own"


def test_it_may_continue_after_its_reply(house, kind):
    def go_on(server):
        house.seen.put("continued")

    ref = house.do(kind)

    assert ref.call(lambda *_: otp.Continue(go_on, reply="first")) == "first"
    assert house.next() == "continued"


def test_it_may_continue_without_a_reply_and_reply_there(house, kind):
    def ask(server, sender):
        return otp.Continue(lambda server: otp.reply(sender, "continued"))

    assert house.do(kind).call(ask) == "continued"


def test_it_may_stop_with_a_reply(house, kind):
    ref = house.do(kind)

    assert ref.call(lambda *_: otp.Stop("enough", reply="last words")) == "last words"
    assert house.next() == ("terminate", "enough")
    assert house.event(otp.events.Died).error == "stopped: enough"


@pytest.mark.parametrize("reply", [None, False, ()])
def test_a_reply_of_nothing_is_a_reply_too(house, kind, reply):
    ref = house.do(kind)

    assert ref.call(lambda *_: otp.Continue(lambda _: None, reply=reply)) == reply
    assert ref.call(lambda *_: otp.Stop(reply=reply)) == reply


def test_it_may_stop_without_a_reply_and_the_caller_is_told_the_reason(house, kind, errors):
    error = errors(house.do(kind).call, lambda *_: otp.Stop("enough"))

    assert type(error) is otp.ServerExitError
    assert error.reason == "enough"
    assert error.__cause__ is None


def test_a_server_that_stops_normally_without_a_reply_tells_the_caller_so(house, kind, errors):
    ref = house.do(kind)
    error = errors(ref.call, lambda *_: otp.Stop())

    assert type(error) is otp.ServerExitError
    assert error.reason is otp.Reason.NORMAL
    assert house.event(otp.events.Done).incarnation == 1
    assert type(errors(ref.call, "anything")) is otp.NoProcessError


def test_calls_casts_and_messages_are_handled_in_the_order_in_which_they_came(house, kind):
    ref = house.do(kind)
    order = []
    futures = []
    for number in range(30):
        ref.cast(lambda server, number=number: order.append(("cast", number)))
        futures.append(ref.send_request(lambda *_, number=number: order.append(("call", number))))
        ref.send(lambda server, number=number: order.append(("info", number)))
    assert [future.result(10) for future in futures] == [None] * 30

    wanted = [(what, number) for number in range(30) for what in ("cast", "call", "info")]
    assert order[:89] == wanted[:89]


def test_a_server_in_a_thread_cannot_call_itself(house):
    def call_oneself(*_):
        with pytest.raises(otp.CallingSelfError, match=r"root.server calls itself, and would wait for itself"):
            otp.current().call("me")

    assert house.run(Doer, house).call(call_oneself) is None


def test_a_server_on_the_event_loop_cannot_block_it_with_a_call(house):
    def call_blocking(*_):
        with pytest.raises(otp.BlockingCallError):
            otp.current().call("me")

    class Task(Doer):
        async def terminate(self, reason):
            pass

    assert house.run(Task, house).call(call_blocking) is None


def test_a_server_on_the_event_loop_cannot_await_itself(house):
    class Selfish(otp.GenServer):
        async def handle_call(self, request, sender):
            with pytest.raises(otp.CallingSelfError):
                await otp.current().acall("me")

    assert house.run(Selfish).call("go") is None


def test_servers_on_one_event_loop_may_await_each_other(house):
    class Answers(otp.GenServer):
        async def handle_call(self, request, sender):
            return ("answered", request)

    class Asks(otp.GenServer):
        async def init(self):
            self.other = otp.run("answers", Answers)

        async def handle_call(self, request, sender):
            return await self.other.acall(request)

    assert house.run(Asks).call("x") == ("answered", "x")
