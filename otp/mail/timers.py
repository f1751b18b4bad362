"""Timers: mail that is delivered later. `send_after`, `send_interval`, `cancel_timer`, `read_timer`.

A system has one thread for all its timers, from the first one until it has stopped. It sleeps until the first is due, by the
clock of the system, and never runs code of a user's: what is due it puts into the mailbox.
"""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from otp.mail.ref import Ref, home_of
from otp.tree.incarnation import here
from otp.tree.mailbox import tying

if TYPE_CHECKING:
    from otp.reasons import ExitReason
    from otp.tree.clock import Clock
    from otp.tree.incarnation import Incarnation
    from otp.tree.mailbox import Mailbox

__all__ = ["Timer", "Timers", "cancel_timer", "read_timer", "send_after", "send_interval"]


def send_after(dest: Ref, message: object, seconds: float) -> Timer:
    """Have `message` sent to `dest` after so many seconds; as `erlang:send_after/3`.

    It goes to whoever lives there then; to nobody, it is lost. A timer to oneself ends with the calling incarnation: the
    next one gets none of its messages. Full mailboxes take it too: it is one message, and it was waited for.

    Raises:
        ValueError, TypeError: `seconds` is negative or no number, `dest` is no `Ref`.
        RuntimeError: it is the first timer of the system, and the machine has no thread left.
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    incarnation = _caller()
    after = _checked(dest, seconds)
    if not after >= 0:
        msg = f"send_after: the seconds must not be negative, and these are {seconds!r}"
        raise ValueError(msg)
    own = home_of(dest) is incarnation.mailbox
    return _timers(incarnation).start(Timer(dest, message, incarnation.mailbox if own else None), after)


def send_interval(dest: Ref, message: object, seconds: float) -> Timer:
    """Have `message` sent to `dest` every so many seconds, for the first time after as many; as `timer:send_interval/3`.

    It ends with the incarnation that lives there now; where nobody does, at once. It does not drift: the n-th message is
    due n intervals from now. One that finds a bounded mailbox full is left out.

    Raises:
        ValueError, TypeError: `seconds` is no number above 0, `dest` is no `Ref`.
        RuntimeError, NotInRunnableError, StaleIncarnationError: as `send_after`.
    """
    incarnation = _caller()
    every = _checked(dest, seconds)
    if not every > 0:
        msg = f"send_interval: the seconds must be more than 0, and these are {seconds!r}"
        raise ValueError(msg)
    home = home_of(dest)
    timer = Timer(dest, message, home, every)
    return timer if home is None else _timers(incarnation).start(timer, every)


def cancel_timer(timer: Timer) -> float | None:
    """End a timer: what it has not sent by now it does not send. From anywhere, and as often as you like.

    Returns:
        The seconds that were left, or `None`: it had sent its message, or had ended already. A message that has been
        sent is in the mailbox.
    """
    return timer.cancel()


def read_timer(timer: Timer) -> float | None:
    """The seconds until it sends the next message; `None`: it does not."""
    return timer.left()


class Timer:
    """What `otp.send_after` and `otp.send_interval` give. Opaque; hashable."""

    __slots__ = ("_dest", "_home", "_message", "_timers", "at", "every")

    def __init__(self, dest: Ref, message: object, home: Mailbox | None, every: float | None = None) -> None:
        """To `home`, with which it ends, or to whoever lives at `dest` when it is due."""
        self.at: float | None = None
        """When it is due; `None`: it is not, any more."""
        self.every = every
        self._dest = dest
        self._message: object = message
        self._home = home
        self._timers: Timers | None = None

    def start(self, timers: Timers, at: float) -> bool:
        """Be due at that moment; whether whoever it is to end with still lives."""
        self._timers = timers
        self.at = at
        home = self._home
        if home is None:
            return True
        with tying:
            if home.reason is not None:
                self.at = None
                return False
            home.ties = home.ties or {}
            home.ties[self] = self
            return True

    def send(self) -> None:
        """It is due."""
        home = home_of(self._dest) if self._home is None else self._home
        if home is None or home.reason is not None:
            return
        if self.every is None:
            home.force(self._message)
        else:
            home.offer(self._message)

    def broken(self, reason: ExitReason) -> None:
        """Who it is for has ended."""
        del reason
        self.cancel()

    def cancel(self) -> float | None:
        """See `cancel_timer`."""
        left = None if self._timers is None else self._timers.stop(self)
        self.leave()
        return left

    def left(self) -> float | None:
        """See `read_timer`."""
        return None if self._timers is None else self._timers.left(self)

    def leave(self) -> None:
        """It has ended, and holds nothing."""
        self._message = None
        with tying:
            home, self._home = self._home, None  # it may stay in the heap for long
            if home is not None and home.ties is not None:
                home.ties.pop(self, None)

    def __repr__(self) -> str:
        return f"<Timer to {self._dest.dn}>"


class Timers:
    """All timers of a system."""

    def __init__(self, clock: Clock) -> None:
        """None, and no thread."""
        self._clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._ended = 0
        """How many in the heap have ended."""
        self._lock = threading.RLock()  # taken again where what is collected in between ends a timer of its own
        self._bell = threading.Lock()
        self._bell.acquire()  # released to wake the thread
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self, timer: Timer, seconds: float) -> Timer:
        """Have `timer` due after so many seconds.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        at = self._clock.monotonic() + seconds
        with self._lock:
            if self._closed:
                return timer
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="otp: timers", daemon=True)
                thread.start()
                self._thread = thread
            if not timer.start(self, at):
                return timer
            heappush(self._heap, (at, next(self._numbers), timer))
            first = self._heap[0][2] is timer
        if first:
            self._ring()
        return timer

    def stop(self, timer: Timer) -> float | None:
        """End it; how many seconds were left."""
        with self._lock:
            left = self._left(timer)
            if left is not None:
                timer.at = None
                self._ended += 1
                self._sweep()
            return left

    def left(self, timer: Timer) -> float | None:
        """The seconds until it is due."""
        with self._lock:
            return self._left(timer)

    def close(self) -> None:
        """The system has stopped: nothing is sent any more. Never blocks for long."""
        with self._lock:
            self._closed = True
        self._ring()

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _left(self, timer: Timer) -> float | None:
        return None if timer.at is None or self._closed else max(0.0, timer.at - self._clock.monotonic())

    def _sweep(self) -> None:
        # At most half of the heap has ended, and each sweep is paid for by those who have.
        if self._ended > _SPARED + len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].at is not None]
            heapify(self._heap)
            self._ended = 0

    def _ring(self) -> None:
        with suppress(RuntimeError):  # somebody else has
            self._bell.release()

    def _run(self) -> None:
        unsubscribe = self._clock.subscribe(self._ring)
        while not self._closed:
            timer, at = self._send_next()
            if timer is None:
                seconds = None if at is None else self._clock.timeout(at)
                self._bell.acquire(timeout=-1 if seconds is None else seconds)
            elif timer.every is None:
                timer.leave()
            del timer
        unsubscribe()
        self._heap.clear()  # here, because objects of users may be in it, which run code when they are dropped

    def _send_next(self) -> tuple[Timer | None, float | None]:
        """The first that is due, which has sent its message; or when one will be due."""
        now = self._clock.monotonic()
        with self._lock:
            while self._heap:
                at, _, timer = self._heap[0]
                if timer.at is None:
                    heappop(self._heap)
                    self._ended -= 1
                    continue
                if at > now:
                    return None, at
                heappop(self._heap)
                if timer.every is None:
                    timer.at = None
                else:
                    timer.at = at + timer.every
                    heappush(self._heap, (timer.at, next(self._numbers), timer))
                timer.send()  # under the lock: what has been canceled sends nothing
                return timer, None
        return None, None


def _timers(incarnation: Incarnation) -> Timers:
    system = incarnation.system
    return system.directory.service(Timers, lambda: Timers(system.clock))


def _checked(dest: Ref, seconds: float) -> float:
    if not isinstance(dest, Ref):
        msg = f"a timer sends to a Ref, not to a {type(dest).__name__}"
        raise TypeError(msg)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        msg = f"a timer takes seconds, not {type(seconds).__name__}"
        raise TypeError(msg)
    return float(seconds)


def _caller() -> Incarnation:
    incarnation = here()
    incarnation.check()
    return incarnation


_SPARED: Final = 64
"""So many may have ended in any heap: a small one is not worth the effort."""
