"""What a cancel by its supervisor does to a server, and what a kill does, whatever it is at."""

from __future__ import annotations

import asyncio

import pytest

import otp

from .house import Doer, reason_of


def held(house, then=lambda: None):
    """A letter that holds the server at a gate, then does `then`; whether it has got there, and the gate."""
    started, gate = house.gate(), house.gate()

    def hold(*_):
        started.set()
        gate.wait()
        house.seen.put("done")
        return then()

    return hold, started, gate


def test_a_cancel_ends_an_idle_server_at_once_with_shutdown(house, kind):
    ref = house.do(kind)
    waiting = house.waiting(ref)
    house.system.stop()

    assert house.next() == ("terminate", otp.Reason.SHUTDOWN)
    assert reason_of(waiting) is otp.Reason.SHUTDOWN
    assert house.event(otp.events.Canceled).error is None


def test_a_cancel_is_seen_between_callbacks_and_overtakes_the_mail(house, kind):
    hold, started, gate = held(house)
    ref = house.do(kind)
    ref.cast(hold)
    assert started.wait(10)
    unseen = [ref.send_request(lambda *_: house.seen.put("never")) for _ in range(3)]
    house.system.request_stop()
    house.event(otp.events.Canceling)
    gate.set()

    assert [house.next(), house.next()] == ["done", ("terminate", otp.Reason.SHUTDOWN)]
    assert [reason_of(each) for each in unseen] == [otp.Reason.SHUTDOWN] * 3
    assert house.silent()


def test_the_callback_that_runs_still_replies(house, kind):
    hold, started, gate = held(house, lambda: "replied")
    ref = house.do(kind)
    future = ref.send_request(hold)
    assert started.wait(10)
    house.system.request_stop()
    house.event(otp.events.Canceling)
    gate.set()

    assert future.result(10) == "replied"


def test_a_cancel_keeps_a_server_from_continuing(house, kind):
    hold, started, gate = held(house, lambda: otp.Continue(lambda _: house.seen.put("continued")))
    ref = house.do(kind)
    ref.cast(hold)
    assert started.wait(10)
    house.system.request_stop()
    house.event(otp.events.Canceling)
    gate.set()

    assert [house.next(), house.next()] == ["done", ("terminate", otp.Reason.SHUTDOWN)]


def test_a_stop_that_a_canceled_server_says_itself_is_its_reason_and_the_node_is_as_it_says(house, kind):
    hold, started, gate = held(house, lambda: otp.Stop("by itself"))
    ref = house.do(kind)
    waiting = house.waiting(ref)
    ref.cast(hold)
    assert started.wait(10)
    house.system.request_stop()
    house.event(otp.events.Canceling)
    gate.set()

    assert [house.next(), house.next()] == ["done", ("terminate", "by itself")]
    assert reason_of(waiting) == "by itself"


def test_a_callback_can_ask_whether_it_is_canceled(house):
    def work(_):
        house.seen.put("works")
        otp.wait_canceled()
        house.seen.put(otp.canceled())

    house.run(Doer, house).cast(work)
    assert house.next() == "works"
    house.system.stop()

    assert [house.next(), house.next()] == [True, ("terminate", otp.Reason.SHUTDOWN)]


def test_a_thread_that_is_killed_ends_when_its_callback_returns_and_is_told_as_killed(house):
    hold, started, gate = held(house)
    ref = house.run(Doer, house)
    waiting = house.waiting(ref)
    ref.cast(hold)
    assert started.wait(10)
    ref.exit(otp.Reason.KILL)
    gate.set()

    assert house.next() == "done"
    assert reason_of(waiting) is otp.Reason.KILLED
    house.system.stop()
    assert house.silent()


def test_a_thread_that_misses_its_deadline_is_stuck_then_terminates_and_is_told_as_killed(house):
    hold, started, gate = held(house)
    ref = house.run(Doer, house, shutdown=5.0)
    waiting = house.waiting(ref)
    ref.cast(hold)
    assert started.wait(10)
    house.system.request_stop()
    house.event(otp.events.Canceling)
    house.clock.advance(5.0)
    assert house.event(otp.events.Stuck).nodes[0].dn == "root.server"
    gate.set()

    assert [house.next(), house.next()] == ["done", ("terminate", otp.Reason.SHUTDOWN)]
    assert reason_of(waiting) is otp.Reason.KILLED


class Awaiting(Doer):
    """A server whose cast never ends by itself."""

    async def handle_cast(self, request):
        self.house.seen.put("waits")
        try:
            await self.house.async_gate().wait()
        except asyncio.CancelledError:
            self.house.seen.put("canceled")
            raise
        self.house.seen.put("done")

    async def terminate(self, reason):
        self.house.seen.put(("terminate", reason))


