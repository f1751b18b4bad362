"""What the tests of one backend share: a tree of a root with what the test puts below it, on virtual time."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

import otp
from otp.testing.clock import VirtualClock

PATIENCE = 30.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Bench:
    """A system whose root runs what is tested at `root.a` and below."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.system: otp.System | None = None
        self._events: Any = None
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._gates: list[threading.Event] = []

    def run(self, runnable: Any, *args: Any, **options: Any) -> otp.System:
        return self.run_all({"a": otp.Child(runnable, *args, **options)})

    def run_all(self, children: dict[str, Any]) -> otp.System:
        def root() -> None:
            for name, child in children.items():  # a group for each: they do not take each other along
                otp.run_group({name: child})
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        self.system = otp.System(root, clock=self.clock, backoff=otp.Backoff(initial=1.0, jitter=0.0))
        self._events = self.system.events()
        self.system.start()
        return self.system

    def say(self, line: Any) -> None:
        """Called by runnables."""
        self._lines.put(line)

    def heard(self) -> Any:
        return self._lines.get(timeout=PATIENCE)

    @property
    def silent(self) -> bool:
        return self._lines.empty()

    def gate(self) -> threading.Event:
        """Opened at the end of the test, so that nothing waits for it for ever."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def await_event(self, kind: type, dn: str | None = "root.a") -> Any:
        """The next event of that kind; all before it are gone."""
        for event in self._events:
            if isinstance(event, kind) and (dn is None or event.dn == dn):
                return event
        raise AssertionError(kind)

    def rest(self) -> list[Any]:
        """Stop the system; all events that were left."""
        self.close()
        return list(self._events)

    def close(self) -> None:
        for gate in self._gates:
            gate.set()
        if self.system is not None:
            self.system.request_stop(now=True)
            self.system.join(PATIENCE)


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.close()
