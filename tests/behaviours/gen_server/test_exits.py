"""Exit signals that reach a server, with and without `trap_exit`."""

from __future__ import annotations

import pytest

import otp

from .house import Doer, boom, reason_of

REASONS = ["enough", otp.Reason.SHUTDOWN, otp.Shutdown("why"), ValueError("of another"), otp.Reason.NOPROC]


def trapping(_):
    otp.trap_exit(True)  # noqa: FBT003 - as users write it


def trapped(house, kind):
    """A server that traps exits by now."""
    ref = house.do(kind, trapping)
    assert ref.call(lambda *_: "up") == "up"
    return ref


@pytest.mark.parametrize("reason", REASONS, ids=repr)
def test_an_exit_signal_ends_a_server_with_its_reason_after_terminate(house, kind, reason):
    ref = house.do(kind)
    waiting = house.waiting(ref)
    ref.exit(reason)

    assert house.next() == ("terminate", reason)
    assert reason_of(waiting) == reason


def test_a_normal_exit_signal_is_ignored(house, kind):
    ref = house.do(kind)
    ref.exit(otp.Reason.NORMAL)

    assert ref.call(lambda *_: "still here") == "still here"
    assert house.silent()


def test_an_exit_signal_overtakes_the_mail(house, kind):
    started, gate = house.gate(), house.gate()

    def busy(_):
        started.set()
        gate.wait()

    ref = house.do(kind)
    ref.cast(busy)
    assert started.wait(10)
    ref.send("never seen")
    ref.exit("enough")
    gate.set()

    assert house.next() == ("terminate", "enough")


def test_an_exit_signal_does_not_interrupt_the_callback_that_runs(house, kind):
    started, gate = house.gate(), house.gate()

    def busy(_):
        started.set()
        gate.wait()
        house.seen.put("done")

    ref = house.do(kind)
    ref.cast(busy)
    assert started.wait(10)
    ref.exit("enough")
    gate.set()

    assert [house.next(), house.next()] == ["done", ("terminate", "enough")]


def test_an_exit_signal_keeps_a_server_from_continuing(house, kind):
    started, gate = house.gate(), house.gate()

    def busy(_):
        started.set()
        gate.wait()
        return otp.Continue(lambda _: house.seen.put("continued"))

    ref = house.do(kind)
    ref.cast(busy)
    assert started.wait(10)
    ref.exit("enough")
    gate.set()

    assert house.next() == ("terminate", "enough")


def test_a_server_that_has_stopped_by_itself_before_it_saw_the_signal_keeps_its_own_reason(house):
    started, gate = house.gate(), house.gate()

    def stop(_):
        started.set()
        gate.wait()
        return otp.Stop("by itself")

    ref = house.run(Doer, house)
    waiting = house.waiting(ref)
    ref.cast(stop)
    assert started.wait(10)
    ref.exit("signal")
    gate.set()

    assert house.next() == ("terminate", "by itself")
    assert reason_of(waiting) == "by itself"


def test_a_callback_that_raises_after_the_signal_came_is_a_crash(house, kind):
    started, gate = house.gate(), house.gate()
    crash = ValueError("broken")

    def fall(_):
        started.set()
        gate.wait()
        raise crash

    ref = house.do(kind)
    waiting = house.waiting(ref)
    ref.cast(fall)
    assert started.wait(10)
    ref.exit("signal")
    gate.set()

    assert house.next() == ("terminate", crash)
    assert reason_of(waiting) is crash


def test_a_callback_that_leaves_when_it_sees_the_signal_is_no_crash(house):
    def leave(_):
        otp.wait_canceled()
        raise otp.Canceled

    ref = house.run(Doer, house)
    waiting = house.waiting(ref)
    ref.cast(leave)
    ref.exit("signal")

    assert house.next() == ("terminate", "signal")
    assert reason_of(waiting) == "signal"


@pytest.mark.parametrize("reason", [*REASONS, otp.Reason.NORMAL], ids=repr)
def test_a_server_that_traps_exits_gets_a_message_instead(house, kind, reason):
    ref = trapped(house, kind)
    ref.exit(reason)
    message = house.next()

    assert type(message) is otp.Exit
    assert message.ref is None
    assert message.reason == reason
    assert ref.call(lambda *_: "still here") == "still here"


def test_a_kill_cannot_be_trapped_and_is_seen_as_killed(house, kind):
    ref = house.do(kind, trapping)
    waiting = house.waiting(ref)
    ref.exit(otp.Reason.KILL)

    assert reason_of(waiting) is otp.Reason.KILLED
    assert house.event(otp.events.Died).error == "ended by an exit signal: killed"
    assert house.silent()


def test_killed_as_a_reason_can_be_trapped(house, kind):
    ref = trapped(house, kind)
    ref.exit(otp.Reason.KILLED)

    assert house.next().reason is otp.Reason.KILLED


def test_trap_exit_does_not_change_what_a_cancel_does(house, kind):
    trapped(house, kind)
    house.system.stop()

    assert house.next() == ("terminate", otp.Reason.SHUTDOWN)
    assert house.silent()


def test_a_server_that_traps_exits_may_stop_by_the_reason(house, kind):
    class Following(Doer):
        def handle_info(self, message):
            return otp.Stop(message.reason)

    ref = house.run(kind(Following), house, trapping)
    house.waiting(ref)
    ref.exit("enough")

    assert house.next() == ("terminate", "enough")


def test_an_exit_signal_that_comes_before_it_traps_ends_the_server_when_init_has_returned(house):
    started, gate = house.gate(), house.gate()

    class Late(Doer):
        def init(self, house):
            super().init(house)
            started.set()
            gate.wait()
            trapping(self)

    ref = house.run(Late, house)
    assert started.wait(10)
    waiting = ref.send_request("anything")
    ref.exit("enough")
    gate.set()

    assert reason_of(waiting) == "enough"
    assert house.next() == ("terminate", "enough")


class Family(otp.GenServer):
    """A server whose child is a server that it is linked to."""

    def init(self, house, kind, trap):
        self.house = house
        if trap:
            trapping(self)
        self.child = otp.run("child", kind(Doer), house)
        otp.link(self.child)

    def handle_call(self, request, sender):
        return self.child

    def handle_info(self, message):
        self.house.seen.put(("info", message.ref, message.reason))

    def terminate(self, reason):
        self.house.seen.put(("parent terminates", reason))


def test_the_crash_of_a_linked_server_is_a_message_where_exits_are_trapped(house, kind):
    child = house.run(kind(Family), house, kind, True).call("child")  # noqa: FBT003 - to trap
    crash = ValueError("broken")
    child.send(boom(crash))

    assert house.next() == ("terminate", crash)
    assert house.next() == ("info", child, crash)


def test_the_crash_of_a_linked_server_takes_along_who_does_not_trap(house, kind):
    child = house.run(kind(Family), house, kind, False).call("child")  # noqa: FBT003 - not to trap
    crash = ValueError("broken")
    child.send(boom(crash))

    assert house.next() == ("terminate", crash)
    assert house.next() == ("parent terminates", crash)


def test_the_normal_end_of_a_linked_server_takes_nobody_along(house, kind):
    ref = house.run(kind(Family), house, kind, False)  # noqa: FBT003 - not to trap
    child = ref.call("child")
    child.stop(timeout=10)

    assert house.next() == ("terminate", otp.Reason.NORMAL)
    assert ref.call("child") == child
    assert house.silent()
