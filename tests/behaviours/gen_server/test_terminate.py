"""`terminate`: when it runs, when it does not, and what becomes of what it raises."""

from __future__ import annotations

import pytest

import otp

from .house import Doer, boom, reason_of


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        (otp.Reason.SHUTDOWN, lambda house, ref: house.system.stop()),
        (otp.Reason.NORMAL, lambda house, ref: ref.stop(timeout=10)),
        ("enough", lambda house, ref: ref.stop("enough", timeout=10)),
        ("enough", lambda house, ref: ref.send(lambda _: otp.Stop("enough"))),
        ("enough", lambda house, ref: ref.exit("enough")),
        (otp.Reason.SHUTDOWN, lambda house, ref: ref.exit()),
    ],
    ids=["cancel", "stop", "stop with a reason", "Stop", "exit signal", "exit signal shutdown"],
)
def test_it_runs_once_at_every_end_of_a_server_that_has_started(house, kind, reason, end):
    ref = house.do(kind)
    assert ref.call(lambda *_: "up") == "up"
    end(house, ref)

    assert house.next() == ("terminate", reason)
    house.system.stop()
    assert house.silent()


def test_it_runs_in_the_servers_own_thread_where_the_state_is_as_the_last_callback_left_it(house, kind):
    class Counting(Doer):
        def terminate(self, reason):
            house.seen.put((self.number, otp.current().dn))

    ref = house.run(kind(Counting), house)
    ref.cast(lambda server: setattr(server, "number", 1))
    ref.cast(lambda server: setattr(server, "number", 2))
    ref.stop(timeout=10)

    assert house.next() == (2, "root.server")


@pytest.mark.parametrize("end", ["kill", "brutal kill"])
def test_it_does_not_run_after_a_kill(house, kind, end):
    options = {"shutdown": otp.BRUTAL_KILL} if end == "brutal kill" else {}
    ref = house.do(kind, **options)
    waiting = house.waiting(ref)
    if end == "kill":
        ref.exit(otp.Reason.KILL)
    else:
        house.system.stop()

    assert reason_of(waiting) is otp.Reason.KILLED
    house.system.stop()
    assert house.silent()


def test_it_does_not_run_when_init_has_raised(house, kind):
    house.do(kind, boom(ValueError("no")))
    house.event(otp.events.Died)

    assert house.silent()


def test_it_runs_with_brutal_kill_when_the_server_ends_by_itself(house, kind):
    ref = house.do(kind, shutdown=otp.BRUTAL_KILL)
    ref.send(lambda _: otp.Stop("enough"))

    assert house.next() == ("terminate", "enough")


class Failing(Doer):
    def terminate(self, reason):
        self.house.seen.put(reason)
        raise LookupError("while ending")  # noqa: EM101, TRY003 - as users write it


@pytest.mark.parametrize(
    "end",
    [
        lambda ref: ref.send(boom(ValueError("first"))),
        lambda ref: ref.send(lambda _: otp.Stop("enough")),
        lambda ref: ref.send(lambda _: otp.Stop()),
        lambda ref: ref.exit("enough"),
    ],
    ids=["crash", "Stop", "normal Stop", "exit signal"],
)
def test_what_it_raises_becomes_the_reason(house, kind, end):
    ref = house.run(kind(Failing), house)
    waiting = house.waiting(ref)
    end(ref)

    assert type(reason_of(waiting)) is LookupError
    assert house.event(otp.events.Died).error == "LookupError: while ending"


def test_what_it_raises_after_a_cancel_is_the_reason_and_the_node_is_canceled(house, kind):
    ref = house.run(kind(Failing), house)
    waiting = house.waiting(ref)
    house.system.stop()

    assert type(reason_of(waiting)) is LookupError
    assert house.event(otp.events.Canceled).error == "LookupError: while ending"


def test_the_first_crash_is_the_context_of_what_it_raises(house, kind):
    first = ValueError("first")
    ref = house.run(kind(Failing), house)
    waiting = house.waiting(ref)
    ref.send(boom(first))
    reason = reason_of(waiting)

    assert type(reason) is LookupError
    assert "ValueError: first" not in house.event(otp.events.Died).error


def test_it_may_raise_the_reason_again(house, kind):
    class Again(Doer):
        def terminate(self, reason):
            raise reason

    crash = ValueError("first")
    ref = house.run(kind(Again), house)
    waiting = house.waiting(ref)
    ref.send(boom(crash))

    assert reason_of(waiting) is crash
    assert house.event(otp.events.Died).error == "ValueError: first"


def test_what_it_returns_does_not_matter(house, kind):
    class Chatty(Doer):
        def terminate(self, reason):
            return otp.Stop("another")

    ref = house.run(kind(Chatty), house)
    ref.stop("enough", timeout=10)

    assert house.event(otp.events.Died).error == "stopped: enough"


def test_a_server_that_is_canceled_while_it_terminates_goes_on_with_that(house):
    started = house.gate()

    class Slow(Doer):
        def terminate(self, reason):
            started.set()
            otp.wait_canceled()
            house.seen.put(reason)

    ref = house.run(Slow, house)
    ref.send(lambda _: otp.Stop("enough"))
    assert started.wait(10)
    house.system.request_stop()

    assert house.next() == "enough"


def test_a_server_may_send_while_it_terminates(house, kind):
    class Polite(Doer):
        def terminate(self, reason):
            self.partner.send("goodbye")

    class Partner(otp.GenServer):
        def init(self):
            self.ref = otp.run("polite", kind(Polite), house)

        def handle_call(self, request, sender):
            self.ref.send(request)

        def handle_info(self, message):
            house.seen.put(message)

        def terminate(self, reason):
            pass

    ref = house.run(Partner)

    def stop(server):
        server.partner = ref
        return otp.Stop()

    ref.call(stop)

    assert house.next() == "goodbye"
