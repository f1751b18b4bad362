"""What a program says becomes records of its node, in order and before its death."""

from __future__ import annotations

import queue

import pytest
from loguru import logger

import otp

from .programs import NAMES_SIGNALS, lets_escape, python

NEVER = otp.Backoff(initial=60.0, jitter=0.0)


def said(bench) -> list[str]:
    """The lines of a program that has died."""
    records = bench.records("died: ")
    return [each.message for each in records if each.raw]


@pytest.mark.defect("B18")
def test_both_streams_are_records_of_the_node_in_order(bench):
    bench.run(otp.command("sh", "-c", "echo one; echo two >&2; echo three; exit 1"), backoff=NEVER)

    records = bench.records("died: ")

    assert [(each.message, each.level, each.incarnation) for each in records if each.raw] == [
        ("one", "INFO", 1),
        ("two", "INFO", 1),
        ("three", "INFO", 1),
    ]
    assert not records[-1].raw


@pytest.mark.defect("B18")
def test_all_of_100_000_lines_stand_before_the_death_of_their_program(bench):
    bench.run(otp.command("sh", "-c", "seq 100000; exit 1"), backoff=NEVER)

    assert said(bench) == [str(number) for number in range(1, 100_001)]
    assert bench.missed == 0


def test_lines_that_the_kept_records_have_no_room_for_are_missed_with_a_count(bench):
    bench.run(otp.command("sh", "-c", "seq 20000; exit 1"), backoff=NEVER)
    narrow = bench.system.logs.stream("root.a", bound=10, backlog=None)
    bench.record("died: ")

    narrow.close()

    assert narrow.missed > 0
    kept = [each.message for each in bench.system.logs.read("root.a") if each.raw]
    assert kept == [str(number) for number in range(20_001 - len(kept), 20_001)]
    assert len(kept) > 8_000


def test_last_words_without_a_newline_are_a_line(bench):
    bench.run(otp.command("sh", "-c", "printf 'last words'; exit 1"), backoff=NEVER)

    assert said(bench) == ["last words"]


def test_garbage_is_shown_and_harms_nobody(bench):
    bench.run(otp.command("sh", "-c", r"printf '\377\000\303\n{} {0} <red>\n'; exit 1"), backoff=NEVER)

    assert said(bench) == ["\\xff\x00\\xc3", "{} {0} <red>"]


def test_what_a_program_says_as_it_ends_on_request_is_heard(bench):
    bench.run(otp.command(*NAMES_SIGNALS))
    bench.record("ready")

    bench.rest()

    assert [each.message for each in bench.system.logs.read("root.a") if each.raw] == ["ready", "SIGTERM"]


def test_its_input_is_empty(bench):
    bench.run(otp.command("sh", "-c", "cat; echo over; exit 1"), backoff=NEVER)

    assert said(bench) == ["over"]


def test_a_program_that_closes_its_output_early_runs_on(bench, process):
    closes = "import os, signal; print(os.getpid()); os.close(1); os.close(2); signal.pause()"
    bench.run(otp.command(*python(closes)))
    program = process(bench.record().message)
    bench.until(otp.events.Healthy)

    assert program.runs
    bench.rest()
    program.wait()


def test_a_program_that_closes_its_output_early_has_its_status_all_the_same(bench):
    bench.run(otp.command("sh", "-c", "exec >&- 2>&-; exit 7"), backoff=NEVER)

    assert bench.until(otp.events.Died).error == "CommandError: sh exited with status 7"


def test_a_slow_sink_loses_nothing_of_a_program_that_has_ended_and_blames_nobody(bench, process, monkeypatch):
    """Logging what is left in the pipe may take longer than anybody is waited for."""
    monkeypatch.setattr("otp.runnables.program._DRAIN", 0.0)
    pid: queue.SimpleQueue[str] = queue.SimpleQueue()
    over = bench.gate()

    def slow(message) -> None:
        if message.record["extra"].get("raw") and not over.is_set():
            pid.put(message.record["message"])
            over.wait()

    logger.add(slow)
    bench.run(otp.command("sh", "-c", "echo $$; seq 9999; exit 1"), backoff=NEVER)
    process(pid.get(timeout=10)).wait()
    over.set()

    assert said(bench)[1:] == [str(number) for number in range(1, 10_000)]
    assert not [each for each in bench.system.logs.read("root.a") if each.level == "WARNING"]


def test_a_descendant_of_its_group_that_holds_the_output_ends_with_it(bench, process):
    bench.run(otp.command("sh", "-c", "tail -f /dev/null & echo $!; exit 1"), backoff=NEVER)
    pid = bench.record().message

    assert bench.until(otp.events.Died).error == "CommandError: sh exited with status 1"
    assert pid.isdigit()
    assert not [each for each in bench.system.logs.read("root.a") if each.level == "WARNING"]


def test_a_descendant_in_a_session_of_its_own_holds_up_the_death_for_a_moment_and_is_told_of(bench, process, orphan):
    bench.run(otp.command(*lets_escape(status=1)), backoff=NEVER)
    pid = int(bench.record().message)
    orphan(pid)

    assert bench.until(otp.events.Died).error.endswith("exited with status 1")
    (warning,) = [each for each in bench.system.logs.read("root.a") if each.level == "WARNING"]
    assert warning.message == "a descendant that has left the program's session still holds its output"
    assert process(pid).runs


def test_a_descendant_in_a_session_of_its_own_that_never_stops_talking_does_not_hold_up_the_death(bench, orphan):
    bench.run(otp.command(*lets_escape("yes", status=1)), backoff=NEVER)
    while not (said := bench.record().message).isdigit():
        assert said == "y"
    orphan(int(said))

    bench.until(otp.events.Died)

    assert any(each.level == "WARNING" for each in bench.system.logs.read("root.a"))
