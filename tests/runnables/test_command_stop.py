"""How a program is asked to end, and what becomes of all that it has started."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

import pytest

import otp

from .programs import DEAF, NAMES_SIGNALS, SERVES, lets_escape, python

NEVER = otp.Backoff(initial=60.0, jitter=0.0)


def raw(bench) -> list[str]:
    """All that the program has said."""
    return [each.message for each in bench.system.logs.read("root.a") if each.raw]


def test_it_is_asked_by_sigterm(bench):
    bench.run(otp.command(*NAMES_SIGNALS))
    bench.record("ready")

    assert bench.system.stop().unstopped == ()
    assert raw(bench) == ["ready", "SIGTERM"]


def test_another_signal_can_ask_it(bench):
    bench.run(otp.command(*NAMES_SIGNALS, stop_signal=signal.SIGQUIT))
    bench.record("ready")

    assert bench.system.stop().unstopped == ()
    assert raw(bench) == ["ready", "SIGQUIT"]


@pytest.mark.defect("B10")
def test_a_program_that_a_stop_ends_by_a_signal_is_canceled_and_not_dead(bench, process):
    bench.run(otp.command(*SERVES))
    program = process(bench.record().message)

    told = bench.rest()

    program.wait()
    (canceled,) = [event for event in told if isinstance(event, otp.events.Canceled) and event.dn == "root.a"]
    assert canceled.error is None
    assert not any(isinstance(event, otp.events.Died) for event in told)


@pytest.mark.defect("B18")
def test_a_program_that_does_not_listen_is_killed_after_the_grace_and_was_never_stuck(bench, process):
    bench.run(otp.command(*DEAF, grace=0.2))
    program = process(bench.record().message)

    told = bench.rest()

    program.wait()
    (canceled,) = [event for event in told if isinstance(event, otp.events.Canceled) and event.dn == "root.a"]
    (asked,) = [event for event in told if isinstance(event, otp.events.Canceling) and event.dns == ("root.a",)]
    assert canceled.error is None
    assert canceled.time - asked.time >= 0.2
    assert not any(isinstance(event, otp.events.Stuck | otp.events.Died) for event in told)


def test_the_shutdown_leaves_room_for_the_grace():
    assert otp.Child(otp.command("true", grace=7.5)).shutdown == 12.5
    assert otp.Child(otp.command("true", grace=7.5), shutdown=1.0).shutdown == 1.0


def test_a_grace_of_0_kills_at_once(bench, process):
    bench.run(otp.command(*DEAF, grace=0))
    program = process(bench.record().message)

    assert bench.system.stop().unstopped == ()
    program.wait()


@pytest.mark.defect("B18")
def test_grandchildren_that_do_not_listen_are_killed_after_the_grace(bench, process):
    script = "trap '' TERM; tail -f /dev/null & echo $!; trap - TERM; exec tail -f /dev/null"
    bench.run(otp.command("sh", "-c", script, grace=0.2))
    grandchild = process(bench.record().message)

    told = bench.rest()

    grandchild.wait()
    assert not any(isinstance(event, otp.events.Stuck) for event in told)


def test_grandchildren_have_the_grace_even_if_the_program_itself_ends_at_once(bench, tmp_path):
    """A shell that has started the real program does not wait for it when it is asked to end."""
    real = """
import os, select, signal, sys

shell = os.pidfd_open(int(sys.argv[1]))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready")
signal.sigwait([signal.SIGTERM])
select.select([shell], [], [])
print("the shell is gone")
print(open(sys.argv[2]).read())
"""
    work = tmp_path / "work"
    os.mkfifo(work)
    interpreter, *arguments = python(real)
    bench.run(otp.command("sh", "-c", '"$@" $$ "$0" & wait', os.fspath(work), interpreter, *arguments))
    bench.record("ready")

    bench.system.request_stop()
    bench.record("the shell is gone")
    work.write_text("and its work is done", encoding="utf-8")

    assert bench.system.stop().unstopped == ()
    assert raw(bench) == ["ready", "the shell is gone", "and its work is done"]


def test_what_has_escaped_holds_up_a_cancel_for_the_grace_at_the_most(bench, process, orphan):
    script = '"$@"; exec tail -f /dev/null'
    bench.run(otp.command("sh", "-c", script, "sh", *lets_escape(status=0), grace=0.2))
    pid = int(bench.record().message)
    orphan(pid)

    told = bench.rest()

    assert process(pid).runs
    assert not any(isinstance(event, otp.events.Stuck | otp.events.Died) for event in told)
    (warning,) = [each for each in bench.system.logs.read("root.a") if each.level == "WARNING"]
    assert warning.message == "a descendant that has left the program's session still holds its output"


@pytest.mark.defect("B18")
def test_what_a_failed_program_leaves_behind_is_gone_before_the_next_begins(bench):
    bench.run(otp.command("sh", "-c", "tail -f /dev/null > /dev/null 2>&1 & echo $!; exit 1"))
    left = int(bench.record().message)
    bench.until(otp.events.Started, incarnation=2)

    assert _state(left) in {None, "Z"}  # a zombie is its adoptive parent's


def _state(pid: int) -> str | None:
    """The state of a process, as a letter; `None`: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return stat.rpartition(")")[2].split()[0]


