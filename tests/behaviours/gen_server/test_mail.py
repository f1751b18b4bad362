"""`handle_cast`, `handle_info` and `handle_continue`: what they return, and in which order they run."""

from __future__ import annotations

import pytest

import otp

from .house import Doer, boom


@pytest.fixture(params=["cast", "info", "continue"])
def do(request):
    """Has a server do something in that callback."""

    def through(ref, letter):
        if request.param == "cast":
            ref.cast(letter)
        elif request.param == "info":
            ref.send(letter)
        else:
            ref.cast(lambda server: otp.Continue(letter))

    return through


@pytest.mark.parametrize("said", [None, otp.NoReply()])
def test_nothing_said_lets_the_server_go_on(house, kind, do, said):
    ref = house.do(kind)
    do(ref, lambda server: said)

    assert ref.call(lambda *_: "goes on") == "goes on"


def test_it_may_continue(house, kind, do):
    ref = house.do(kind)
    do(ref, lambda server: otp.Continue(lambda server: house.seen.put("continued")))

    assert house.next() == "continued"


@pytest.mark.parametrize("reason", ["enough", otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("why")])
def test_it_may_stop(house, kind, do, reason):
    ref = house.do(kind)
    future = house.waiting(ref)
    do(ref, lambda server: otp.Stop(reason))

    assert house.next() == ("terminate", reason)
    assert future.exception(10).reason == reason


@pytest.mark.parametrize(
    "said",
    [
        "a value",
        0,
        False,
        otp.Ignore(),
        otp.Reply("to nobody"),
        otp.Stop("enough", reply="to nobody"),
        otp.Continue("more", reply="to nobody"),
        NotImplemented,
    ],
    ids=repr,
)
def test_anything_else_is_a_crash_that_says_what_was_returned(house, kind, do, said):
    ref = house.do(kind)
    future = house.waiting(ref)
    do(ref, lambda server: said)
    what, reason = house.next()

    assert what == "terminate"
    assert type(reason) is otp.BadReturnError
    assert isinstance(reason, TypeError)
    assert reason.value is said
    assert future.exception(10).reason is reason


def test_an_error_is_a_crash(house, kind, do):
    ref = house.do(kind)
    crash = KeyError("broken")
    do(ref, boom(crash))

    assert house.next() == ("terminate", crash)
    assert house.event(otp.events.Died).error == "KeyError: 'broken'"


def test_handle_continue_runs_before_mail_that_came_earlier(house, kind):
    started, gate = house.gate(), house.gate()

    def ask(server, sender):
        started.set()
        gate.wait()
        return otp.Continue(lambda server: house.seen.put("continued"), reply=None)

    ref = house.do(kind)
    future = ref.send_request(ask)
    assert started.wait(10)
    ref.send("mail")
    gate.set()
    future.result(10)

    assert [house.next(), house.next()] == ["continued", "mail"]


def test_handle_continue_may_continue_as_often_as_it_wants_before_any_mail(house, kind):
    started, gate = house.gate(), house.gate()

    def step(left):
        def go_on(server):
            house.seen.put(left)
            return otp.Continue(step(left - 1)) if left else None

        return go_on

    def begin(server):
        started.set()
        gate.wait()
        return otp.Continue(step(3))

    ref = house.do(kind)
    ref.cast(begin)
    assert started.wait(10)
    ref.send("mail")
    gate.set()

    assert [house.next() for _ in range(5)] == [3, 2, 1, 0, "mail"]


def test_handle_continue_of_init_runs_before_mail_that_came_while_init_ran(house):
    gate = house.gate()

    def then(server):
        gate.wait()
        return otp.Continue(lambda server: house.seen.put("continued"))

    ref = house.run(Doer, house, then)
    ref.send("mail")
    gate.set()

    assert [house.next(), house.next()] == ["continued", "mail"]


@pytest.mark.parametrize("ask", ["call", "cast", "continue"])
def test_what_a_server_does_not_define_is_a_crash(house, kind, errors, ask):
    class Bare(otp.GenServer):
        def init(self):
            return otp.Continue("more") if ask == "continue" else None

        def terminate(self, reason):
            house.seen.put(reason)

    ref = house.run(kind(Bare))
    if ask == "call":
        assert type(errors(ref.call, "get").reason) is NotImplementedError
    elif ask == "cast":
        ref.cast("get")
    reason = house.next()

    assert type(reason) is NotImplementedError
    assert str(reason) == f"Bare has no handle_{ask}"


def test_a_message_without_handle_info_is_logged_as_a_warning_and_dropped(house, kind):
    class Bare(otp.GenServer):
        def handle_call(self, request, sender):
            return request

        def terminate(self, reason):
            pass

    ref = house.run(kind(Bare))
    ref.send("hello")
    assert ref.call("still here") == "still here"

    (entry,) = house.logged("WARNING")
    assert (entry.level, entry.message) == ("WARNING", "Bare has no handle_info, a message is dropped: 'hello'")


def test_a_message_is_the_object_itself(house, kind):
    thing = object()
    house.do(kind).send(thing)

    assert house.next() is thing


def test_mail_left_behind_by_an_incarnation_is_lost(house, kind):
    started, gate = house.gate(), house.gate()

    def stop(server):
        started.set()
        gate.wait()
        return otp.Stop("enough")

    ref = house.do(kind, lambda server: house.seen.put("init"))
    ref.cast(stop)
    assert started.wait(10)
    ref.send("left behind")
    gate.set()
    assert [house.next(), house.next()] == ["init", ("terminate", "enough")]
    house.event(otp.events.Died)
    house.clock.advance(10.0)

    assert house.next() == "init"
    assert ref.call(lambda *_: "empty") == "empty"
    assert house.silent()
