"""The cast of the seed's stories: runnables that do what a test tells them, and marks that say when something happened.

Everything waits for events, for at most `patience` seconds of real time; what does not come fails the story by name.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import Counter
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import otp


class Mark:
    """Something that happens again and again; each time is told once."""

    def __init__(self, what: str, patience: float) -> None:
        self.what = what
        self._patience = patience
        self._times: SimpleQueue[float] = SimpleQueue()

    def set(self) -> None:
        self._times.put(time.monotonic())

    def wait(self) -> float:
        """When it happened, in seconds of `time.monotonic`."""
        try:
            return self._times.get(timeout=self._patience)
        except Empty:
            msg = f"not seen: {self.what}"
            raise AssertionError(msg) from None

    def came(self, *, within: float) -> bool:
        """Whether it happens within so many seconds, or has already."""
        try:
            self._times.get(timeout=within)
        except Empty:
            return False
        return True

    @property
    def pending(self) -> int:
        """How often it has happened without having been waited for."""
        return self._times.qsize()


class OnRequestError(Exception):
    """What a remote-controlled runnable dies of."""


class Panic(BaseException):
    """What a remote-controlled runnable panics with: no `Exception`, so whoever catches those only does not see it."""


class Order(enum.StrEnum):
    BECOME_HEALTHY = "become healthy"
    BECOME_DONE = "become done"
    RETURN = "return"
    DIE = "die"
    PANIC = "panic"


class Remote:
    """A runnable under remote control. An order waits for an incarnation that takes it, and until it is carried out."""

    def __init__(self, name: str, patience: float) -> None:
        self.name = name
        self._patience = patience
        self._changed = threading.Condition()
        self._order: Order | None = None
        self._busy = False
        self.state = otp.NodeState.NEW
        self.incarnation = 0

    def become_healthy(self) -> None:
        self._give(Order.BECOME_HEALTHY)

    def become_done(self) -> None:
        """Signal DONE and return."""
        self._give(Order.BECOME_DONE)

    def leave(self) -> None:
        """Return without a word."""
        self._give(Order.RETURN)

    def die(self) -> None:
        self._give(Order.DIE)

    def panic(self) -> None:
        self._give(Order.PANIC)

    def wait_incarnation(self, number: int) -> None:
        """Wait until that incarnation runs; it has not signaled anything."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.incarnation >= number, self._patience)
        assert came, f"incarnation {number} of {self.name} did not start"

    def __call__(self) -> None:
        with self._changed:
            self.state = otp.NodeState.NEW
            self.incarnation = otp.current().incarnation
            self._changed.notify_all()
        threading.Thread(target=otp.bind(self._wake_at_the_end), name=f"watches {self.name}", daemon=True).start()
        while (order := self._next()) is not None:
            try:
                if order is not Order.BECOME_HEALTHY:
                    self._end(order)
                    return
                otp.signal(otp.Signal.HEALTHY)
                self.state = otp.NodeState.HEALTHY
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> Order | None:
        with self._changed:
            self._changed.wait_for(lambda: self._order is not None or otp.canceled())
            if otp.canceled():
                return None
            order, self._order = self._order, None
            self._busy = True
            return order

    def _end(self, order: Order) -> None:
        match order:
            case Order.BECOME_DONE:
                otp.signal(otp.Signal.DONE)
                self.state = otp.NodeState.DONE
            case Order.DIE:
                msg = "died on request"
                raise OnRequestError(msg)
            case Order.PANIC:
                msg = "at the disco"
                raise Panic(msg)

    def _wake_at_the_end(self) -> None:
        otp.wait_canceled()
        with self._changed:
            self._changed.notify_all()

    def _give(self, order: Order) -> None:
        with self._changed:
            self._order = order
            self._changed.notify_all()
            obeyed = self._changed.wait_for(lambda: self._order is None and not self._busy, self._patience)
        assert obeyed, f"{self.name} did not {order}"


def becomes_healthy(healthy: Mark | None = None, ended: Mark | None = None):
    """A runnable that becomes healthy, and ends when it is asked to."""
    return spawns_more(healthy, ended, 0)


def spawns_more(healthy: Mark | None = None, ended: Mark | None = None, levels: int = 0, census: Census | None = None):
    """A runnable that has two children, who have two children each, and so on for so many levels."""

    def runnable() -> None:
        with (census or Census()).counted():
            if levels > 0:
                otp.run_group(
                    {
                        "a": spawns_more(levels=levels - 1, census=census),
                        "b": spawns_more(levels=levels - 1, census=census),
                    }
                )
            otp.signal(otp.Signal.HEALTHY)
            if healthy is not None:
                healthy.set()
            otp.wait_canceled()
        if ended is not None:
            ended.set()

    return runnable


class Census:
    """Counts who runs at the same time, by DN."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        """The most that ever ran at once."""
        self.starts: Counter[str] = Counter()

    @contextmanager
    def counted(self):
        """The calling runnable runs within this."""
        dn = otp.current().dn
        with self._lock:
            self._now[dn] += 1
            self.starts[dn] += 1
            self.most[dn] = max(self.most[dn], self._now[dn])
        try:
            yield
        finally:
            with self._lock:
                self._now[dn] -= 1

    def assert_one_each(self) -> None:
        twice = sorted(dn for dn, most in self.most.items() if most > 1)
        assert not twice, f"two incarnations at once: {', '.join(twice)}"


def root_of(start) -> None:
    """The root of most stories: `start` starts children, and that is all it has to do."""
    start()
    otp.signal(otp.Signal.HEALTHY)
    otp.signal(otp.Signal.DONE)
