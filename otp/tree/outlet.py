"""Threads that do, one thing after the other, what the loop of the tree must not do itself.

Formatting, logging and dropping what may run a `__del__` of the user's. Such a thread may be blocked by the user's code;
nothing that the tree needs waits for it.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Outlet"]

T = TypeVar("T")


class Outlet(Generic[T]):
    """A daemon thread that hands each thing put into it to `handle`."""

    def __init__(
        self,
        name: str,
        handle: Callable[[T], object],
        *,
        bound: int | None = None,
        pause: float = 0.0,
        then: Callable[[], object] | None = None,
    ) -> None:
        """Where more than `bound` things wait, further ones are lost, and counted. `then` is called at the end.

        Woken from its sleep, the thread waits for `pause` seconds first: what it does needs the GIL, and can wait.
        """
        self._queue: SimpleQueue[T | _Mark | None] = SimpleQueue()
        self._handle = handle
        self._bound = bound
        self._pause = pause
        self._then = then
        self.lost = 0
        """How many things were lost."""
        self._name = name
        self._thread = self._new_thread()

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        self._thread = (
            self._new_thread()
        )  # since Python 3.13 one that was made before a fork cannot be started after it
        self._thread.start()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name=self._name, daemon=True)

    def put(self, thing: T) -> None:
        """Hand `thing` over; never blocks, from any thread."""
        if self._bound is not None and self._queue.qsize() >= self._bound:
            self.lost += 1
        else:
            self._queue.put(thing)

    def close(self) -> None:
        """End the thread once everything has been handled."""
        self._queue.put(None)

    def flush(self, timeout: float) -> None:
        """Wait until what has been put so far has been handled, for at most `timeout` seconds."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            mark = _Mark()
            self._queue.put(mark)
            mark.wait(timeout)

    def join(self, timeout: float) -> None:
        """Wait for that, for at most `timeout` seconds."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while (thing := self._next()) is not None:
            if isinstance(thing, _Mark):
                thing.set()
                continue
            try:
                self._handle(thing)
            except BaseException:  # noqa: BLE001 - of the user's sink or stream; the next one may fare better
                with suppress(BaseException):  # so is the hook
                    threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self._thread)))
            del thing
        if self._then is not None:
            self._then()

    def _next(self) -> T | _Mark | None:
        with suppress(Empty):
            return self._queue.get_nowait()
        thing = self._queue.get()
        if self._pause and thing is not None and not isinstance(thing, _Mark):
            time.sleep(self._pause)
        return thing


class _Mark(threading.Event):
    """Set when everything put before it has been handled."""
