"""Rounds of chaos: a fresh system each, faults from a seed, and a check of everything when the round is over."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from otp.errors import NoSuchNodeError
from otp.system import System
from otp.testing.chaos.callers import Callers
from otp.testing.chaos.disasters import Disasters
from otp.testing.chaos.evidence import Evidence
from otp.testing.chaos.fault import FATAL, FROM_OUTSIDE, WEIGHTS, Fault, Order
from otp.testing.chaos.plan import draw
from otp.testing.chaos.recorder import Recorder
from otp.testing.chaos.report import Report
from otp.testing.chaos.review import balance, rehearse
from otp.testing.chaos.runnables import Cast
from otp.testing.chaos.story import compare
from otp.testing.chaos.watcher import Watcher
from otp.testing.leaks import Belongings
from otp.tree.decision.policy import Backoff, Restart

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.system import StopReport
    from otp.testing.chaos.evidence import Run
    from otp.testing.chaos.plan import Place

__all__ = ["Round", "Settings", "chaos"]

_BACKOFF: Final = Backoff(initial=0.01, multiplier=1.5, maximum=0.1, jitter=0.5)
_ROUND: Final = 5.0
"""Seconds of storm between one start of the whole system and the next."""
_LATE: Final = 4.0
"""Times the seconds that the storm was to take, after which it is given up."""
_PAUSE: Final = 0.002
_TIMEOUTS: Final = (None, 0.3, 0.0)
"""Of stops in the middle of the storm."""
_SHOWN: Final = 5
_HANGING: Final = 10.0
"""Seconds that an ordered stop may spend on runnables that hang, one after the other."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked for."""

    seed: int
    seconds: float = 10.0
    nodes: int = 200
    faults: int = 1000
    patience: float = 30.0
    """Seconds in which everything must have recovered when the storm is over."""
    patient: float | None = None
    """The `shutdown` of runnables that listen, if not the plan's."""


def chaos(settings: Settings) -> Report:
    """All rounds, or those up to the first in which something is wrong."""
    report = Report(settings.seed, settings.nodes)
    random = Random(settings.seed)  # noqa: S311 - dice
    rounds = max(2, round(settings.seconds / _ROUND))
    for number in range(rounds):
        faults = settings.faults * (number + 1) // rounds - settings.faults * number // rounds
        part = replace(settings, seconds=settings.seconds / rounds, faults=faults)
        before = Belongings.now()
        gone = Round(part, random, draw(random, settings.nodes), report).play(calm=number % 2 == 0)
        gc.collect()
        report.leaks += [f"round {number}: {text}" for text in before.left_behind()]
        if gone() is not None:
            report.leaks.append(f"round {number}: the system is still there")
        report.resident.append(_resident())
        report.rounds += 1
        if report.status:
            break
    report.check_memory()
    return report


