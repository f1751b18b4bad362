"""Where the stories of the seed are played: on the real engine, in real threads, with the time that a test chooses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from loguru import logger

import otp
from otp.testing.clock import VirtualClock

from .cast import Mark, Remote, root_of

if TYPE_CHECKING:
    import loguru

PATIENCE = 10.0
"""Seconds of real time within which what must happen happens, on the slowest machine."""


class Diary:
    """All events of a system so far."""

    def __init__(self, system: otp.System, patience: float) -> None:
        self.events: list[otp.events.Event] = []
        self._patience = patience
        self._changed = threading.Condition()  # of a reentrant lock
        self._stream = system.events()
        self.thread = threading.Thread(target=self._read, name="diary", daemon=True)
        self.thread.start()

    def wait(self, kind: type, dn: str, incarnation: int = 1):
        """The first event of that kind about that incarnation; it may have come already."""

        def wanted(event):
            return isinstance(event, kind) and event.dn == dn and event.incarnation == incarnation

        return self.wait_for(f"{kind.__name__} {dn}#{incarnation}", wanted)

    def wait_nth(self, kind: type, dn: str, nth: int):
        """The event of that kind about `dn` that was preceded by `nth - 1` of them; it may have come already."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.of(kind, dn)) >= nth, self._patience)
        assert came, f"no event: {kind.__name__} {dn}, time {nth}"
        return self.of(kind, dn)[nth - 1]

    def wait_for(self, what: str, wanted):
        """The first event that is wanted; it may have come already."""
        with self._changed:
            came = self._changed.wait_for(lambda: any(map(wanted, self.events)), self._patience)
        assert came, f"no event: {what}"
        return next(filter(wanted, self.events))

    def wait_end(self) -> list[otp.events.Event]:
        """All events there ever were, once the system has stopped."""
        self.thread.join(self._patience)
        assert not self.thread.is_alive(), "the events did not end"
        return self.events

    def of(self, kind: type, dn: str | None = None) -> list:
        """What has been read so far."""
        with self._changed:
            return [event for event in self.events if isinstance(event, kind) and dn in (None, event.dn)]

    def close(self) -> None:
        self._stream.close()
        self.thread.join(self._patience)

    def _read(self) -> None:
        for event in self._stream:
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()


class Log:
    """Loguru's records from now on."""

    def __init__(self) -> None:
        self._records: list[loguru.Record] = []
        self._sink = logger.add(lambda message: self._records.append(message.record), level=0)

    def lines(self, level: str) -> list[tuple[str, str]]:
        """The DN and the first line of each record of `level`; complete once the system has been stopped."""
        return [
            (record["extra"]["dn"], record["message"].splitlines()[0])
            for record in self._records
            if record["level"].name == level
        ]

    def close(self) -> None:
        logger.remove(self._sink)


class Stage:
    """One story: the systems that it starts, and what is to be let go at its end."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.clock = VirtualClock()
        self._before = set(threading.enumerate())
        self._systems: list[otp.System] = []
        self._diaries: list[Diary] = []
        self._at_end: list = []

    # --- the cast

    def mark(self, what: str) -> Mark:
        return Mark(what, self.patience)

    def remote(self, name: str) -> Remote:
        return Remote(name, self.patience)

    def at_end(self, release) -> None:
        """Call `release` when the story is over, before its systems are stopped."""
        self._at_end.append(release)

    def gate(self) -> threading.Event:
        """What holds a runnable that does not listen to its cancel token; opened at the end of the story."""
        gate = threading.Event()
        self.at_end(gate.set)
        return gate

    def log(self) -> Log:
        """What is logged from now on."""
        log = Log()
        self.at_end(log.close)
        return log

    # --- systems

    def system(self, root, *args, real: bool = False, **options) -> otp.System:
        """A system that is not started yet; on the clock of the stage, or with `real` on that of the machine."""
        system = otp.System(root, *args, clock=None if real else self.clock, **options)
        self._systems.append(system)
        return system

    def start(self, children, *, real: bool = False, **options) -> otp.System:
        """A started system whose root calls `children` to start them, and is done."""
        return self.start_root(root_of, children, real=real, **options)

    def start_root(self, root, *args, real: bool = False, **options) -> otp.System:
        system = self.system(root, *args, real=real, **options)
        system.start()
        return system

    def diary(self, system: otp.System) -> Diary:
        """The events of `system` from now on."""
        diary = Diary(system, self.patience)
        self._diaries.append(diary)
        return diary

    def told(self, children, *, real: bool = False, **options) -> tuple[otp.System, Diary]:
        """A started system as by `start`, and its diary from its first event on."""
        system = self.system(root_of, children, real=real, **options)
        diary = self.diary(system)
        system.start()
        return system, diary

    # --- the end

    def close(self) -> None:
        """Stop what was started. Nothing may be left."""
        self._let_go()
        for system in self._systems:
            report = system.stop()
            assert not report.unstopped, f"not stopped: {report.unstopped}"
        self.assert_no_thread_left()

    def abandon(self) -> None:
        """End a story whose system may be broken."""
        self._let_go()
        for system in self._systems:
            system.request_stop(now=True)
            with suppress(otp.SystemNotRunningError):
                system.wait_settled(self.patience)  # the request has been seen
            self.clock.advance(1_000)
            with suppress(otp.SystemNotRunningError):
                system.join(self.patience)
        self.assert_no_thread_left()

    def assert_no_thread_left(self) -> None:
        """No thread that the story has started lives much longer."""
        end = time.monotonic() + self.patience
        threads = [thread for thread in threading.enumerate() if thread not in self._before]
        for thread in threads:
            while thread in threading.enumerate() and time.monotonic() < end:
                with suppress(RuntimeError):  # started, but it has not run yet
                    thread.join(max(0.0, end - time.monotonic()))
        left = [thread.name for thread in threads if thread.is_alive()]
        assert not left, f"threads are left: {', '.join(left)}"

    def _let_go(self) -> None:
        for release in self._at_end:
            release()
        for diary in self._diaries:
            diary.close()


def run_python(program: str, *args: str) -> str:
    """What `program` prints, in a process of its own."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program, *args], env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
