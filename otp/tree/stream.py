"""A stream from one who must not wait to one who may: bounded, and it counts what a slow reader has missed."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from otp.tree.forks import generation

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stream"]

T = TypeVar("T")


class Stream(Generic[T]):
    """An iterator, and an asynchronous one, that ends when its source does or when it is closed.

    Of a reader that is too slow the oldest things are dropped, and `missed` counts them. It can be used in a `with`
    statement, which closes it.
    """

    def __init__(self, bound: int) -> None:
        """At most `bound` things wait for the reader."""
        self._bound = bound
        self._things: deque[T] = deque()
        self._changed = threading.Condition()
        self._wakers: set[Callable[[], object]] = set()
        self._ended = False
        self._made_in = generation()
        self.missed = 0
        """How many things were dropped because they were not read in time."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._forked():
            raise StopIteration
        with self._changed:
            while not self._things:
                if self._ended:
                    raise StopIteration
                self._changed.wait()
            return self._things.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._forked():
            raise StopAsyncIteration
        while True:
            with self._changed:
                if self._things:
                    return self._things.popleft()
                if self._ended:
                    raise StopAsyncIteration
                loop, woken = asyncio.get_running_loop(), asyncio.Event()

                def wake(loop: asyncio.AbstractEventLoop = loop, woken: asyncio.Event = woken) -> None:
                    with suppress(RuntimeError):  # the reader's loop has been closed
                        loop.call_soon_threadsafe(woken.set)

                self._wakers.add(wake)
            try:
                await woken.wait()
            finally:
                with self._changed:
                    self._wakers.discard(wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Read no more: what iterates over it comes to an end."""
        with self._changed:
            self._ended = True
            self._things.clear()
            self._wake()

    @property
    def closed(self) -> bool:
        """Whether nothing more will be added; what waits can still be read."""
        return self._ended

    def push(self, thing: T) -> None:
        """Add one, from the side of the source. Never waits for the reader."""
        with self._changed:
            if self._ended:
                return
            if len(self._things) == self._bound:
                self._things.popleft()
                self.missed += 1
            self._things.append(thing)
            self._wake()

    def end(self) -> None:
        """Nothing more will come, from the side of the source."""
        with self._changed:
            self._ended = True
            self._wake()

    def _forked(self) -> bool:
        """Whether the source is in the parent of this process, and perhaps held the lock when it forked."""
        return self._made_in != generation()

    def _wake(self) -> None:
        self._changed.notify_all()
        wakers, self._wakers = self._wakers, set()
        for wake in wakers:
            wake()
