"""Until when threads wait for replies: one look at the clock for all of them, instead of a timer of the kernel's for each.

A lock that is acquired with a timeout has the kernel set a timer and take it back, which was a fourteenth of the time of a
call between two threads that share a CPU; and nearly every call is answered long before. So a caller says in its call until
when it waits, and waits without a timeout; and one thread, which sleeps until the first of them is due, wakes those who are.

Most callers take no lock for that. The order does it: a caller is among those who wait at the mailbox before it reads whether
that is watched and when it is looked at; and who looks says "never" before it reads who waits. So one of the two sees the
other.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, _set_running_loop
from contextlib import suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final

from otp.tree.clock import LONGEST, SystemClock

if TYPE_CHECKING:
    from otp.tree.clock import Clock
    from otp.tree.mailbox import Mailbox

__all__ = ["Patience"]


_REST: Final = 1e-6
"""Seconds for each mailbox that is watched, before they are looked at again: about ten times what that takes."""


class Patience:
    """Of the callers of one system. Its thread is there from the first call with a timeout until the system has stopped."""

    def __init__(self, clock: Clock) -> None:
        """On a clock that may jump, each sees to it itself."""
        self.next = inf
        """When all that are watched are looked at."""
        self._watched: set[Mailbox] = set()
        """Where somebody may wait for a reply until some time."""
        self._lock = threading.Lock()
        """Of the two above, to change them. Callers do not wait for it: a `__del__` or the handler of a signal may call."""
        self._bell = threading.Lock()
        self._bell.acquire()  # released to wake the thread
        self._thread: threading.Thread | None = None
        self._jumps = self._closed = not isinstance(clock, SystemClock)

    def watches(self, home: Mailbox, at: float) -> bool:
        """Whether who waits there is woken at that moment; else whoever waits sees to it."""
        if at == inf:
            return True
        if self._closed or at != at or not self._lock.acquire(blocking=False):  # noqa: PLR0124 - NaN is not, and is never due
            return False
        try:
            if self._thread is None and not self._start():
                return False
            home.watched = True
            self._watched.add(home)
            if at < self.next:
                self.next = at
                _release(self._bell)
            return not self._closed  # since then: whoever closes this looks after that
        finally:
            self._lock.release()

    def see_to(self, lock: threading.Lock, at: float) -> None:
        """Wait for the rest of the time; for who was woken, which may be because nobody looks any more."""
        left = 0.0 if self._jumps else at - monotonic()
        if left > 0:
            lock.acquire(timeout=min(left, LONGEST))

    def forget(self, home: Mailbox) -> None:
        """Nobody waits there any more."""
        self._watched.discard(home)

    def close(self) -> None:
        """The system has stopped. Never blocks."""
        self._closed = True
        _release(self._bell)

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread, for at most `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)

    def forked(self) -> None:
        """This is a child of the process in which the thread is."""
        self._closed = True
        self._thread = None
        self._leave()

    def _start(self) -> bool:
        thread = threading.Thread(target=self._run, name="otp: patience", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has none left, or the interpreter is about to end
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        # There is no loop. But what is collected here may have a `__del__` that calls, which nobody else would end: so
        # it is refused, as it is where there is one.
        _set_running_loop(AbstractEventLoop())  # type: ignore[abstract]  # to Python it is not
        while not self._closed:
            now = monotonic()
            if now >= self.next:
                with self._lock:
                    self.next = inf
                first = max(self._look(now), now + _REST * len(self._watched))
                with self._lock:
                    self.next = min(self.next, first)
            seconds = self.next - now
            self._bell.acquire(timeout=-1 if seconds == inf else max(0.0, min(seconds, LONGEST)))
        self._leave()
        # For another such thread, which there is if an interrupt has come in the middle of a start.
        _release(self._bell)

    def _leave(self) -> None:
        """Nobody looks any more: who waits is woken, to see to it."""
        self.next = inf
        self._look(inf)

    def _look(self, now: float) -> float:
        """Wake all whose time is over; when the time of the next one is."""
        first = inf
        for home in self._watched.copy():
            home.watched = False
            self._watched.discard(home)
            soonest = min([each.look(now) for each in home.pending.copy()], default=inf)
            if soonest < inf:
                home.watched = True
                self._watched.add(home)
                first = min(first, soonest)
        return first


def _release(lock: threading.Lock) -> None:
    with suppress(RuntimeError):  # somebody else has
        lock.release()
