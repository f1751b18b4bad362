"""Until when tasks wait for replies: one timer for all the calls of an event loop.

A timer of its own for each call, which nearly all calls cancel, took a fourth of the time of a call between two tasks:
`call_later` and `cancel` are 2 us of about 10. What is here takes a dict two operations a call, and a look at all
that still wait as often as the first of them is due.
"""

from __future__ import annotations

import threading
from asyncio import get_running_loop
from math import inf
from operator import itemgetter
from time import monotonic
from typing import TYPE_CHECKING
from weakref import ref

from otp.tree.clock import SystemClock
from otp.tree.loop_mailbox import alarm

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from otp.tree.clock import Clock

__all__ = ["Deadlines", "too_late_at"]

_REST = 1e-6
"""Seconds for each call that waits, before they are looked at again: about ten times what that takes."""


class Deadlines:
    """Of one event loop; used on its thread alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nobody waits yet."""
        self._calls: dict[asyncio.Future[None], float] = {}
        """When each is too late."""
        self._loop = ref(loop)
        self._next = inf
        """When they are looked at."""
        self._timer: asyncio.TimerHandle | None = None

    def is_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether that is the loop."""
        return self._loop() is loop

    def add(self, waiter: asyncio.Future[None], timeout: float, loop: asyncio.AbstractEventLoop) -> None:
        """Have `waiter` woken in so many seconds, unless it is removed."""
        now = monotonic()  # not `loop.time()`, which is a call more, and another clock on other loops
        self._calls[waiter] = at = now + timeout
        if at < self._next:
            self._look_in(timeout, at, loop)

    def remove(self, waiter: asyncio.Future[None]) -> None:
        """It has been woken."""
        del self._calls[waiter]

    def _look_in(self, seconds: float, at: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = at
        self._timer = loop.call_later(seconds, self._look)

    def _look(self) -> None:
        now = max(monotonic(), self._next)  # timers are early by what their clock does not tell apart
        self._timer, self._next = None, inf
        first = min((at for at in self._calls.values() if at > now), default=inf)
        for _, waiter in sorted([(at, waiter) for waiter, at in self._calls.items() if at <= now], key=itemgetter(0)):
            if not waiter.done():
                waiter.set_result(None)
        if first < inf:
            first = max(first, now + _REST * len(self._calls))
            self._look_in(first - now, first, get_running_loop())


def too_late_at(
    clock: Clock, loop: asyncio.AbstractEventLoop, timeout: float, waiter: asyncio.Future[None]
) -> Callable[[asyncio.Future[None]], object]:
    """Have `waiter` woken after so many seconds of `clock`, on `loop`, which runs. Returns what ends that."""
    if isinstance(clock, SystemClock):
        of_loop: Deadlines | None = getattr(_of_thread, "deadlines", None)
        if of_loop is None or not of_loop.is_of(loop):
            of_loop = _of_thread.deadlines = Deadlines(loop)
        of_loop.add(waiter, timeout, loop)
        return of_loop.remove
    stop = alarm(clock, loop, timeout, waiter)
    return lambda _waiter: stop()


_of_thread = threading.local()
