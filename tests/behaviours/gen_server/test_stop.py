"""`Stop` with a reply, and `Ref.stop`: what comes first, and who is told what."""

from __future__ import annotations

import pytest

import otp

from .house import Doer, boom, reason_of


@pytest.fixture
def last_words(house, kind):
    """A server whose `terminate` waits at a gate, then does `then`; and the call that stops it."""

    class Last(Doer):
        def terminate(self, reason):
            house.seen.put(("terminate", reason))
            self.gate.wait()
            self.then()

    def run(then=lambda: None, reason="enough"):
        gate = house.gate()

        def stop(server, _):
            server.gate, server.then = gate, then
            return otp.Stop(reason, reply="last words")

        ref = house.run(kind(Last), house)
        return gate, ref.send_request(stop)

    return run


def test_terminate_runs_before_the_reply_of_a_stop(house, last_words):
    gate, future = last_words()
    assert house.next() == ("terminate", "enough")
    assert not future.done()
    gate.set()

    assert future.result(10) == "last words"


def test_the_reply_is_sent_when_terminate_raises_too(house, last_words):
    gate, future = last_words(boom(LookupError("while ending")))
    gate.set()

    assert future.result(10) == "last words"
    assert house.event(otp.events.Died).error == "LookupError: while ending"


def test_the_reply_is_sent_when_the_server_is_killed_while_it_terminates(house):
    class Last(Doer):
        def terminate(self, reason):
            house.seen.put("terminates")
            gate.wait()

    gate = house.gate()
    ref = house.run(Last, house)
    future = ref.send_request(lambda *_: otp.Stop("enough", reply="last words"))
    assert house.next() == "terminates"
    ref.exit(otp.Reason.KILL)
    gate.set()

    assert future.result(10) == "last words"


def test_a_callback_may_reply_to_others_before_it_stops(house, kind):
    ref = house.do(kind)

    def keep(server, sender):
        server.sender = sender
        return otp.NoReply()

    def stop(server):
        otp.reply(server.sender, "goodbye")
        return otp.Stop()

    future = ref.send_request(keep)
    ref.cast(stop)

    assert future.result(10) == "goodbye"


def test_everybody_else_who_waits_is_told_the_reason(house, kind):
    ref = house.do(kind)
    waiting = [house.waiting(ref) for _ in range(3)]
    ref.call(lambda *_: otp.Stop(otp.Shutdown("moving"), reply="bye"))

    assert [reason_of(each) for each in waiting] == [otp.Shutdown("moving")] * 3


# --- Ref.stop ---


def test_stop_returns_when_terminate_has_and_the_server_is_dead(house, kind):
    ref = house.do(kind)
    ref.stop(timeout=10)

    assert house.seen.get_nowait() == ("terminate", otp.Reason.NORMAL)
    assert not ref.is_alive()
    assert house.event(otp.events.Done).incarnation == 1


def test_stop_takes_its_turn_behind_the_mail_that_came_before(house, kind):
    ref = house.do(kind)
    for number in range(5):
        ref.send(number)
    ref.stop(timeout=10)

    assert [house.next() for _ in range(6)] == [0, 1, 2, 3, 4, ("terminate", otp.Reason.NORMAL)]


@pytest.mark.parametrize("reason", [otp.Reason.SHUTDOWN, otp.Shutdown("why"), "enough", ValueError("enough")])
def test_stop_with_a_reason_ends_the_server_by_that_reason(house, kind, reason):
    ref = house.do(kind)
    waiting = house.waiting(ref)
    ref.stop(reason, timeout=10)

    assert house.next() == ("terminate", reason)
    assert reason_of(waiting) is reason


def test_stop_is_told_when_the_server_ends_by_another_reason(house, kind, errors):
    class Failing(Doer):
        def terminate(self, reason):
            raise LookupError

    error = errors(house.run(kind(Failing), house).stop)

    assert type(error) is otp.ServerExitError
    assert type(error.reason) is LookupError
    assert error.__cause__ is error.reason


def test_stop_is_told_when_the_server_crashes_before_its_turn(house, kind, errors):
    started, gate = house.gate(), house.gate()

    def crash(_):
        started.set()
        gate.wait()
        raise KeyError

    ref = house.do(kind)
    ref.cast(crash)
    assert started.wait(10)
    with pytest.raises(otp.CallTimeoutError):
        ref.stop(timeout=0)
    gate.set()
    assert type(house.next()[1]) is KeyError
    house.event(otp.events.Died)

    assert type(errors(ref.stop)) is otp.NoProcessError


def test_stop_of_nobody_is_an_error(house, kind, errors):
    ref = house.do(kind)
    ref.stop(timeout=10)

    assert type(errors(ref.stop)) is otp.NoProcessError


def test_a_stop_that_was_given_up_still_ends_the_server(house, kind):
    started, gate = house.gate(), house.gate()

    def busy(_):
        started.set()
        gate.wait()

    ref = house.do(kind)
    ref.cast(busy)
    assert started.wait(10)
    with pytest.raises(otp.CallTimeoutError):
        ref.stop(timeout=0)
    gate.set()

    assert house.next() == ("terminate", otp.Reason.NORMAL)


def test_a_server_cannot_wait_for_its_own_stop(house):
    def stop_oneself(*_):
        with pytest.raises(otp.CallingSelfError):
            otp.current().stop()

    assert house.run(Doer, house).call(stop_oneself) is None


def test_a_server_can_be_stopped_from_an_event_loop(house):
    class Stopping(otp.GenServer):
        async def init(self):
            self.other = otp.run("other", Doer, house)

        async def handle_call(self, request, sender):
            with pytest.raises(otp.BlockingCallError):
                self.other.stop()
            await self.other.astop("enough")
            return self.other.is_alive()

    assert house.run(Stopping).call("stop it") is False
    assert house.next() == ("terminate", "enough")


@pytest.mark.parametrize("reason", [5, None])
def test_what_is_no_reason_is_refused(house, kind, reason):
    with pytest.raises(TypeError, match="an exit reason is"):
        house.do(kind).stop(reason)


def test_a_permanent_server_that_stops_normally_below_a_plain_run_stays_done(house, kind):
    ref = house.do(kind)
    ref.stop(timeout=10)
    house.event(otp.events.Done)
    house.clock.advance(100.0)

    assert house.system.node("root.server").state is otp.NodeState.DONE
    assert not ref.is_alive()


def test_a_transient_server_that_stops_cleanly_is_not_started_again(house, kind):
    ref = house.do(kind, restart=otp.Restart.TRANSIENT)
    ref.stop(otp.Shutdown("enough"), timeout=10)
    house.system.wait_settled(10)
    house.clock.advance(100.0)

    assert not ref.is_alive()


@pytest.mark.parametrize("reason", [5, None])
def test_to_stop_by_what_is_no_reason_is_a_crash(house, kind, errors, reason):
    error = errors(house.do(kind).call, lambda *_: otp.Stop(reason))

    assert type(error) is otp.ServerExitError
    assert type(error.reason) is TypeError
    assert str(error.reason).startswith("an exit reason is a Reason, a Shutdown, an exception or a str, not ")
