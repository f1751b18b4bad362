"""Systems that are stopped at the end of a test whatever it has done to them, and what runs in them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from loguru import logger

import otp
from otp.testing.clock import VirtualClock

PATIENCE = 30.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Workshop:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._systems: list[otp.System] = []
        self._gates: list[threading.Event] = []

    def make(self, root: Any, *args: Any, **options: Any) -> otp.System:
        """A system on virtual time, not started."""
        options.setdefault("clock", self.clock)
        options.setdefault("backoff", otp.Backoff(initial=1.0, jitter=0.0))
        system = otp.System(root, *args, **options)
        self._systems.append(system)
        return system

    def start(self, root: Any, *args: Any, **options: Any) -> otp.System:
        system = self.make(root, *args, **options)
        system.start()
        return system

    def gate(self) -> threading.Event:
        """Opened at the end of the test, so that nothing waits for it for ever."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def close(self) -> None:
        for gate in self._gates:
            gate.set()
        for system in self._systems:
            if system._started:
                system.request_stop(now=True)
                system._wait_for("stopped").result(PATIENCE)  # `join` would raise the failure of a propagating one


@pytest.fixture
def workshop():
    workshop = Workshop()
    yield workshop
    workshop.close()


def serve():
    """A runnable that is healthy until it is canceled."""
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def family(*children: str, child: Any = serve) -> Any:
    """A root with such children, each in a group of its own."""

    def root() -> None:
        for name in children:
            otp.run(name, child)
        serve()

    return root


@pytest.fixture(name="serve")
def serve_fixture():
    return serve


@pytest.fixture(name="family")
def family_fixture():
    return family


@pytest.fixture
def log():
    """What is logged meanwhile, as loguru's records."""
    records: list[Any] = []
    sink = logger.add(lambda message: records.append(message.record), format="{message}")
    yield records
    logger.remove(sink)