def test_what_is_canceled_before_it_has_begun_starts_nothing():
    command = otp.command("tail", "-f", "/dev/null")

    def root() -> None:
        otp.run("a", command)
        raise OSError

    system = otp.System(root, backoff=NEVER)
    with system.logs.stream("root.a") as records, system:
        system.wait_settled(10)

    assert command.pid is None
    assert not [each for each in records if each.raw]


def test_a_signal_reaches_the_program_from_any_thread(bench):
    command = otp.command(*NAMES_SIGNALS)
    bench.run(command)
    bench.record("ready")
    sent: list[bool] = []
    thread = threading.Thread(target=lambda: sent.append(command.send_signal(signal.SIGHUP)))
    thread.start()
    thread.join()

    assert sent == [True]
    assert bench.record().message == "SIGHUP"


def test_a_signal_is_sent_to_nobody_when_no_program_runs(bench):
    command = otp.command("false")
    assert command.send_signal(signal.SIGHUP) is False
    assert command.pid is None

    bench.run(command, backoff=NEVER)
    bench.until(otp.events.Died)

    assert command.send_signal(signal.SIGHUP) is False
    assert command.pid is None


def test_the_pid_is_that_of_the_program(bench):
    command = otp.command(*SERVES)
    bench.run(command)

    assert bench.record().message == str(command.pid)


def test_a_signal_to_a_program_that_has_just_ended_leaves_its_status_alone(bench, orphan):
    """Its output is still held, so it has not been reaped yet."""
    command = otp.command(*lets_escape(status=5))
    bench.run(command, backoff=NEVER)
    orphan(int(bench.record().message))
    pid = command.pid

    while command.send_signal(0):
        pass

    assert _state(pid) == "Z"  # until nobody sends it signals any more, its number is nobody else's
    assert bench.until(otp.events.Died).error.endswith("exited with status 5")


def test_one_command_may_be_several_nodes(bench):
    command = otp.command(*NAMES_SIGNALS)
    bench.run_all({"a": command, "b": command})
    streams = [bench.system.logs.stream(dn, backlog=None) for dn in ("root.a", "root.b")]
    assert [next(stream).message for stream in streams] == ["ready", "ready"]

    assert command.send_signal(signal.SIGHUP)

    assert [next(stream).message for stream in streams] == ["SIGHUP", "SIGHUP"]


def test_an_interrupt_from_the_terminal_does_not_reach_it(bench):
    bench.run(otp.command(*SERVES))
    pid = int(bench.record().message)

    assert os.getsid(pid) == os.getpgid(pid) == pid
    assert os.getsid(pid) != os.getsid(0)


def test_a_body_of_a_runnable_may_be_a_command(bench):
    def runs_it() -> None:
        otp.logger().info("before")
        otp.command("sh", "-c", "echo said; exit 1")()

    bench.run(runs_it, backoff=NEVER)

    assert [each.message for each in bench.records("died: ")][:2] == ["before", "said"]


def test_a_failure_to_attend_to_a_program_leaves_none_behind(bench, monkeypatch):
    def no_descriptor_left(*arguments) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    command = otp.command(*DEAF)
    monkeypatch.setattr("otp.runnables.program._Reader", no_descriptor_left)
    bench.run(command, backoff=NEVER)

    assert "Too many open files" in bench.until(otp.events.Died).error
    assert command.pid is None
