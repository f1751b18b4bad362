"""Examples as programs that are talked to."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 40.0


class Dialogue:
    """A program that reads lines and says some: its standard streams, one line at a time."""

    def __init__(self, module, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._watchdog = threading.Timer(PATIENCE, self.process.kill)
        self._watchdog.start()

    def say(self, line):
        """Type a line."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self):
        """The next line; an empty one at the end."""
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, line):
        """Type a line; the next that it says."""
        self.say(line)
        return self.hear()

    def until(self, text):
        """Read on to a line with `text` in it; that line."""
        for line in self.process.stdout:
            if text in line:
                return line.rstrip("\n")
        pytest.fail(f"it ended without saying {text!r}")

    def end(self):
        """Wait for its end; its exit status."""
        return self.process.wait(PATIENCE)

    def close(self):
        """Kill it, if it still runs."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self._watchdog.cancel()
        self._watchdog.join()


@pytest.fixture
def dialogue():
    """Start an example, `python -m MODULE ARGUMENTS`, to talk to it."""
    running = []

    def dialogue(module, *arguments):
        running.append(Dialogue(module, *arguments))
        return running[-1]

    yield dialogue
    for each in running:
        each.close()
