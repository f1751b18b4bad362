"""What the log says of deaths: the cause first, and not buried under what follows."""

from __future__ import annotations

import otp
from otp.testing.clock import VirtualClock


def crash_loop(errors) -> list[otp.LogEntry]:
    """The records of a child that dies by each of `errors`, one incarnation after the other."""
    left = iter(errors)

    def child() -> None:
        error = next(left, None)
        if error is None:
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()
        else:
            raise error

    def root() -> None:
        otp.run("child", child, backoff=otp.Backoff(initial=0.0))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    with otp.System(root) as system:
        system.wait_healthy(timeout=20)
    return system.logs.read("root.child")


def test_a_death_is_told_at_the_node_that_died_with_cause_and_traceback():
    died, again = crash_loop([ValueError("because")])

    assert (died.dn, died.incarnation, died.level) == ("root.child", 1, "ERROR")
    assert died.message.startswith("died: ValueError: because")
    assert "in child" in died.traceback
    assert (again.incarnation, again.message) == (2, "started again, incarnation 2")


def test_the_delay_until_the_restart_is_told():
    clock = VirtualClock()

    def root() -> None:
        raise ValueError

    backoff = otp.Backoff(initial=7.0, jitter=0.0)
    system = otp.System(root, clock=clock, backoff=backoff)
    with system.logs.stream() as stream, system:
        assert "starts again in 7.00 s" in next(stream).message


def test_repeated_deaths_of_one_kind_have_one_traceback_and_are_counted():
    deaths = [found for found in crash_loop([ValueError("x")] * 4) if found.level == "ERROR"]

    assert [found.traceback is not None for found in deaths] == [True, False, False, False]
    assert [found.first_cause for found in deaths] == [True, False, False, False]
    assert "died as before, 4 times since" in deaths[-1].message
    assert "ValueError: x" in deaths[-1].message


def test_another_error_is_a_cause_of_its_own():
    deaths = [found for found in crash_loop([ValueError("x"), KeyError("y"), KeyError("y")]) if found.level == "ERROR"]

    assert [found.first_cause for found in deaths] == [True, True, False]


def test_what_a_canceled_runnable_raises_is_a_warning_at_its_node():
    def child() -> None:
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        raise ValueError("on the way out")  # noqa: TRY003, EM101 - the text is looked for

    def root() -> None:
        otp.run("child", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    with otp.System(root) as system:
        system.wait_healthy(timeout=10)

    (found,) = system.logs.read("root.child", level="WARNING")
    assert "raised although it had been canceled: ValueError: on the way out" in found.message


def test_braces_in_an_error_are_no_format():
    died, _ = crash_loop([ValueError("{0} {name} {}")])

    assert "ValueError: {0} {name} {}" in died.message
