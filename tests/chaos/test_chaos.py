"""The engine in chaos, as a program of its own: what is left behind is seen best there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

COMMAND = (sys.executable, "-m", "otp.testing.chaos")


def run(seed, **options):
    words = [f"--{name}={value}" for name, value in options.items()]
    ended = subprocess.run([*COMMAND, f"--seed={seed}", *words], capture_output=True, text=True, check=False)
    printed = ended.stdout + ended.stderr
    print(printed)  # noqa: T201 - of a test that fails
    return ended.returncode, printed


def figure(printed, name):
    return int(re.search(rf"\b{re.escape(name)} (\d+)", printed)[1])


def test_nothing_is_broken_and_nothing_is_left_behind_by_a_thousand_faults(seed):
    status, printed = run(seed, seconds=8, nodes=200, faults=1000, herd=0)

    assert status == 0, printed
    assert "violations 0, leaks 0" in printed
    assert figure(printed, "faults") >= 1000
    assert figure(printed, "recovered") > 500


def test_all_of_three_hundred_nodes_that_fail_at_once_are_healthy_again(seed):
    status, printed = run(seed, seconds=1, nodes=10, faults=10, herd=300)

    assert status == 0, printed
    assert "restart storm: 300 of 300 nodes failed at once, all healthy again after" in printed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_broken_and_nothing_is_left_behind_by_ten_thousand_faults(seed):
    status, printed = run(seed, seconds=60, nodes=200, faults=10_000, herd=1000)

    assert status == 0, printed
    assert "violations 0, leaks 0" in printed
    assert figure(printed, "faults") >= 10_000
