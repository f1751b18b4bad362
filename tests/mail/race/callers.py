"""Who calls in a race: threads, tasks, and runnables of the tree itself. Each call is taken down, with how it ended."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import otp

from .servers import WEIGHTS, Ask, Cast

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUTS = {0.0: 1, 0.0005: 2, 0.002: 4, 0.01: 8, 0.05: 20, 0.2: 60, 1.0: 4, None: 1}
"""Seconds, and how often which."""
DOCUMENTED = (otp.CallTimeoutError, otp.NoProcessError, otp.ServerExitError)
"""What a call may raise."""
_SLOWEST = 0.004
_BATCH = 5
"""Requests that are waited for together."""


@dataclass(slots=True, eq=False)
class Ledger:
    """What became of all calls; of each caller its own, so that none waits for another."""

    ends: Counter[str] = field(default_factory=Counter)
    lates: list[tuple[float, float]] = field(default_factory=list)
    """Of calls that ended after their timeouts: when that was over, and when they ended; `time.monotonic`."""
    found: list[str] = field(default_factory=list)
    open: list[concurrent.futures.Future] = field(default_factory=list)
    """Requests that nobody has waited for to the end."""

    def value(self, ask: Ask, reply: object) -> None:
        self.ends["value"] += 1
        if reply is not ask.token:
            self.found.append(f"the caller {ask.token} was given the reply {reply!r}")

    def error(self, error: BaseException) -> None:
        self.ends[type(error).__name__] += 1

    def late(self, timeout: float | None, began: float) -> None:
        now = time.monotonic()
        if timeout is not None and now > began + timeout:
            self.lates.append((began + timeout, now))


class Caller:
    """One of them: draws its calls from the seed and its name."""

    def __init__(self, race, name: str) -> None:
        self.name = name
        self.ledger = Ledger()
        self._race = race
        self._random = Random(f"{race.seed} {name}")  # noqa: S311 - dice
        self._numbers = itertools.count()

    # --- what is called, and how ---

    def _more(self) -> bool:
        return next(self._race.calls) < self._race.planned

    def _ask(self) -> Ask:
        do = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        return Ask(do, (self.name, next(self._numbers)), self._random.random() * _SLOWEST)

    def _ref(self) -> otp.Ref:
        if self._random.random() < 0.01:
            return self._race.system.ref("root.s.deaf")
        return self._race.system.ref(self._random.choice((*Cast.NAMES, *Cast.DNS)))

    def _timeout(self) -> float | None:
        return self._random.choices(list(TIMEOUTS), list(TIMEOUTS.values()))[0]

    # --- threads ---

    def run(self, over: Callable[[], bool] = lambda: False) -> None:
        """Until all calls of the race have begun, or it is `over`."""
        try:
            self._run(over)
        except Exception as error:  # noqa: BLE001 - whatever it is, no call may end in it
            self._accuse(error)

    def _run(self, over: Callable[[], bool]) -> None:
        while not over() and self._more():
            if self._random.random() < 0.15:
                self._request()
            else:
                self._call()

    def _call(self) -> None:
        ask, timeout, ref = self._ask(), self._timeout(), self._ref()
        began = time.monotonic()
        try:
            reply = ref.call(ask, timeout)
        except DOCUMENTED as error:
            self.ledger.late(timeout, began)
            self.ledger.error(error)
        else:
            self.ledger.late(timeout, began)
            self.ledger.value(ask, reply)

    def _request(self) -> None:
        """Some at once: one is canceled, the others are waited for, together or one after the other."""
        asked = {}
        for _ in range(_BATCH if self._random.random() < 0.2 and self._more() else 1):
            ask = self._ask()
            try:
                asked[self._ref().send_request(ask)] = ask
            except otp.BlockingCallError as error:  # a bounded mailbox is full, and this is an event loop
                self.ledger.error(error)
        timeout = self._timeout()
        if self._random.random() < 0.2:
            for future in list(asked)[:1]:
                if future.cancel():
                    self.ledger.ends["canceled"] += 1
                    del asked[future]
        began = time.monotonic()
        concurrent.futures.wait(asked, timeout)
        self.ledger.late(timeout, began)
        for future, ask in asked.items():
            self._settled(future, ask)

    def _settled(self, future: concurrent.futures.Future, ask: Ask) -> None:
        if not future.done():
            self.ledger.ends["request left open"] += 1
            self.ledger.open.append(future)
            return
        try:
            reply = future.result(0)
        except DOCUMENTED as error:
            self.ledger.error(error)
        else:
            self.ledger.value(ask, reply)

    # --- tasks ---

    async def arun(self) -> None:
        """`run`, for event loops."""
        try:
            await self._arun()
        except Exception as error:  # noqa: BLE001 - whatever it is, no call may end in it
            self._accuse(error)

    async def _arun(self) -> None:
        while self._more():
            dice = self._random.random()
            if dice < 0.1:
                await self._arequest()
            elif dice < 0.2:
                await self._abandon()
            else:
                await self._acall(self._ask(), self._ref(), self._timeout())

    async def _acall(self, ask: Ask, ref: otp.Ref, timeout: float | None) -> None:
        began = time.monotonic()
        try:
            reply = await ref.acall(ask, timeout)
        except DOCUMENTED as error:
            self.ledger.late(timeout, began)
            self.ledger.error(error)
        except asyncio.CancelledError:
            self.ledger.ends["canceled"] += 1
            raise
        else:
            self.ledger.late(timeout, began)
            self.ledger.value(ask, reply)

    async def _abandon(self) -> None:
        """A call whose caller is canceled, at about the time of the reply."""
        task = asyncio.create_task(self._acall(self._ask(), self._ref(), self._timeout()))
        for _ in range(self._random.randrange(6)):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if self._race.is_canceled():  # it may be this that was canceled, and not the task
            raise asyncio.CancelledError

    async def _arequest(self) -> None:
        ask, timeout = self._ask(), self._timeout()
        try:
            future = self._ref().send_request(ask)
        except otp.BlockingCallError as error:
            self.ledger.error(error)
            return
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout):  # `wait_for` may lose a cancel that comes with the reply
                reply = await asyncio.wrap_future(future)
        except DOCUMENTED as error:
            self.ledger.late(timeout, began)
            self.ledger.error(error)
        except TimeoutError:
            self.ledger.late(timeout, began)
            self.ledger.ends["canceled"] += 1
        else:
            self.ledger.late(timeout, began)
            self.ledger.value(ask, reply)

    # ---

    def _accuse(self, error: Exception) -> None:
        self.ledger.found.append(f"a call of {self.name} has raised {error!r}")


def thread(caller: Caller) -> threading.Thread:
    """Of a caller outside of the tree."""
    return threading.Thread(target=caller.run, name=f"caller {caller.name}", daemon=True)


def thread_of_tasks(callers: list[Caller]) -> threading.Thread:
    """Callers on an event loop of their own."""

    async def together() -> None:
        await asyncio.gather(*(caller.arun() for caller in callers))

    return threading.Thread(target=lambda: asyncio.run(together()), name=f"tasks {callers[0].name}", daemon=True)
