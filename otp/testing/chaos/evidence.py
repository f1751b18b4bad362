"""What the runnables themselves know: who runs, who was told to end, who was given which order.

It is kept apart from everything that the engine believes, to be held against that.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otp.facade import current

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from otp.testing.chaos.fault import Fault, Order
    from otp.testing.chaos.plan import Place

__all__ = ["Evidence", "Inbox", "Run"]


@dataclass(slots=True, eq=False)
class Run:
    """One incarnation that has really begun."""

    dn: str
    incarnation: int
    token: int
    place: Place | None
    """None: a child of a spawn storm."""
    give: Callable[[Order | None], None]
    """Hand it an order, or let it go; from any thread."""
    given: Order | None = None
    """What it has been told to do."""
    taken: bool = False
    """It does that, or has done it."""
    told: bool = False
    """It was canceled, and noticed."""


@dataclass(slots=True, eq=False)
class Evidence:
    """Of one tree."""

    found: list[str] = field(default_factory=list)
    """What must not be."""
    running: dict[str, Run] = field(default_factory=dict)
    begun: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often the incarnation of that number at that DN has begun."""
    told: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often it has noticed that it was canceled."""
    storms: dict[str, None] = field(default_factory=dict)
    """DNs whose next incarnation has a spawn storm."""
    planted: Counter[Fault] = field(default_factory=Counter)
    overtaken: int = 0
    """Orders for runnables that were canceled before they could follow them."""
    on_fault: Callable[[Run, Order, float], object] = lambda _run, _order, _at: None
    """Called when a runnable begins to commit a fault, with the Unix time."""
    _waiting: dict[str, Run] = field(default_factory=dict)
    _tokens: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def run(self, place: Place | None, give: Callable[[Order | None], None]) -> Generator[Run]:
        """The caller is the runnable at `place`, and runs until the block ends."""
        me = current()
        run = Run(me.dn, me.incarnation, me.fencing_token, place, give)
        with self._lock:
            other = self.running.get(run.dn)
            if other is not None:
                self.found.append(f"I1: {run.dn} {run.incarnation} begins while {other.incarnation} still runs")
            if self._tokens.get(run.dn, 0) >= run.token:
                self.found.append(f"R11: the fencing token of {run.dn} {run.incarnation} does not grow")
            self._tokens[run.dn] = run.token
            self.running[run.dn] = run
            self.begun[run.dn, run.incarnation] += 1
        try:
            yield run
        finally:
            with self._lock:
                if self.running.get(run.dn) is run:
                    del self.running[run.dn]
                if self._waiting.get(run.dn) is run:
                    del self._waiting[run.dn]
                self.overtaken += run.given is not None and not run.taken
                self.told[run.dn, run.incarnation] += run.told

    def wait(self, run: Run) -> None:
        """`run` can be given an order from now on."""
        with self._lock:
            self._waiting[run.dn] = run

    def order(self, dn: str, order: Order) -> bool:
        """Give `order` to the runnable at `dn`; whether it waits for one."""
        with self._lock:
            run = self._waiting.pop(dn, None)
            if run is None:
                return False
            run.given = order
        run.give(order)
        return True

    def take(self, run: Run, order: Order) -> None:
        """`run` does as it was told."""
        with self._lock:
            run.taken = True
            self.planted[order.fault] += 1
        self.on_fault(run, order, time.time())

    def plant(self, fault: Fault) -> None:
        """A fault was committed by nobody in the tree."""
        with self._lock:
            self.planted[fault] += 1

    def accuse(self, text: str) -> None:
        """Something is as it must not be."""
        with self._lock:
            self.found.append(text)

    def waiting(self) -> list[str]:
        """Whom an order can be given to."""
        with self._lock:
            return list(self._waiting)

    def unsettled(self) -> list[str]:
        """Who has been given an order that it has not come to its end by, or back from."""
        with self._lock:
            return [run.dn for run in self.running.values() if run.given is not None]

    def let_go(self) -> list[str]:
        """Make everybody end who still runs, canceled or not. Returns who that is."""
        with self._lock:
            left = list(self.running.values())
        for run in left:
            run.give(None)
        return [f"{run.dn} {run.incarnation}" for run in left]


class Inbox(queue.SimpleQueue["Order | None"]):
    """Orders of a runnable in a thread; a cancel puts None."""

    def release(self) -> None:
        """The cancel token has been set."""
        self.put(None)
