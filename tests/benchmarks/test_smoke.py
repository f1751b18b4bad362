"""The benchmarks still run: each workload of each system that is here, at sizes that say nothing about speed."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OTP = {"W1", "W2", "W3", "W6", "W7"}
SYSTEMS = {"plain": OTP, "otp-threads": OTP, "otp-coroutines": OTP, "pykka": OTP - {"W3"}}
if find_spec("lapinbeam") is not None:
    SYSTEMS["lapinbeam"] = OTP - {"W3"}  # each of its restarts waits for 0.1 s
TINY = ["spawn:2", "restart:2"]
TINY_OF_FLOOR = [*TINY, "deep:2", "busy:1", "group:2"]
TINY_OF_OTP = [*TINY_OF_FLOOR, "stop_now:2"]
CASES = {"plain": TINY_OF_FLOOR, "otp-threads": TINY_OF_OTP, "otp-coroutines": TINY_OF_OTP, "pykka": [*TINY, "busy:1"]}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_workload_gives_figures(start, system):
    cases = CASES.get(system, TINY)
    program = start(sys.executable, str(HERE / "case.py"), system, "--pin", *cases)

    assert program.end() == 0, program.lines

    figures = [json.loads(line) for line in program.lines]
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
