"""A runnable to call the façade from: `inside(call)` gives what `call` returned in there, or raises what it raised."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

import otp
from otp.testing.clock import VirtualClock

PATIENCE = 30.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Inside:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.systems: list[otp.System] = []
        self.system: otp.System
        self.events: Any = None

    def __call__(self, call: Any) -> Any:
        """Call it in a fresh root, which runs on afterwards, NEW or what `call` has made of it."""
        answer: Future[Any] = Future()

        def root() -> None:
            try:
                answer.set_result(call())
            except otp.OtpError as error:
                answer.set_exception(error)
            except (TypeError, ValueError) as error:
                answer.set_exception(error)
            otp.wait_canceled()

        self.start(root)
        return answer.result(timeout=PATIENCE)

    def start(self, root: Any, *args: Any) -> otp.System:
        self.system = otp.System(root, *args, clock=self.clock, backoff=otp.Backoff(initial=1.0, jitter=0.0))
        self.systems.append(self.system)
        self.events = self.system.events()
        self.system.start()
        return self.system


@pytest.fixture
def inside():
    inside = Inside()
    yield inside
    for system in inside.systems:
        system.request_stop(now=True)
        system.join(PATIENCE)
