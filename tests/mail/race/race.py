"""A race: many call, while those who are called end and start again in every way, and the whole system stops at last."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import otp
from otp.mail.calls import CallMessage
from otp.mail.signals import Half, Monitor
from otp.mail.timers import Timer, Timers
from otp.tree.directory import Directory
from otp.tree.incarnation import Incarnation
from otp.tree.mailbox import Mailbox
from otp.tree.rendering import stack_of_thread

from .callers import Caller, thread, thread_of_tasks
from .pulse import Pulse
from .servers import Cast, House
from .storm import Storm

PATIENCE = 30.0
"""Real seconds in which every call has to end once the system has stopped."""
_STOPPED_AT = 0.95
"""Of the calls, how many have begun when the system is stopped."""
_THREADS, _LOOPS, _TASKS = 6, 2, 6
REMAINS = (Mailbox, CallMessage, Half, Monitor, Timer, Timers, Directory, Incarnation)
"""What nothing may be left of."""


@dataclass(slots=True, eq=False)
class Outcome:
    """What came of it."""

    seed: int
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    storm: Counter[str] = field(default_factory=Counter)
    latest: float = 0.0
    """Seconds after its timeout, of the call that was latest."""
    own: float = 0.0
    """The same without the time that the machine has not given to this process."""
    found: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return self.ends.total()

    def lines(self) -> list[str]:
        """The figures, as text."""
        ends = ", ".join(f"{name} {count}" for name, count in self.ends.most_common())
        storm = ", ".join(f"{name} {count}" for name, count in self.storm.most_common())
        return [
            f"seed {self.seed}: {self.calls} calls in {self.seconds:.1f} s",
            f"ends: {ends}",
            f"storm: {storm}",
            f"latest: {self.latest * 1e3:.1f} ms after its timeout, {self.own * 1e3:.1f} ms of it in this process' own time",
            f"violations {len(self.found)}",
            *self.found[:20],
        ]


class Race:
    """`planned` calls, drawn from `seed`; what threads make of them is different each time."""

    def __init__(self, seed: int, planned: int) -> None:
        self.seed = seed
        self.planned = planned
        self.calls = itertools.count()
        self.house = House()
        self._enough = threading.Event()
        self._cast = Cast(self.house)
        self._callers: list[Caller] = []
        self._inside = itertools.count()
        self.pulse = Pulse()
        self.system = otp.System(self._root)

    def run(self) -> Outcome:
        """From the start of the system to the end of the last call."""
        before = remains()
        with self.pulse.beating():
            outcome = self._run()
        homes, names = self.system.directory.homes, self.system.directory.names
        if homes or names:
            outcome.found.append(f"left in the directory: {sorted(homes)} {sorted(names)}")
        self.system = self._cast = self.house = None
        self._callers.clear()
        gc.collect()
        left = remains() - before
        if left:
            outcome.found.append(f"left in memory: {dict(left)}")
        return outcome

    def _run(self) -> Outcome:
        outcome, storm = Outcome(self.seed), Storm(self)
        began = time.monotonic()
        self.system.start()
        self.system.wait_healthy(PATIENCE)
        replier = threading.Thread(target=self.house.reply, name="replier", daemon=True)
        callers = [thread(self._caller(f"thread {number}")) for number in range(_THREADS)]
        callers += [
            thread_of_tasks([self._caller(f"task {loop}.{number}") for number in range(_TASKS)])
            for loop in range(_LOOPS)
        ]
        threads = [replier, *storm.threads, *callers]
        for each in threads:
            each.start()
        self._wait_for(_STOPPED_AT)
        self.system.stop()
        self.system.join(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        for each in callers:
            each.join(max(0.0, deadline - time.monotonic()))
        outcome.seconds = time.monotonic() - began
        storm.end()
        self.house.replies.put(None)
        for each in threads:
            each.join(max(0.1, deadline - time.monotonic()))
            if each.is_alive():
                outcome.found.append(f"{each.name} has not come to its end:\n{stack_of_thread(each.ident)}")
        outcome.storm, outcome.found = storm.done, [*self.house.found, *storm.found]
        for caller in self._callers:
            ledger = caller.ledger
            outcome.ends += ledger.ends
            for due, at in ledger.lates:
                outcome.latest = max(outcome.latest, at - due)
                outcome.own = max(outcome.own, at - due - self.pulse.stolen(due, at))
            outcome.found += ledger.found
            left = sum(not future.done() for future in ledger.open)
            if left:
                outcome.found.append(f"{left} requests of {caller.name} have not ended, though the system has stopped")
        return outcome

    def _wait_for(self, share: float) -> None:
        """Until so many of the calls have begun, or nobody calls any more."""
        pause = threading.Event()
        seen, since = -1, time.monotonic()
        while (begun := self._begun()) < self.planned * share and time.monotonic() - since < PATIENCE:
            if begun != seen:
                seen, since = begun, time.monotonic()
            pause.wait(0.005)

    def _begun(self) -> int:
        return int(repr(self.calls)[len("count(") : -1])  # without taking one

    def is_canceled(self) -> bool:
        """Whether the caller runs in the tree, and has been canceled."""
        try:
            return otp.canceled()
        except otp.NotInRunnableError:
            return False

    # --- the tree ---

    def _caller(self, name: str) -> Caller:
        caller = Caller(self, name)
        self._callers.append(caller)
        return caller

    def _root(self) -> None:
        for name, supervisor in self._cast.supervisors().items():
            otp.run(name, supervisor)
        otp.run_group(self._cast.plain(), strategy=otp.Strategy.ONE_FOR_ONE)
        otp.run("caller", self._call, backoff=self._cast.backoff)
        otp.run("acaller", self._acall, backoff=self._cast.backoff)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    def _call(self) -> None:
        """A caller that is itself killed at times, for it is linked with who is called."""
        caller = self._caller(f"inside {next(self._inside)}")
        otp.signal(otp.Signal.HEALTHY)
        otp.link(otp.ref("root.s.thread"))
        caller.run(otp.canceled)
        otp.wait_canceled()

    async def _acall(self) -> None:
        caller = self._caller(f"inside {next(self._inside)}")
        otp.signal(otp.Signal.HEALTHY)
        otp.link(otp.ref("root.s.task"))
        await caller.arun()
        await asyncio.get_running_loop().create_future()


def remains() -> Counter[str]:
    """How many there are of what nothing may be left of."""
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, REMAINS))


@contextmanager
def switching(seconds: float | None):
    """Have threads take turns as often as that; `None`: as they do anyway."""
    before = sys.getswitchinterval()
    if seconds is not None:
        sys.setswitchinterval(seconds)
    yield
    sys.setswitchinterval(before)
