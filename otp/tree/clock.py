"""Where the engine gets its time from: the one place that reads a clock.

Tests hand in a clock of their own (`otp.testing.VirtualClock`), whose time only they move.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = ["LONGEST", "Clock", "SystemClock"]


class Clock(Protocol):
    """What the engine asks of a clock. Every method may be called from any thread and must not block, but `acquire`."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def time(self) -> float:
        """Unix seconds."""
        ...

    def timeout(self, at: float) -> float | None:
        """How many real seconds may be waited before `at` must be looked at again; `None`: until woken."""
        ...

    def acquire(self, lock: threading.Lock, timeout: float | None) -> bool:
        """`lock.acquire`, given up after `timeout` seconds of this clock."""
        ...

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Have `wake` called whenever time has jumped. Returns what ends that."""
        ...


class SystemClock:
    """The time of the machine."""

    def monotonic(self) -> float:
        """`time.monotonic`."""
        return time.monotonic()

    def time(self) -> float:
        """`time.time`."""
        return time.time()

    def timeout(self, at: float) -> float | None:
        """The seconds until `at`."""
        return max(0.0, min(at - time.monotonic(), LONGEST))

    def acquire(self, lock: threading.Lock, timeout: float | None) -> bool:
        """`lock.acquire`."""
        if timeout is None:
            return lock.acquire()
        return lock.acquire(True, timeout if 0.0 <= timeout <= LONGEST else max(0.0, min(timeout, LONGEST)))  # noqa: FBT003

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Do nothing: this time never jumps."""
        del wake
        return _nothing


LONGEST: Final = 4_000_000.0
"""Seconds, 46 days: `threading.TIMEOUT_MAX` is less than some users would like to sleep on 32-bit machines."""


def _nothing() -> None:
    pass
