"""The stage of the engine's tests: systems on real threads, what they tell, and gates that let hostile runnables go.

Nothing here sleeps. A test waits for an event of the tree (`Story.until`), for a `threading.Event`, or for the end of a
thread; what never comes is cut off by the timeout of the test. After each test all threads, file descriptors and child
processes that it has brought about must be gone.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from loguru import logger

import otp
from otp.testing.clock import VirtualClock

_PATIENCE = 20.0
"""Seconds for threads to come to their end; only a failing test needs them."""


class Story:
    """What a system has told so far, read as it is needed."""

    def __init__(self, system: otp.System) -> None:
        self.stream = system.events()
        self.seen: list[otp.events.Event] = []

    def until(self, kind: type, dn: str | None = None, **fields):
        """Read on to the next event of that kind, about that node, with these fields; returns it."""
        wanted = fields if dn is None else {"dn": dn, **fields}
        for event in self.stream:
            self.seen.append(event)
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in wanted.items()):
                return event
        pytest.fail(f"the system stopped without {kind.__name__} {wanted}; it told {self.seen}")

    def rest(self) -> list[otp.events.Event]:
        """Everything that was told, to the end of the system."""
        self.seen.extend(self.stream)
        return self.seen

    def of(self, kind: type) -> list:
        """What has been read of that kind."""
        return [event for event in self.seen if isinstance(event, kind)]


class Stage:
    """Starts systems, and brings down what a test has left standing."""

    def __init__(self) -> None:
        self._systems: list[tuple[otp.System, VirtualClock | None]] = []
        self._gates: list[threading.Event] = []

    def gate(self) -> threading.Event:
        """An event that is set at the end of the test at the latest, so that who waits for it is not left behind."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def system(self, root, *args, **options) -> otp.System:
        """A system that is yet to be started."""
        system = otp.System(root, *args, **options)
        self._systems.append((system, options.get("clock")))
        return system

    def start(self, root, *args, **options) -> otp.System:
        system = self.system(root, *args, **options)
        system.start()
        return system

    def watch(self, root, *args, **options) -> tuple[otp.System, Story]:
        """A started system and its story from the beginning."""
        system = self.system(root, *args, **options)
        story = self.story(system)
        system.start()
        return system, story

    @staticmethod
    def story(system: otp.System) -> Story:
        """What `system` tells from now on."""
        return Story(system)

    def close(self) -> None:
        for gate in self._gates:
            gate.set()
        for system, clock in self._systems:
            if clock is not None:  # nobody else moves it, and a deadline may have to pass
                system.request_stop(now=True)
                with suppress(otp.SystemNotRunningError):
                    system.tree()  # reads see writes: the deadline is set by now
                clock.advance(60)
            system.stop()

    @staticmethod
    def serve() -> None:
        """A well-behaved runnable."""
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    @staticmethod
    async def serve_async() -> None:
        """The same as a coroutine."""
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.get_running_loop().create_future()

    @staticmethod
    def chain(depth: int, last=None) -> None:
        """A runnable with `depth` others below each other, `root.c.c...`; the last one is `last`."""
        if depth:
            otp.run("c", Stage.chain, depth - 1, last)
        elif last is not None:
            last()
            return
        Stage.serve()

    @staticmethod
    def parent_of(**children):
        """A runnable that starts `children`, each in a group of its own, and serves."""

        def parent() -> None:
            for name, child in children.items():
                otp.run_group({name: child})
            Stage.serve()

        return parent


@pytest.fixture
def stage(no_leaks):
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture(autouse=True)
def quiet():
    """The lines about thousands of deaths are no help; tests of the log turn them on again."""
    logger.disable("otp")
    yield
    logger.enable("otp")


@pytest.fixture(autouse=True)
def no_leaks():
    """Threads, file descriptors and child processes are what they were before."""
    threads, files = set(threading.enumerate()), _files()
    yield
    deadline = time.monotonic() + _PATIENCE
    while left := set(threading.enumerate()) - threads:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        for thread in left:
            with suppress(RuntimeError):  # started, but it has not run yet
                thread.join(deadline - time.monotonic())
    if _files() != files:
        gc.collect()  # what a test has left in a cycle is no leak
    assert _files() == files
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def _files() -> dict[str, str]:
    """What each file descriptor stands for."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that reads this directory
            found[entry.name] = str(entry.readlink())
    return found
