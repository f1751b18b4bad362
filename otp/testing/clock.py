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

    A runnable that is about to call `otp.sleep(10)` sleeps ten seconds from the moment it does, so a test that advances
    the clock waits for that first (`wait_for_sleepers`). The harness does the same for the engine (`Harness.settle`).
    """

    def __init__(self, start: float = 1_000_000.0) -> None:
        """A clock that shows `start` Unix seconds."""
        self._now = start
        self._changed = threading.Condition(threading.Lock())
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
        with self._changed:
            if timeout <= 0:
                return lock.acquire(blocking=False)
            sleeper = (self._now + timeout, lock)
            self._sleepers.append(sleeper)
            self._changed.notify_all()
        lock.acquire()
        with self._changed:
            timed_out = sleeper not in self._sleepers
            if not timed_out:
                self._sleepers.remove(sleeper)
        return not timed_out

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` after each `advance`."""
        with self._changed:
            self._wakes.append(wake)

        def unsubscribe() -> None:
            with self._changed:
                self._wakes.remove(wake)

        return unsubscribe

    @property
    def next_wake(self) -> float | None:
        """The first moment that a runnable sleeps until; `None`: none sleeps. Those of the engine are not among them."""
        with self._changed:
            return min((at for at, _ in self._sleepers), default=None)

    def wait_for_sleepers(self, count: int, timeout: float | None = None) -> None:
        """Wait until `count` threads sleep until some moment of this clock (`otp.sleep`, `otp.wait_canceled(seconds)`).

        Args:
            count: how many, at least.
            timeout: real seconds; `None`: for as long as it takes.

        Raises:
            TimeoutError: there are fewer by then.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._sleepers) >= count, timeout):
                msg = f"{len(self._sleepers)} of {count} sleep after {timeout} s"
                raise TimeoutError(msg)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, and wake whoever waited for a moment in them.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            msg = f"time does not go back: advance({seconds!r})"
            raise ValueError(msg)
        self.advance_to(self._now + seconds)

    def advance_to(self, moment: float) -> None:
        """Let time pass until the clock shows `moment`; nothing happens if that is past.

        A difference of two large numbers is not exact; who has read a moment (`next_wake`, `NodeSnapshot.next_restart`)
        and wants to get there says it as it is.
        """
        with self._changed:
            self._now = max(self._now, moment)
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
            wakes = list(self._wakes)
        for _, lock in due:
            with suppress(RuntimeError):  # what it waited for has come in the same moment
                lock.release()
        for wake in wakes:
            wake()
