"""The stage of the command line's tests: modules of the user's, and `otp run`."""

from __future__ import annotations

import sys
import textwrap

import pytest


@pytest.fixture
def module(tmp_path):
    """Write a module into the directory that programs are run in."""

    def write(source: str, name: str = "service") -> None:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")

    return write


@pytest.fixture
def otp_run(start):
    """Start `otp run` there."""

    def otp_run(*arguments: str):
        return start(sys.executable, "-m", "otp", "run", *arguments)

    return otp_run
