"""How a server starts: what `init` may return, and what those learn who wait for it meanwhile."""

from __future__ import annotations

import pytest

import otp

from .house import Doer, reason_of


def test_it_is_healthy_when_init_has_returned_and_not_before(house, kind):
    class Slow(Doer):
        def init(self, house):
            super().init(house)
            house.seen.put("init")

        def handle_continue(self, arg):
            house.seen.put(arg)

    house.run(kind(Slow), house)
    healthy = house.event(otp.events.Healthy)

    assert healthy.incarnation == 1
    assert house.next() == "init"


def test_it_is_healthy_before_it_continues(house, kind):
    def go_on(server):
        house.seen.put("continues")

    house.do(kind, lambda server: otp.Continue(go_on))

    assert house.event(otp.events.Healthy).incarnation == 1
    assert house.next() == "continues"


def test_init_is_given_what_the_server_is_run_with(house, kind):
    class Given(otp.GenServer):
        def init(self, *args):
            self.args = args

        def handle_call(self, request, sender):
            return self.args

        def terminate(self, reason):
            pass

    assert house.run(kind(Given), 1, "two").call("what?") == (1, "two")


def test_a_server_without_init_takes_no_arguments(house, kind):
    class Bare(otp.GenServer):
        def terminate(self, reason):
            pass

    house.run(kind(Bare), "one")

    assert house.event(otp.events.Died).error == "TypeError: Bare takes no arguments: it has no init"


def test_a_call_waits_for_a_server_that_is_just_starting(house, kind):
    class Answering(otp.GenServer):
        def init(self):
            self.number = 7

        def handle_call(self, request, sender):
            return self.number

        def terminate(self, reason):
            pass

    assert house.run(kind(Answering)).call("get") == 7


def test_mail_that_comes_while_init_runs_is_handled_after_it_in_order(house):
    gate = house.gate()

    class Slow(Doer):
        def init(self, house):
            gate.wait()
            super().init(house)

    ref = house.run(Slow, house)
    ref.send("first")
    ref.cast(lambda server: house.seen.put("second"))
    future = ref.send_request(lambda *_: "third")
    gate.set()

    assert [house.next(), house.next(), future.result(10)] == ["first", "second", "third"]


def failing(how):
    def then(server):
        if how == "raise":
            raise ValueError("no")  # noqa: EM101 - as users write it
        return {"stop": otp.Stop("no"), "bad": "nobody asked", "ignore": otp.Ignore()}[how]

    return then


@pytest.mark.parametrize(
    ("how", "error"),
    [("raise", "ValueError: no"), ("stop", "stopped: no")],
)
def test_a_start_that_fails_is_a_death_without_terminate(house, kind, how, error):
    house.do(kind, failing(how))

    assert house.event(otp.events.Died).error == error
    assert house.silent()


def test_a_value_that_means_nothing_in_init_is_a_failed_start(house, kind):
    house.do(kind, failing("bad"))

    died = house.event(otp.events.Died)
    assert died.error.startswith("BadReturnError: a callback of Doer has returned 'nobody asked'")
    assert house.silent()


@pytest.mark.parametrize("said", [otp.Reply("x"), otp.Stop("x", reply=1), otp.Continue("x", reply=1)])
def test_nobody_is_there_to_reply_to_from_init(house, kind, said):
    house.do(kind, lambda server: said)

    assert "BadReturnError" in house.event(otp.events.Died).error
    assert house.silent()


def test_a_server_that_ignores_its_start_is_done_without_terminate(house, kind):
    house.do(kind, failing("ignore"))

    assert house.event(otp.events.Done).incarnation == 1
    assert house.silent()


@pytest.mark.parametrize(
    ("how", "reason"),
    [("stop", "no"), ("ignore", otp.Reason.NORMAL), ("raise", ValueError), ("bad", otp.BadReturnError)],
)
def test_who_waits_while_the_start_fails_is_told_why(house, how, reason):
    gate = house.gate()

    def then(server):
        gate.wait()
        return failing(how)(server)

    future = house.run(Doer, house, then).send_request("anything")
    gate.set()
    told = reason_of(future)

    assert told == reason or type(told) is reason


@pytest.mark.parametrize("reason", [otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("busy")])
def test_a_clean_stop_in_init_ends_with_that_reason(house, reason):
    gate = house.gate()

    def then(server):
        gate.wait()
        return otp.Stop(reason)

    future = house.run(Doer, house, then, restart=otp.Restart.TRANSIENT).send_request("anything")
    gate.set()

    assert reason_of(future) == reason
    assert house.silent()


def test_a_server_canceled_while_init_runs_ends_without_terminate_when_that_raises_canceled(house):
    class Sleeping(Doer):
        def init(self, house):
            house.seen.put("sleeps")
            otp.wait_canceled()
            raise otp.Canceled

    house.run(Sleeping, house)
    assert house.next() == "sleeps"
    house.system.stop()

    assert house.event(otp.events.Canceled).error is None
    assert house.silent()


def test_a_server_canceled_while_init_runs_terminates_when_that_has_returned(house):
    class Sleeping(Doer):
        def init(self, house):
            house.seen.put("sleeps")
            otp.wait_canceled()

        def terminate(self, reason):
            house.seen.put(reason)

    house.run(Sleeping, house)
    assert house.next() == "sleeps"
    house.system.stop()

    assert house.next() is otp.Reason.SHUTDOWN


def test_an_async_init_is_not_interrupted_by_a_cancel_before_its_deadline(house):
    class Slow(Doer):
        async def init(self, house):
            self.house = house
            self.go_on = house.async_gate()
            house.seen.put("starts")
            await self.go_on.wait()
            house.seen.put("started")

    ref = house.run(Slow, house)
    assert house.next() == "starts"
    ref.exit("enough")
    house.open()

    assert [house.next(), house.next()] == ["started", ("terminate", "enough")]


def test_each_incarnation_has_an_object_of_its_own(house, kind):
    ref = house.do(kind, lambda server: house.seen.put(id(server.__dict__)))
    first = house.next()
    ref.send(lambda server: setattr(server, "left", "behind"))
    ref.stop("again", timeout=10)
    assert house.next() == ("terminate", "again")
    house.clock.advance(10.0)
    house.next()

    assert ref.call(lambda server, _: hasattr(server, "left")) is False
    assert first
