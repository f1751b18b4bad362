"""The bench of the tests of ready-made runnables: real programs and servers in a tree, and nothing left of them after it.

Nothing here sleeps. What a program has reached it says in its output, which is followed as records of its node; the end of
a process that is nobody's child any more is waited for by its pidfd.
"""

from __future__ import annotations

import gc
import os
import select
import subprocess
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest
from loguru import logger

import otp

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # before it is imported; what it finds worth saying is tested for

PATIENCE = 20.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Bench:
    """A system with what a test puts below its root, its events, and the records of its log."""

    def __init__(self) -> None:
        self.system: otp.System | None = None
        self.seen: list[otp.events.Event] = []
        self._gates: list[threading.Event] = []

    def run(self, runnable, *, clock=None, backoff=None, **options) -> otp.System:
        """Start a system whose root runs it as `root.a`."""
        return self.run_all({"a": otp.Child(runnable, **options)}, clock=clock, backoff=backoff)

    def run_all(self, group, *, clock=None, backoff=None) -> otp.System:
        """Start a system whose root runs that group."""

        def root() -> None:
            otp.run_group(group)
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        backoff = backoff or otp.Backoff(initial=0.01, multiplier=1.0, jitter=0.0)
        self.system = otp.System(root, clock=clock, backoff=backoff)
        self._events = self.system.events()
        self._records = self.system.logs.stream(bound=1_000_000)
        self.system.start()
        return self.system

    def until(self, kind: type, dn: str | None = "root.a", **fields):
        """Read on to the next event of that kind about that node, or any; it."""
        wanted = fields if dn is None else {"dn": dn, **fields}
        for event in self._events:
            self.seen.append(event)
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in wanted.items()):
                return event
        raise AssertionError(kind, self.seen)

    def record(self, text: str = "", dn: str = "root.a"):
        """Read on to the next record of that node with that in it; it."""
        return self.records(text, dn)[-1]

    def records(self, text: str, dn: str = "root.a") -> list:
        """Read on to the next record of that node with that in it; all of the node's on the way, and it."""
        found = []
        for record in self._records:
            if record.dn == dn:
                found.append(record)
                if text in record.message:
                    return found
        raise AssertionError(text, found)

    @property
    def missed(self) -> int:
        """Records that this reader was too slow for."""
        return self._records.missed

    def gate(self) -> threading.Event:
        """Opened at the end of the test, so that nothing waits for it for ever."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def rest(self) -> list[otp.events.Event]:
        """Stop the system; all events of the test."""
        self.close()
        self.seen.extend(self._events)
        return self.seen

    def close(self) -> None:
        for gate in self._gates:
            gate.set()
        if self.system is not None:
            self.system.stop()


@pytest.fixture
def bench(no_leaks):
    bench = Bench()
    yield bench
    bench.close()
    bench.system = None  # pytest keeps the bench until all is torn down, and a system keeps what the test has handed it


class Process:
    """A process that need not be a child of this one."""

    def __init__(self, pid: int | str) -> None:
        """While it runs."""
        self._pidfd = os.pidfd_open(int(pid))

    def wait(self) -> None:
        """Until it has ended."""
        ready, _, _ = select.select([self._pidfd], [], [], PATIENCE)
        assert ready, "it runs on"

    @property
    def runs(self) -> bool:
        ready, _, _ = select.select([self._pidfd], [], [], 0)
        return not ready

    def close(self) -> None:
        os.close(self._pidfd)


@pytest.fixture
def process(no_leaks):
    """Makes a `Process` of a number."""
    made: list[Process] = []

    def process(pid: int | str) -> Process:
        made.append(Process(pid))
        return made[-1]

    yield process
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def quiet():
    """No sink on standard error."""
    logger.remove()
    yield
    logger.remove()


@pytest.fixture(autouse=True)
def no_leaks(monkeypatch):
    """Threads, file descriptors and processes, also those that are nobody's children, are what they were before."""
    mark = f"OTP_TEST={uuid.uuid4()}"
    monkeypatch.setenv(*mark.split("="))
    threads, files = set(threading.enumerate()), open_files()
    yield
    deadline = time.monotonic() + PATIENCE
    while left := set(threading.enumerate()) - threads:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        for thread in left:
            with suppress(RuntimeError):  # started, but it has not run yet
                thread.join(deadline - time.monotonic())
    while open_files() != files:  # gRPC closes its own in a thread that nobody can wait for
        gc.collect()  # what a test has left in a cycle is no leak
        if time.monotonic() > deadline:
            assert open_files() == files
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert _marked(mark) == []


def open_files() -> dict[str, str]:
    """What each file descriptor stands for."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that reads this directory
            found[entry.name] = str(entry.readlink())
    return found


def _marked(mark: str) -> list[str]:
    """The processes that have inherited the mark of the test, and are not about to end."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if mark.encode() not in (directory / "environ").read_bytes():
                continue
            process = Process(directory.name)
            with suppress(AssertionError):
                process.wait()
            if process.runs:
                found.append((directory / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            process.close()
    return found


@pytest.fixture
def orphan(no_leaks):
    """Ends processes that a test has let escape."""
    pids: list[int] = []
    yield pids.append
    for pid in pids:
        subprocess.run(["kill", "-KILL", str(pid)], check=False)  # noqa: S607 - the system's own