def test_an_async_callback_is_not_interrupted_by_a_cancel(house):
    house.run(Awaiting, house).cast("wait")
    assert house.next() == "waits"
    house.system.request_stop()
    house.event(otp.events.Canceling)
    house.clock.advance(4.0)
    house.open()

    assert [house.next(), house.next()] == ["done", ("terminate", otp.Reason.SHUTDOWN)]


def test_an_async_callback_is_canceled_at_the_deadline_and_terminate_runs_then(house):
    house.run(Awaiting, house, shutdown=5.0).cast("wait")
    assert house.next() == "waits"
    house.system.request_stop()
    house.event(otp.events.Canceling)
    house.pass_idle(5.0)

    assert [house.next(), house.next()] == ["canceled", ("terminate", otp.Reason.SHUTDOWN)]


def test_an_async_callback_without_a_deadline_is_waited_for(house):
    house.run(Awaiting, house, shutdown=None).cast("wait")
    assert house.next() == "waits"
    house.system.request_stop()
    house.event(otp.events.Canceling)
    house.clock.advance(1_000_000.0)
    house.open()

    assert [house.next(), house.next()] == ["done", ("terminate", otp.Reason.SHUTDOWN)]


def test_an_async_callback_is_canceled_at_the_deadline_of_an_exit_signal_too(house):
    ref = house.run(Awaiting, house, shutdown=5.0)
    waiting = house.waiting(ref)
    ref.cast("wait")
    assert house.next() == "waits"
    ref.exit("enough")
    house.pass_idle(5.0)

    assert [house.next(), house.next()] == ["canceled", ("terminate", "enough")]
    assert reason_of(waiting) == "enough"


@pytest.mark.parametrize("how", ["kill", "brutal kill"])
def test_an_async_callback_is_canceled_at_once_by_a_kill_and_terminate_does_not_run(house, how):
    options = {"shutdown": otp.BRUTAL_KILL} if how == "brutal kill" else {}
    ref = house.run(Awaiting, house, **options)
    ref.cast("wait")
    assert house.next() == "waits"
    waiting = ref.send_request(lambda *_: "never")
    if how == "kill":
        ref.exit(otp.Reason.KILL)
    else:
        house.system.request_stop()

    assert house.next() == "canceled"
    assert reason_of(waiting) is otp.Reason.KILLED
    assert house.silent()


def test_an_async_init_is_canceled_at_the_deadline_and_terminate_does_not_run(house):
    class Slow(Awaiting):
        async def init(self, house):
            self.house = house
            await self.handle_cast("wait")

    waiting = house.run(Slow, house, shutdown=5.0).send_request("anything")
    assert house.next() == "waits"
    house.system.request_stop()
    house.event(otp.events.Canceling)
    house.pass_idle(5.0)

    assert house.next() == "canceled"
    assert reason_of(waiting) is otp.Reason.KILLED
    assert house.silent()


def test_an_async_terminate_is_canceled_at_the_deadline(house):
    class Slow(Awaiting):
        async def terminate(self, reason):
            await self.handle_cast("wait")

    ref = house.run(Slow, house, shutdown=5.0)
    waiting = house.waiting(ref)
    house.system.request_stop()
    assert house.next() == "waits"
    house.pass_idle(5.0)

    assert house.next() == "canceled"
    assert reason_of(waiting) is otp.Reason.KILLED


def test_an_async_callback_that_does_not_mind_the_deadline_is_waited_for_and_stuck(house):
    class Stubborn(Awaiting):
        async def handle_cast(self, request):
            gate = self.house.async_gate()
            self.house.seen.put("waits")
            while True:
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    self.house.seen.put("does not mind")
                else:
                    break

    house.run(Stubborn, house, shutdown=5.0).cast("wait")
    assert house.next() == "waits"
    house.system.request_stop()
    house.event(otp.events.Canceling)
    house.pass_idle(5.0)
    assert house.event(otp.events.Stuck).nodes[0].dn == "root.server"
    assert house.next() == "does not mind"
    house.open()

    assert house.next() == ("terminate", otp.Reason.SHUTDOWN)


def test_a_server_on_the_event_loop_that_waits_for_mail_is_woken_by_a_cancel(house):
    house.run(Awaiting, house).call(lambda *_: "up")
    house.system.stop()

    assert house.next() == ("terminate", otp.Reason.SHUTDOWN)


def test_a_busy_server_on_the_event_loop_lets_others_run(house):
    class Busy(Doer):
        async def terminate(self, reason):
            pass

    class Both(otp.GenServer):
        async def init(self):
            self.busy = otp.run("busy", Busy, house)

            def again(_):
                self.busy.send(again)

            self.busy.send(again)

        async def handle_call(self, request, sender):
            return request

    assert house.run(Both).call("still served") == "still served"
