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


def test_it_is_healthy_when_init_has_returned_and_replies_with_what_handle_call_returns(house, kind):
    ref = house.run(kind(Counter), house, 5)
    house.system.wait_healthy(10)

    assert ref.call("get") == 5
    assert ref.call("none") is None
    assert ref.call("reply") == 5
    assert house.system.node("root.server").backend == "thread" if kind.name == "thread" else "coroutine"


def test_a_call_waits_for_a_server_that_is_just_starting(house, kind):
    assert house.run(kind(Counter), house, 7).call("get") == 7


def test_casts_and_calls_are_handled_in_the_order_in_which_they_came(house, kind):
    ref = house.run(kind(Counter), house)
    for number in range(100):
        ref.cast(number)

    assert ref.call("get") == sum(range(100))


def test_a_reply_can_come_later_from_another_callback(house, kind):
    ref = house.run(kind(Counter), house)
    future = ref.send_request("later")
    ref.cast("answer")

    assert future.result(10) == "at last"


def test_any_other_message_goes_to_handle_info(house, kind):
    house.run(kind(Counter), house).send("hello")

    assert house.next() == "hello"


def test_handle_continue_runs_after_the_reply_and_before_any_other_mail(house, kind):
    ref = house.run(kind(Counter), house)
    assert ref.call("continue") == "first"
    ref.send("hello")

    assert [house.next(), house.next()] == [("continue", "more"), "hello"]


def test_a_stop_with_a_reply_terminates_first_and_replies_then(house, kind):
    ref = house.run(kind(Counter), house)

    assert ref.call("stop") == "last words"
    assert house.next() == ("terminate", "enough")
    assert house.event(otp.events.Died).error == "stopped: enough"


def test_a_server_that_stops_normally_is_done_and_whoever_waits_is_told_so(house, kind, errors):
    ref = house.run(kind(Counter), house)
    error = errors(ref.call, "stop silently")

    assert type(error) is otp.ServerExitError
    assert error.reason is otp.Reason.NORMAL
    assert house.next() == ("terminate", otp.Reason.NORMAL)
    assert house.event(otp.events.Done).incarnation == 1
    assert type(errors(ref.call, "get")) is otp.NoProcessError


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


def test_a_value_that_means_nothing_where_no_reply_is_due_is_a_crash(house, kind):
    house.run(kind(Counter), house).cast("wrong")
    what, reason = house.next()

    assert what == "terminate"
    assert type(reason) is otp.BadReturnError
    assert reason.value == "nobody asked"


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


def test_what_a_server_does_not_handle_is_a_crash(house, kind, errors):
    class Bare(otp.GenServer):
        def terminate(self, reason):
            house.seen.put(reason)

    ref = house.run(kind(Bare))
    error = errors(ref.call, "get")

    assert type(error.reason) is NotImplementedError
    assert house.next() is error.reason


def test_a_message_without_handle_info_is_logged_and_dropped(house, kind):
    class Bare(otp.GenServer):
        def handle_call(self, request, sender):
            return request

        def terminate(self, reason):
            pass

    ref = house.run(kind(Bare))
    ref.send("hello")
    assert ref.call("still here") == "still here"
    house.system._engine.flush()

    logged = [entry.message for entry in house.system.logs.read("root.server")]
    assert any("has no handle_info" in message and "hello" in message for message in logged)


def test_a_server_that_ignores_its_start_is_done(house, kind):
    class Ignoring(otp.GenServer):
        def init(self):
            return otp.Ignore()

        def terminate(self, reason):
            house.seen.put(reason)

    house.run(kind(Ignoring))

    assert house.event(otp.events.Done).incarnation == 1
    assert house.seen.empty()


@pytest.mark.parametrize("how", ["stop", "raise"])
def test_a_start_that_fails_is_a_death_without_terminate(house, kind, how):
    class Failing(otp.GenServer):
        def init(self):
            if how == "raise":
                raise ValueError("no")  # noqa: EM101 - as users write it
            return otp.Stop("no")

        def terminate(self, reason):
            house.seen.put(reason)

    house.run(kind(Failing))

    assert house.event(otp.events.Died).error == {"stop": "stopped: no", "raise": "ValueError: no"}[how]
    assert house.seen.empty()


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


def test_a_server_cannot_call_itself(house, kind):
    class Selfish(otp.GenServer):
        def handle_call(self, request, sender):
            try:
                otp.current().call("me")
            except otp.CallingSelfError as error:
                return str(error)

        def terminate(self, reason):
            pass

    if kind.name != "thread":
        pytest.skip("a task is refused before, with BlockingCallError")
    assert house.run(kind(Selfish)).call("go") == "root.server calls itself, and would wait for itself"


def test_a_late_reply_is_dropped(house, kind):
    ref = house.run(kind(Counter), house)
    with pytest.raises(otp.CallTimeoutError):
        ref.call("later", timeout=0)
    ref.cast("answer")

    assert ref.call("get") == 0


def test_a_ref_type_of_its_own_is_what_run_gives(house):
    class CounterRef(otp.Ref):
        def get(self):
            return self.call("get")

    class Typed(Counter):
        ref_type = CounterRef

    assert house.run(Typed, house, 3).get() == 3


def test_coroutines_call_each_other_without_a_thread(house):
    class Asks(otp.GenServer):
        async def init(self, other):
            self.other = other

        async def handle_call(self, request, sender):
            return await self.other().acall(request)

    class Answers(otp.GenServer):
        async def handle_call(self, request, sender):
            return ("answered", request)

    answers = []

    class Both(otp.GenServer):
        def init(self):
            answers.append(otp.run("answers", Answers))
            answers.append(otp.run("asks", Asks, lambda: answers[0]))

        def handle_call(self, request, sender):
            return answers[1].call(request)

    assert house.run(Both).call("x") == ("answered", "x")


def test_a_hostile_repr_cannot_decide_how_a_message_is_shown():
    class Hostile:
        def __repr__(self):
            raise SystemExit

    assert "cannot be shown" in shown_message(Hostile())