class Round:
    """One system, from its start to its stop."""

    def __init__(self, settings: Settings, random: Random, root: Place, report: Report) -> None:
        """Faults by `random` for a tree as planned from `root` on."""
        self._settings = settings
        self._random = random
        self._root = root
        self._report = report
        self._disasters = Disasters()
        self.evidence = Evidence()
        self.recorder = Recorder(self.evidence)
        self._callers = Callers(random.random(), self.evidence)
        self._pause = threading.Event()

    def play(self, *, calm: bool, storm: Callable[[System, Watcher], None] | None = None) -> weakref.ref[System]:
        """Start, storm, stop and check. With `calm`, everything has to recover before the stop."""
        cast = Cast(self.evidence, self._settings.patient)
        with ExitStack() as stack:
            stack.enter_context(self.recorder.at_work())
            stack.enter_context(self._disasters.possible())
            root = cast.coroutine if self._root.coroutine else cast.thread
            system = System(root, self._root, backoff=_BACKOFF)
            watcher = Watcher(system, {place.dn for place in self._root.all() if place.max_restarts is not None})
            self.evidence.on_fault = lambda run, order, at: self._note(watcher, run, order, at)
            system.start()
            servers = [place.dn for place in self._root.all() if place.serves]
            stack.enter_context(self._callers.at_work(system, servers, self._settings.patience))
            began = time.monotonic()
            try:
                system.wait_healthy(self._settings.patience)
                (storm or self.storm)(system, watcher)
                if calm:
                    self._calm(system, watcher)
            except TimeoutError as error:
                self._report.violations.append(f"liveness: {error}")
            self._report.seconds += time.monotonic() - began
            self._stop(system, watcher, calm=calm)
        self._check(system, watcher)
        return weakref.ref(system)

    # --- the storm --------------------------------------------------------------------------------------------------

    def storm(self, system: System, watcher: Watcher) -> None:
        """As many faults as were asked for, at an even pace."""
        settings = self._settings
        pace = settings.seconds / max(1, settings.faults)
        began = time.monotonic()
        ordered = 0
        while (planted := self.evidence.planted.total()) < settings.faults:
            now = time.monotonic() - began
            if now > settings.seconds * _LATE:
                msg = f"{planted} of {settings.faults} faults were committed within {now:.0f} s"
                raise TimeoutError(msg)
            behind = ordered - planted - self.evidence.overtaken
            if now < ordered * pace or behind > settings.nodes or not self._disturb(system, watcher):
                self._pause.wait(_PAUSE)
                continue
            ordered += 1

    def _disturb(self, system: System, watcher: Watcher) -> bool:
        """One fault; whether anybody could be found for it."""
        random = self._random
        fault = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        seconds = random.random()
        if fault is Fault.BLOCKED_SINK:
            self._disasters.block_sink(0.05 + 0.15 * seconds)
            self.evidence.plant(fault)
            return True
        if fault is Fault.NO_THREADS:
            self._disasters.take_threads(0.01 + 0.04 * seconds)
            self.evidence.plant(fault)
            return True
        dn = self._choose(fault)
        if dn is None:
            return False
        if fault not in FROM_OUTSIDE:
            lasts = 0.02 + 0.04 * seconds if fault is Fault.BLOCKED_LOOP else 0.06 + 0.2 * seconds
            if not self.evidence.order(dn, Order(fault, lasts)):
                return False
        if fault is Fault.RESTART:
            self.evidence.plant(fault)
            self._expect(watcher, dn, time.time())
        if fault in (Fault.RESTART, Fault.HANG):
            with suppress(NoSuchNodeError):  # its parent is being restarted
                system.restart(dn)
        return True

    def _choose(self, fault: Fault) -> str | None:
        """Somebody who waits, rarely one with others below it, and most rarely the root."""
        random = self._random
        running = self.evidence.running
        dns = self.evidence.waiting()
        for _ in range(8):
            if not dns:
                return None
            run = running.get(random.choice(dns))
            if run is None or run.place is None:
                continue
            place = run.place
            fits = {
                Fault.HANG: place.hangs,
                Fault.BLOCKED_LOOP: place.coroutine,
                Fault.SPAWN: not place.serves,
            }.get(fault, True)
            rare = 0.002 if place.dn == "root" else 0.2 if place.groups else 1.0
            if fits and random.random() < rare:
                return place.dn
        return None

    def _note(self, watcher: Watcher, run: Run, order: Order, at: float) -> None:
        if order.fault in FATAL and not (
            run.place is not None and run.place.restart is Restart.TRANSIENT and order.fault is Fault.RETURN
        ):
            self._expect(watcher, run.dn, at)

    def _expect(self, watcher: Watcher, dn: str, at: float) -> None:
        run = self.evidence.running.get(dn)
        if run is not None and run.place is not None and run.place.restart is not Restart.TEMPORARY:
            watcher.expect(dn, at)

    # --- after it ---------------------------------------------------------------------------------------------------

    def _calm(self, system: System, watcher: Watcher) -> None:
        """Wait until everything has recovered, and see whether all agree on how things are then (I5, I15)."""
        until = time.monotonic() + self._settings.patience

        def wait(problems: Callable[[], list[str]]) -> None:
            while left := problems():
                if time.monotonic() > until:
                    msg = f"after {self._settings.patience} s of calm: {', '.join(left[:_SHOWN])}"
                    raise TimeoutError(msg)
                self._pause.wait(_PAUSE)

        wait(self.evidence.unsettled)
        wait(watcher.unrecovered)
        wait(lambda: [] if self.recorder.balanced() else ["some have ended, and it is not told"])
        system.wait_healthy(max(0.0, until - time.monotonic()))
        self.recorder.calm = len(self.recorder.trace.entries)
        wait(lambda: watcher.differences(system))

    def _stop(self, system: System, watcher: Watcher, *, calm: bool) -> None:
        violations = self._report.violations
        timeout = None if calm else self._random.choice(_TIMEOUTS)
        began = time.monotonic()
        reports: list[StopReport] = []
        stopping = threading.Thread(
            target=lambda: reports.append(system.stop(timeout)), name="chaos: stop", daemon=True
        )
        stopping.start()
        stopping.join(self._settings.patience + _HANGING)
        took = time.monotonic() - began
        if not reports:
            violations.append(f"R14: a stop with a timeout of {timeout} s has not come to its end after {took:.1f} s")
        unstopped = [dn for report in reports for dn in report.unstopped]
        if calm and unstopped:
            violations.append(f"R14: a tree that was well does not stop: {unstopped[:_SHOWN]}")
        until = time.monotonic() + self._settings.patience
        while self.evidence.running and time.monotonic() < until:
            self._pause.wait(_PAUSE)
        left = self.evidence.let_go()
        if left:
            violations.append(f"I6: these were canceled and have not noticed: {left[:_SHOWN]}")
        try:
            system.join(self._settings.patience)
        except TimeoutError as error:
            violations.append(f"R14: {error}")
        else:
            violations += watcher.finish(system)[:_SHOWN]

    def _check(self, system: System, watcher: Watcher) -> None:
        left = [*system.directory.homes, *system.directory.names]
        if left:
            self.evidence.accuse(f"mail: these can be written to although they have ended: {left[:_SHOWN]}")
        report, evidence, entries = self._report, self.evidence, list(self.recorder.trace.entries)
        report.cut_off += len(watcher.unrecovered())
        report.recoveries += watcher.recoveries
        report.deaths += watcher.deaths
        report.planted += evidence.planted
        report.calls += self._callers.ends
        report.overtaken += evidence.overtaken
        report.refused += self._disasters.refused
        report.events += len(entries)
        report.delays += self.recorder.delays
        report.violations += evidence.found[:_SHOWN]
        report.violations += rehearse(entries, self.recorder.calm)
        report.violations += compare(entries, watcher.told)
        report.violations += balance(entries, evidence)[:_SHOWN]


def _resident() -> int:
    """Bytes of memory that the process holds; 0 where the system does not tell."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
