"""The benchmarks still run: each workload of each system that is here, at sizes that say nothing about speed."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OTP = {"W1", "W2", "W3", "W4", "W5", "W6", "W7"}
SYSTEMS = {"plain": OTP, "otp-threads": OTP, "otp-coroutines": OTP | {"W8"}, "pykka": OTP - {"W3"}}
if find_spec("lapinbeam") is not None:
    SYSTEMS["lapinbeam"] = OTP - {"W3"}  # each of its restarts waits for 0.1 s
TINY = ["spawn:2", "restart:2", "call:2", "cast:2"]
TINY_OF_FLOOR = [*TINY, "deep:2", "busy:1", "group:2"]
TINY_OF_OTP = [*TINY_OF_FLOOR, "stop_now:2"]
CASES = {
    "plain": TINY_OF_FLOOR,
    "otp-threads": TINY_OF_OTP,
    "otp-coroutines": [*TINY_OF_OTP, "limits:3"],
    "pykka": [*TINY, "busy:1"],
}
FUTEX_HASH, GET_SLOTS = 78, 2
IMPOSSIBLE = "3"
"""A number of futex slots that every kernel refuses: one that has them wants a power of two."""


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_workload_gives_figures(start, system):
    cases = CASES.get(system, TINY)
    program = start(sys.executable, str(HERE / "case.py"), system, "--pin", *cases)

    assert program.end() == 0, program.lines

    figures = figures_of(program)
    assert {figure["workload"] for figure in figures} == SYSTEMS[system]
    names = [(figure["workload"], figure["case"], figure["metric"], figure["variant"]) for figure in figures]
    assert len(set(names)) == len(names)
    assert all(figure["value"] > 0 for figure in figures if figure["unit"] != "B")


def test_a_workload_that_a_system_lacks_is_named(start):
    program = start(sys.executable, str(HERE / "case.py"), "pykka", "group:2")

    assert program.end() == 0
    assert program.lines == ["pykka: has no group:2"]


def test_a_system_that_is_not_installed_is_skipped_and_named(start, tmp_path, monkeypatch):
    (tmp_path / "lapinbeam.py").write_text("raise ImportError\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    program = start(sys.executable, str(HERE / "case.py"), "lapinbeam", "spawn:2")

    assert program.end() == 0
    assert program.lines == ["lapinbeam: skipped, for it is not installed (pip install --group bench)"]


def test_a_run_ends_with_a_table_of_ratios_to_the_floor(start):
    options = ["--pin", "--repeat", "1", "--workloads", "W3", "--systems", "plain,otp-coroutines", "--largest", "10"]
    program = start(sys.executable, str(HERE / "run.py"), *options)

    assert program.end() == 0, program.lines

    title, _, head, _, *rows = program.lines[program.lines.index("") + 1 :]
    assert title == "Pinned to one CPU; medians of 1"
    assert head == "|  | plain | otp-coroutines |"
    assert [row.split(" | ")[0] for row in rows] == ["| W3 n=10 median", "| W3 n=10 p99"]
    for row in rows:
        plain, coroutines = row.strip("| ").split(" | ")[1:]
        assert plain.endswith((" us", " ms"))
        assert coroutines.endswith("x)")


def test_a_case_says_what_its_process_was_set_to(start):
    last_cpu = max(os.sched_getaffinity(0))
    settings = ["--pin", "--cpu", str(last_cpu), "--futex-slots", "64", "--switch-interval", "0.001"]
    program = start(sys.executable, str(HERE / "case.py"), "plain", "spawn:2", *settings)

    assert program.end() == 0, program.lines

    figures = figures_of(program)
    assert len(figures) == 3
    known = ctypes.CDLL(None).prctl(FUTEX_HASH, *map(ctypes.c_ulong, (GET_SLOTS, 0, 0, 0))) >= 0
    for figure in figures:
        assert (figure["pinned"], figure["cpu"], figure["switch_interval"]) == (True, last_cpu, 0.001)
        assert figure["futex_slots"] == 64 if known else figure["futex_slots"].startswith("64 refused: ")


def test_a_case_that_nothing_is_set_for_says_nothing_of_settings(start):
    program = start(sys.executable, str(HERE / "case.py"), "plain", "restart:1")

    assert program.end() == 0, program.lines

    for figure in figures_of(program):
        assert figure.keys() == {"system", "pinned", "workload", "case", "metric", "value", "unit", "variant"}


def test_futex_slots_that_the_kernel_refuses_are_named_and_the_case_runs(start):
    program = start(sys.executable, str(HERE / "case.py"), "plain", "restart:1", "--futex-slots", IMPOSSIBLE)

    assert program.end() == 0

    refusal = "3 refused: Invalid argument"
    assert program.lines[0] == f"futex slots: {refusal}; the case runs with what there is"
    assert [figure["futex_slots"] for figure in figures_of(program)] == [refusal, refusal]


def test_a_run_of_chosen_cases_passes_settings_on_and_names_them(start):
    settings = ["--futex-slots", IMPOSSIBLE, "--switch-interval", "0.002"]
    options = ["--pin", "--repeat", "1", "--cases", "restart:1,group:10", "--systems", "plain", *settings]
    program = start(sys.executable, str(HERE / "run.py"), *options)

    assert program.end() == 0, program.lines

    title = "Pinned to one CPU; medians of 1; futex slots 3 refused: Invalid argument; switch interval 0.002"
    assert title in program.lines
    assert {(figure["workload"], figure["case"]) for figure in figures_of(program)} == {("W2", "n=1"), ("W3", "n=10")}
    assert {figure["switch_interval"] for figure in figures_of(program)} == {0.002}


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "soon"])
def test_a_switch_interval_that_is_none_is_refused(start, interval):
    program = start(sys.executable, str(HERE / "run.py"), f"--switch-interval={interval}")

    assert program.end() == 2
    assert "--switch-interval" in program.lines[-1]


def figures_of(program):
    return [json.loads(line) for line in program.lines if line.startswith("{")]
