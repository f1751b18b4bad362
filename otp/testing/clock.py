"""A clock whose time only a test moves."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VirtualClock"]


class VirtualClock:
    """Time that stands still until `advance` is called: no test waits for a backoff, or depends on how fast it runs.

    Hand it to `otp.System(clock=)`. Backoffs, deadlines, `otp.sleep` and `otp.wait_canceled` follow it; timeouts of
    `System` methods and `asyncio.sleep` are real.
    """

    def __init__(self, start: float = 1_000_000.0) -> None:
        """A clock that shows `start` Unix seconds."""
        self._now = start
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, threading.Lock]] = []
        self._wakes: list[Callable[[], object]] = []

    def monotonic(self) -> float:
        """The virtual seconds."""
        return self._now

    def time(self) -> float:
        """The same: they serve as Unix seconds too."""
        return self._now

    def timeout(self, at: float) -> float | None:
        """0 if `at` has come, else until woken."""
        return 0.0 if self._now >= at else None

    def acquire(self, lock: threading.Lock, timeout: float | None) -> bool:
        """Acquire `lock`; when `timeout` virtual seconds have passed, whatever has become of it."""
        if timeout is None:
            return lock.acquire()
        with self._lock:
            if timeout <= 0:
                return lock.acquire(blocking=False)
            sleeper = (self._now + timeout, lock)
            self._sleepers.append(sleeper)
        lock.acquire()
        with self._lock:
            timed_out = sleeper not in self._sleepers
            if not timed_out:
                self._sleepers.remove(sleeper)
        return not timed_out

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` after each `advance`."""
        with self._lock:
            self._wakes.append(wake)

        def unsubscribe() -> None:
            with self._lock:
                self._wakes.remove(wake)

        return unsubscribe

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, and wake whoever waited for a moment in them.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            msg = f"time does not go back: advance({seconds!r})"
            raise ValueError(msg)
        with self._lock:
            self._now += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
            wakes = list(self._wakes)
        for _, lock in due:
            with suppress(RuntimeError):  # what it waited for has come in the same moment
                lock.release()
        for wake in wakes:
            wake()
