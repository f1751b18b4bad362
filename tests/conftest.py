"""Real processes for tests: followed line by line, and gone when the test is over."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress

import pytest

pytest_plugins = ["pytester"]  # for tests of otp's own plugin; pytest wants it said here

_PATIENCE = 40.0
"""Seconds after which a process that says nothing any more is killed, so that whoever reads from it gets on."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and the programs that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# With it, `print` writes the end of a line by itself, and what is logged may come in between.
os.environ.pop("PYTHONUNBUFFERED", None)


class Program:
    """A running process: what it says on both streams, and how it ends."""

    def __init__(self, argv, cwd):
        self._process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._watchdog = threading.Timer(_PATIENCE, self._process.kill)
        self._watchdog.start()
        self.lines: list[str] = []
        """What it has said so far."""

    def until(self, text: str) -> str:
        """Read on to the next line with `text` in it; that line."""
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if text in line:
                return self.lines[-1]
        pytest.fail(f"the program ended without saying {text!r}; it said:\n" + "\n".join(self.lines))

    def next_line(self) -> str | None:
        """The next line; `None`: it has ended."""
        line = self._process.stdout.readline()
        if not line:
            return None
        self.lines.append(line.rstrip("\n"))
        return self.lines[-1]

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Listen no more: what it writes from now on is refused."""
        self._process.stdout.close()

    def end(self) -> int:
        """Read the rest, and wait; its exit status."""
        if not self._process.stdout.closed:
            self.lines.extend(line.rstrip("\n") for line in self._process.stdout)
        return self._process.wait(_PATIENCE)

    def close(self) -> None:
        """Kill it, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._watchdog.cancel()
        self._watchdog.join()


@pytest.fixture
def start(tmp_path):
    """Start a program, in a directory of the test's own unless told otherwise."""
    programs: list[Program] = []

    def start(*argv: str, cwd=tmp_path) -> Program:
        program = Program(argv, cwd)
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.close()
