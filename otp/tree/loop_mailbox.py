"""The mailbox of a runnable on an event loop, and the alarm clock of its tasks."""

# Slots that are filled with the first letter:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any

from otp.tree.clock import SystemClock
from otp.tree.mailbox import NOTHING, Mailbox, drop

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.tree.clock import Clock

__all__ = ["LoopMailbox", "alarm"]


class LoopMailbox(Mailbox):
    """Of a runnable on an event loop."""

    __slots__ = ("_items", "_loop", "_thread", "_waiters", "_waking")

    _items: deque[Any]

    def __init__(self, dn: str) -> None:
        """Of the next incarnation at `dn`."""
        super().__init__(dn)
        self._waiters: deque[asyncio.Future[None]] = deque()
        """Of tasks that take; only touched on the event loop."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._waking = False
        """The loop has been told to look who waits."""

    def _open(self) -> None:
        if self.opened:
            return
        self.pending = set()
        self._items = deque()
        self.put = self._put

    def drop(self) -> None:
        """See `Mailbox`."""
        self._items.clear()
        self.put = drop  # or it would be kept by itself

    def _put(self, letter: object) -> None:
        self._items.append(letter)
        if not self._waiters:
            return
        if self._thread == get_ident():
            self._wake_one()
        elif self._loop is not None and not self._waking:
            # Once for all that come until the loop looks: each time is a write to a socket, which gives the GIL away.
            self._waking = True
            with suppress(RuntimeError):  # the loop has been closed, and the reader with it
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._waking = False
        left = len(self._items)
        for waiter in self._waiters:  # one that is done already takes a letter too
            if not left:
                return
            left -= 1
            if not waiter.done():
                waiter.set_result(None)

    @property
    def waiting(self) -> int:
        """In the queue."""
        return len(self._items)

    def _wake_one(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
                return

    async def take(self, clock: Clock, timeout: float | None = None) -> Any:  # noqa: ANN401 - a letter; on that clock
        """As `ThreadMailbox.take`; more than one task of the runnable may wait here."""
        items = self._items
        if items:
            return items.popleft()
        loop = self._loop
        if loop is None:
            self._loop, self._thread = loop, _ = asyncio.get_running_loop(), get_ident()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        if items:  # since then, by somebody who did not see the waiter
            self._waiters.remove(waiter)
            return items.popleft()
        stop = None if timeout is None else alarm(clock, loop, timeout, waiter)
        woken = False
        try:
            await waiter
            woken = True
        finally:
            self._waiters.remove(waiter)
            if stop is not None:
                stop()
            if items and not woken:  # what it may have been woken for is another's now
                self._wake_one()
        return items.popleft() if items else NOTHING


def alarm(
    clock: Clock, loop: asyncio.AbstractEventLoop, seconds: float, waiter: asyncio.Future[None]
) -> Callable[[], object]:
    """Have `waiter` woken after `seconds` of `clock`; returns what ends that."""
    if isinstance(clock, SystemClock):
        return loop.call_later(seconds, _wake, waiter).cancel
    at = clock.monotonic() + seconds

    def look() -> None:
        if clock.monotonic() >= at:
            _wake(waiter)

    def look_there() -> None:
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(look)

    stop = clock.subscribe(look_there)
    look()  # it may have jumped meanwhile
    return stop


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
