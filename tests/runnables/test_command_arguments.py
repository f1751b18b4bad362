"""What `command` takes, and what it refuses where it is written."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import otp


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((), {}, TypeError),
        ((["ls", "-l"],), {}, TypeError),
        (("ls", 1), {}, TypeError),
        ((None,), {}, TypeError),
        (("ls", "a\0b"), {}, ValueError),
        (("ls",), {"grace": -1}, ValueError),
        (("ls",), {"grace": float("nan")}, ValueError),
        (("ls",), {"grace": float("inf")}, ValueError),
        (("ls",), {"grace": None}, TypeError),
        (("ls",), {"grace": "5"}, TypeError),
        (("ls",), {"stop_signal": 0}, ValueError),
        (("ls",), {"stop_signal": 1_000}, ValueError),
        (("ls",), {"stop_signal": "TERM"}, ValueError),
        (("ls",), {"env": {"NAME": 1}}, TypeError),
        (("ls",), {"env": {"NA=ME": "x"}}, ValueError),
        (("ls",), {"env": {"NAME": "a\0b"}}, ValueError),
        (("ls",), {"env": ["NAME"]}, TypeError),
        (("ls",), {"cwd": 7}, TypeError),
        (("ls",), {"shell": True}, TypeError),
    ],
)
def test_what_cannot_be_run_is_refused_where_it_is_written(arguments, options, error):
    with pytest.raises(error):
        otp.command(*arguments, **options)


def test_a_real_time_signal_may_ask_it_to_end():
    assert callable(otp.command("ls", stop_signal=signal.SIGRTMIN + 3))


def test_a_path_is_a_program_and_an_argument(bench, tmp_path):
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$1"\nexit 1\n')
    program.chmod(0o700)
    bench.run(otp.command(program, Path("/some/where")), backoff=otp.Backoff(initial=60))

    assert bench.record().message == "/some/where"


def test_it_is_shown_as_the_command_line_that_it_is():
    assert repr(otp.command("ls", "-l")) == "<Command ls -l>"
    assert otp.command("ls", "-l").argv == ("ls", "-l")


@pytest.mark.defect("B18")
def test_env_extends_the_environment(bench, monkeypatch):
    monkeypatch.setenv("OTP_KEPT", "kept")
    monkeypatch.setenv("OTP_REPLACED", "old")
    env = {"OTP_ADDED": "added", "OTP_REPLACED": "new"}
    command = otp.command("sh", "-c", "echo $OTP_KEPT $OTP_ADDED $OTP_REPLACED; exit 1", env=env)
    env["OTP_ADDED"] = "changed later"
    bench.run(command, backoff=otp.Backoff(initial=60))

    assert bench.record().message == "kept added new"


@pytest.mark.defect("B18")
def test_cwd_is_where_it_runs(bench, tmp_path):
    bench.run(otp.command("sh", "-c", "pwd -P; exit 1", cwd=tmp_path), backoff=otp.Backoff(initial=60))

    assert bench.record().message == os.fspath(tmp_path.resolve())


def test_a_missing_directory_is_a_death_that_names_it(bench, tmp_path):
    bench.run(otp.command("true", cwd=tmp_path / "missing"), backoff=otp.Backoff(initial=60))

    assert f"{tmp_path}/missing" in bench.until(otp.events.Died).error


def test_outside_of_a_runnable_it_starts_nothing():
    command = otp.command("tail", "-f", "/dev/null")

    with pytest.raises(otp.NotInRunnableError):
        command()
    assert command.pid is None
