"""Idle timeouts: `timeout=` of what a callback returns, and the message `otp.TIMEOUT` that comes of it."""

from __future__ import annotations

import math

import pytest

import otp


@pytest.fixture(params=["reply", "no reply", "cast", "info", "continue"])
def idle(request):
    """Has a server wait for so many seconds, through some callback."""

    def through(ref, seconds):
        said = otp.NoReply(timeout=seconds)
        if request.param == "reply":
            ref.call(lambda *_: otp.Reply("idle", timeout=seconds))
        elif request.param == "no reply":
            ref.send_request(lambda *_: said)
        elif request.param == "cast":
            ref.cast(lambda _: said)
        elif request.param == "info":
            ref.send(lambda _: said)
        else:
            ref.cast(lambda _: otp.Continue(lambda _: said))

    return through


def test_a_server_that_gets_no_mail_for_so_long_is_told(house, kind, idle):
    idle(house.do(kind), 10.0)
    house.pass_idle(10.0)

    assert house.next() is otp.TIMEOUT


def test_it_comes_not_before_that_time(house, kind, idle):
    idle(house.do(kind), 10.0)
    house.pass_idle(9.0)
    assert house.silent()
    house.pass_idle(1.0)

    assert house.next() is otp.TIMEOUT


def test_init_may_set_one(house, kind):
    house.do(kind, lambda server: otp.NoReply(timeout=10.0))
    house.pass_idle(10.0)

    assert house.next() is otp.TIMEOUT


def test_it_comes_once(house, kind):
    ref = house.do(kind)
    ref.cast(lambda _: otp.NoReply(timeout=10.0))
    house.pass_idle(10.0)
    assert house.next() is otp.TIMEOUT
    house.clock.advance(100.0)

    assert ref.call(lambda *_: "awake") == "awake"
    assert house.silent()


@pytest.mark.parametrize("mail", ["call", "cast", "info"])
def test_any_mail_cancels_it(house, kind, mail):
    ref = house.do(kind)
    ref.cast(lambda _: otp.NoReply(timeout=10.0))
    house.clock.wait_for_waiters(1)
    if mail == "cast":
        ref.cast(lambda _: None)
    elif mail == "info":
        ref.send(lambda _: None)
    assert ref.call(lambda *_: "awake") == "awake"
    house.clock.advance(10.0)

    assert ref.call(lambda *_: "awake") == "awake"
    assert house.silent()


def test_each_value_sets_it_anew(house, kind):
    ref = house.do(kind)
    ref.cast(lambda _: otp.NoReply(timeout=10.0))
    house.pass_idle(9.0)
    ref.call(lambda *_: otp.Reply("again", timeout=10.0))
    house.pass_idle(9.0)
    assert ref.call(lambda *_: otp.Reply("and again", timeout=10.0)) == "and again"
    assert house.silent()
    house.pass_idle(10.0)

    assert house.next() is otp.TIMEOUT


def test_handle_info_may_set_it_again_and_again(house, kind):
    class Ticking(otp.GenServer):
        def init(self):
            self.ticks = 0
            return otp.NoReply(timeout=1.0)

        def handle_info(self, message):
            self.ticks += 1
            house.seen.put((message, self.ticks))
            return otp.NoReply(timeout=1.0)

        def terminate(self, reason):
            pass

    house.run(kind(Ticking))
    for tick in range(1, 4):
        house.pass_idle(1.0)
        assert house.next() == (otp.TIMEOUT, tick)


def test_zero_comes_at_once_where_no_mail_is_there(house, kind, idle):
    idle(house.do(kind), 0.0)

    assert house.next() is otp.TIMEOUT


def test_zero_gives_way_to_mail_that_is_there(house, kind):
    started, gate = house.gate(), house.gate()

    def zero(_):
        started.set()
        gate.wait()
        return otp.NoReply(timeout=0.0)

    ref = house.do(kind)
    ref.cast(zero)
    assert started.wait(10)
    ref.send("mail")
    gate.set()

    assert house.next() == "mail"
    assert ref.call(lambda *_: "awake") == "awake"
    assert house.silent()


def test_it_may_stop_the_server(house, kind):
    class Brief(otp.GenServer):
        def init(self):
            return otp.NoReply(timeout=5.0)

        def handle_info(self, message):
            return otp.Stop() if message is otp.TIMEOUT else None

        def terminate(self, reason):
            house.seen.put(reason)

    house.run(kind(Brief))
    house.pass_idle(5.0)

    assert house.next() is otp.Reason.NORMAL
    assert house.event(otp.events.Done).incarnation == 1


def test_a_server_that_waits_for_one_sees_a_cancel_at_once(house, kind):
    ref = house.do(kind)
    ref.cast(lambda _: otp.NoReply(timeout=10.0))
    house.clock.wait_for_waiters(1)
    house.system.stop()

    assert house.next() == ("terminate", otp.Reason.SHUTDOWN)
    assert house.silent()


@pytest.mark.parametrize("said", [otp.Reply, otp.NoReply])
@pytest.mark.parametrize("timeout", [-1, math.inf, math.nan])
def test_a_time_that_makes_no_sense_is_refused_where_it_is_written(said, timeout):
    with pytest.raises(ValueError, match="must be finite and not negative; None means never"):
        said("x", timeout=timeout) if said is otp.Reply else said(timeout=timeout)


@pytest.mark.parametrize("timeout", ["1", True])
def test_so_is_what_is_no_number(timeout):
    with pytest.raises(TypeError, match="takes seconds or None"):
        otp.NoReply(timeout=timeout)


def test_a_letter_about_a_link_that_was_dissolved_does_not_cancel_it(house, kind):
    ref = house.do(kind)
    started, gate = house.gate(), house.gate()

    def watch(server):
        other = otp.current()
        server.monitor = otp.monitor(otp.ref(f"{other.dn}.nobody"))  # its Down is there at once
        started.set()
        gate.wait()
        otp.demonitor(server.monitor)
        return otp.NoReply(timeout=10.0)

    ref.cast(watch)
    assert started.wait(10)
    gate.set()
    house.pass_idle(10.0)

    assert house.next() is otp.TIMEOUT
