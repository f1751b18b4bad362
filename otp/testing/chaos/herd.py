"""A restart storm: many nodes, each in a group of its own, fail at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from otp.testing.chaos.fault import Fault, Order
from otp.testing.chaos.plan import flat
from otp.testing.chaos.report import Report, percentile
from otp.testing.chaos.rounds import Round, Settings

if TYPE_CHECKING:
    from otp.system import System
    from otp.testing.chaos.evidence import Run
    from otp.testing.chaos.watcher import Watcher

__all__ = ["Herd", "stampede"]


@dataclass(frozen=True, slots=True)
class Herd:
    """What came of it."""

    nodes: int
    seconds: float
    """From the first fault until the last node was healthy again."""
    report: Report

    def line(self) -> str:
        """The figures, as text."""
        delay = percentile(self.report.delays, 0.99) * 1e3
        return (
            f"restart storm: {self.report.planted[Fault.RAISE]} of {self.nodes} nodes failed at once, "
            f"all healthy again after {self.seconds:.2f} s, queue delay p99 {delay:.1f} ms, "
            f"violations {len(self.report.violations)}"
        )


def stampede(seed: int, nodes: int, patience: float = 60.0) -> Herd:
    """Have `nodes` nodes fail at once, half of them coroutines; all must be healthy again after `patience` seconds."""
    report = Report(seed, nodes)
    settings = Settings(seed, nodes=nodes, patience=patience)
    each = Round(settings, Random(seed), flat(nodes), report)  # noqa: S311 - dice
    moments: list[float] = []
    watchers: list[Watcher] = []

    def storm(_system: System, watcher: Watcher) -> None:
        watchers.append(watcher)
        evidence = each.evidence
        note = evidence.on_fault

        def noted(run: Run, order: Order, at: float) -> None:
            moments.append(at)
            note(run, order, at)

        evidence.on_fault = noted
        each.recorder.delays.clear()  # those of the start
        for dn in evidence.waiting():
            if dn != "root":
                evidence.order(dn, Order(Fault.RAISE))

    each.play(calm=True, storm=storm)
    seconds = watchers[0].last_healthy - min(moments) if moments else 0.0
    return Herd(nodes, seconds, report)
