"""How the end of a program becomes the end of its node."""

from __future__ import annotations

import signal
import sys

import pytest

import otp
from otp.testing.clock import VirtualClock

NEVER = otp.Backoff(initial=60.0, jitter=0.0)


def test_a_program_that_fails_is_a_death_that_names_it_and_its_status(bench):
    bench.run(otp.command("sh", "-c", "exit 3"), backoff=NEVER)

    death = bench.until(otp.events.Died)

    assert death.error == "CommandError: sh exited with status 3"
    assert death.restart_in == 60.0


def test_a_program_that_a_signal_ends_is_a_death_that_names_the_signal(bench):
    bench.run(otp.command("sh", "-c", "kill -SEGV $$"), backoff=NEVER)

    assert bench.until(otp.events.Died).error == "CommandError: sh was ended by SIGSEGV"


def test_a_signal_without_a_name_is_told_by_its_number(bench):
    bench.run(otp.command("sh", "-c", f"kill -{signal.SIGRTMIN + 1} $$"), backoff=NEVER)

    assert bench.until(otp.events.Died).error == f"CommandError: sh was ended by signal {signal.SIGRTMIN + 1}"


@pytest.mark.parametrize("restart", [otp.Restart.TRANSIENT, otp.Restart.TEMPORARY])
def test_status_0_is_done_for_what_need_not_run_for_ever(bench, restart):
    bench.run(otp.command("true"), restart=restart)

    bench.until(otp.events.Done)

    assert bench.record().message == "true exited with status 0"
    assert not any(isinstance(event, otp.events.Died) for event in bench.rest())


@pytest.mark.defect("B18")
def test_status_0_is_a_death_that_says_so_for_what_must_run_for_ever(bench):
    bench.run(otp.command("true"), backoff=NEVER)

    assert bench.until(otp.events.Died).error == "CommandError: true exited with status 0"


def test_a_failure_is_a_death_under_transient_and_the_program_starts_again(bench, tmp_path):
    script = f"[ -e {tmp_path}/second ] && exit 0; touch {tmp_path}/second; exit 1"
    bench.run(otp.command("sh", "-c", script), restart=otp.Restart.TRANSIENT)

    assert bench.until(otp.events.Died).incarnation == 1
    assert bench.until(otp.events.Done).incarnation == 2


@pytest.mark.defect("B10")
def test_a_program_canceled_by_the_death_of_another_restarts_at_once_and_cancels_nobody(bench):
    fail = bench.gate()

    def failing() -> None:
        otp.signal(otp.Signal.HEALTHY)
        fail.wait()
        raise OSError

    serving = otp.command("tail", "-f", "/dev/null")
    bench.run_all({"a": serving, "b": otp.Child(failing, backoff=NEVER), "c": serving})
    bench.system.wait_healthy(10)
    fail.set()

    bench.until(otp.events.Died, "root.b")
    again = {bench.until(otp.events.Healthy, None, incarnation=2).dn for _ in range(2)}

    assert again == {"root.a", "root.c"}

    assert [event.dn for event in bench.seen if isinstance(event, otp.events.Died)] == ["root.b"]
    assert [event.dns for event in bench.seen if isinstance(event, otp.events.Canceling)] == [("root.a", "root.c")]
    assert {event.error for event in bench.seen if isinstance(event, otp.events.Canceled)} == {None}


@pytest.mark.defect("B8")
def test_a_missing_program_backs_off_more_each_time(bench):
    clock = VirtualClock()
    bench.run(otp.command("no-such-program"), clock=clock, backoff=otp.Backoff(initial=1.0, multiplier=2.0, jitter=0.0))
    delays = []
    for _ in range(4):
        death = bench.until(otp.events.Died)
        assert death.error == "FileNotFoundError: [Errno 2] No such file or directory: 'no-such-program'"
        delays.append(death.restart_in)
        clock.advance(death.restart_in)

    assert delays == [1.0, 2.0, 4.0, 8.0]
    assert not any(isinstance(event, otp.events.Healthy) and event.dn == "root.a" for event in bench.rest())


@pytest.mark.defect("B8")
def test_a_program_that_fails_as_soon_as_it_has_been_started_backs_off_more_each_time(bench):
    clock = VirtualClock()
    bench.run(otp.command("false"), clock=clock, backoff=otp.Backoff(initial=1.0, multiplier=2.0, jitter=0.0))
    delays = []
    for incarnation in range(1, 5):
        bench.until(otp.events.Healthy, incarnation=incarnation)
        delays.append(bench.until(otp.events.Died).restart_in)
        clock.advance(delays[-1])

    assert delays == [1.0, 2.0, 4.0, 8.0]


def test_a_program_that_has_run_for_a_while_has_the_shortest_backoff_again(bench):
    clock = VirtualClock()
    program = otp.command("tail", "-f", "/dev/null")
    bench.run(program, clock=clock, backoff=otp.Backoff(initial=1.0, multiplier=2.0, jitter=0.0))
    delays = []
    for seconds in (0.0, 0.0, 5.0):
        bench.until(otp.events.Healthy)
        clock.advance(seconds)
        assert program.send_signal(signal.SIGKILL)
        delays.append(bench.until(otp.events.Died).restart_in)
        clock.advance(delays[-1])

    assert delays == [1.0, 2.0, 1.0]


def test_a_reset_after_of_the_users_own_is_kept(bench):
    clock = VirtualClock()
    backoff = otp.Backoff(initial=1.0, multiplier=2.0, jitter=0.0, reset_after=0.0)
    bench.run_all({"a": otp.Child(otp.command("false"), backoff=backoff)}, clock=clock)
    for _ in range(3):
        death = bench.until(otp.events.Died)
        assert death.restart_in == 1.0
        clock.advance(1.0)


def test_fifty_restarts_leave_no_process_thread_or_file(bench):
    bench.run(otp.command("sh", "-c", "echo said; exit 1"))
    for incarnation in range(1, 51):
        assert bench.until(otp.events.Died).incarnation == incarnation

    bench.rest()

    assert len([each for each in bench.system.logs.read("root.a") if each.raw]) >= 50


STATUS_LOST = """
import os, signal, sys, threading
import otp
from loguru import logger

logger.remove()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
program = otp.command("sh", "-c", "echo said; exit 3")

def root():
    otp.run("a", program, restart=otp.Restart.TRANSIENT, backoff=otp.Backoff(initial=60))
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()

system = otp.System(root)
events = system.events()
with system:
    for event in events:
        if getattr(event, "dn", "") == "root.a" and isinstance(event, (otp.events.Died, otp.events.Done)):
            print("ended:", type(event).__name__, getattr(event, "error", ""), [each.message for each in system.logs.read("root.a") if each.raw])
            break
"""


def test_a_status_that_the_system_has_thrown_away_is_no_success(start):
    """Where SIGCHLD is ignored, nobody learns how a program has ended."""
    program = start(sys.executable, "-c", STATUS_LOST)

    line = program.until("ended: ")
    assert program.end() == 0
    assert line.startswith("ended: Died CommandError: sh ended, and its exit status is lost: SIGCHLD is ignored")
    assert line.endswith("['said']")
