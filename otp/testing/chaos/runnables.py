"""The runnables of a chaotic tree: they start what the plan has below them, wait for an order, and follow it."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from otp.behaviours.supervisor import Supervisor
from otp.child import Child
from otp.errors import Canceled, IllegalSignalError
from otp.facade import canceled, logger, run_group, signal
from otp.testing.chaos.evidence import Inbox
from otp.testing.chaos.fault import Fault
from otp.testing.chaos.servers import aserver, server
from otp.tree.decision.messages import Signal
from otp.tree.decision.policy import Restart, Strategy
from otp.tree.incarnation import here

if TYPE_CHECKING:
    from otp.testing.chaos.evidence import Evidence, Run
    from otp.testing.chaos.fault import Order
    from otp.testing.chaos.plan import Place

__all__ = ["Cast"]

_BURST: Final = 30
"""Children of a spawn storm."""
_LOUD: Final = 4
"""Every so manyth incarnation has something to say in the log."""


class PlantedError(Exception):
    """The fault that is called `raise`."""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """All runnables of one tree."""

    evidence: Evidence
    patient: float | None = None
    """The `shutdown` of those that are not told to hang, in seconds, if not the plan's."""
    _never: threading.Event = field(default_factory=threading.Event)

    def child(self, place: Place) -> Child:
        """What runs at `place`."""
        if place.max_restarts is not None:
            ((strategy, members),) = place.groups
            children = {member.name: self.child(member) for member in members}
            return Child(Supervisor(children, strategy=strategy, max_restarts=place.max_restarts, max_seconds=1.0))
        shutdown = place.shutdown if place.hangs or self.patient is None else self.patient
        if place.serves:
            serve = aserver if place.coroutine else server
            return Child(serve, place, self.evidence, self._commit, restart=place.restart, shutdown=shutdown)
        runnable = self.coroutine if place.coroutine else self.thread
        return Child(runnable, place, restart=place.restart, shutdown=shutdown)

    def thread(self, place: Place) -> None:
        """A plain runnable."""
        inbox = Inbox()
        with self.evidence.run(place, inbox.put) as run, here().waked_by(inbox):
            self._begin(place, run)
            while True:
                # The token may have been set before there was an inbox.
                order = None if canceled() else inbox.get()
                if order is None:
                    break
                self.evidence.take(run, order)
                self._commit(run, order)
                if order.fault is Fault.RETURN:
                    return
            run.told = canceled()
            if run.taken and run.given is not None and run.given.fault is Fault.HANG:
                self._never.wait(run.given.seconds)
            elif run.token % 2:
                raise Canceled

    async def coroutine(self, place: Place) -> None:
        """An `async def` runnable."""
        inbox: asyncio.Queue[Order | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def give(order: Order | None) -> None:
            loop.call_soon_threadsafe(inbox.put_nowait, order)

        with self.evidence.run(place, give) as run:
            self._begin(place, run)
            try:
                while (order := await inbox.get()) is not None:
                    self.evidence.take(run, order)
                    self._commit(run, order)
                    if order.fault is Fault.RETURN:
                        return
            except asyncio.CancelledError:
                run.told = canceled()
                if not (run.taken and run.given is not None and run.given.fault is Fault.HANG):
                    raise
                await asyncio.sleep(run.given.seconds)

    def _begin(self, place: Place, run: Run) -> None:
        for strategy, members in place.groups:
            run_group({member.name: self.child(member) for member in members}, strategy=strategy)
        if self.evidence.storms.pop(run.dn, run) is None:
            run_group(self._burst(), strategy=Strategy.ONE_FOR_ONE)
        if run.token % _LOUD == 0:
            logger().info("incarnation {} begins", run.incarnation)
        signal(Signal.HEALTHY)
        self.evidence.wait(run)

    def _burst(self) -> dict[str, Child]:
        """Half of them return, the others raise; half of them are DONE then, the others leave the tree."""
        kinds = (Restart.TEMPORARY, Restart.TRANSIENT)
        return {
            f"burst-{number}": Child(self._flash, bool(number % 4 == 0), restart=kinds[number % 2])
            for number in range(_BURST)
        }

    def _flash(self, fails: bool) -> None:  # noqa: FBT001 - arguments of runnables have no names
        with self.evidence.run(None, lambda _order: None) as run:
            run.told = canceled()
            if fails:
                raise PlantedError(run.dn)

    def _commit(self, run: Run, order: Order) -> None:
        """Commit the fault; returns if the runnable goes on, or is to return."""
        match order.fault:
            case Fault.RAISE:
                raise PlantedError(run.dn)
            case Fault.SPAWN:
                self.evidence.storms[run.dn] = None
                raise PlantedError(run.dn)
            case Fault.EXIT:
                raise SystemExit(3)
            case Fault.INTERRUPT:
                raise KeyboardInterrupt
            case Fault.ILLEGAL:
                self._signal_illegally(run)
            case Fault.BLOCKED_LOOP:
                time.sleep(order.seconds)
                run.given, run.taken = None, False
                self.evidence.wait(run)
            case _:
                pass

    def _signal_illegally(self, run: Run) -> None:
        try:
            signal(Signal.HEALTHY)
        finally:
            if not isinstance(sys.exception(), IllegalSignalError):
                self.evidence.accuse(f"R2: {run.dn} {run.incarnation} signaled HEALTHY twice, and was not told")
