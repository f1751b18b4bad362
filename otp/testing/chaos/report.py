"""The figures of a chaotic run, and how they are printed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.chaos.fault import Fault

__all__ = ["Report", "percentile"]

_MEBIBYTE: Final = 2**20
_SETTLED: Final = 3
"""Rounds after which the memory of the process should grow no more."""
_GROWTH: Final = 24 * _MEBIBYTE
"""More of it, over all rounds after those, is a leak."""


@dataclass(slots=True, eq=False)
class Report:
    """Of some rounds, from one seed."""

    seed: int
    nodes: int
    rounds: int = 0
    seconds: float = 0.0
    """In the storm, without the reviews."""
    planted: Counter[Fault] = field(default_factory=Counter)
    overtaken: int = 0
    cut_off: int = 0
    """Faults whose recovery was not waited for: the whole tree was stopped."""
    deaths: int = 0
    refused: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """How the calls of servers have ended."""
    events: int = 0
    """Of the decision."""
    recoveries: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    """Bytes of memory after each round."""
    violations: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    @property
    def slope(self) -> float:
        """Bytes by which the memory grows each round, by least squares, once it has settled; 0.0: too few rounds."""
        rest = self.resident[_SETTLED:]
        if len(rest) < _SETTLED:
            return 0.0
        middle, mean = (len(rest) - 1) / 2, sum(rest) / len(rest)
        spread = sum((number - middle) ** 2 for number in range(len(rest)))
        return sum((number - middle) * (size - mean) for number, size in enumerate(rest)) / spread

    def check_memory(self) -> None:
        """Count memory that only grows as a leak."""
        rounds = len(self.resident) - _SETTLED
        if self.slope * rounds > _GROWTH:
            self.leaks.append(f"memory grows by {self.slope / _MEBIBYTE:.1f} MiB a round, over {rounds} rounds")

    @property
    def status(self) -> int:
        """The exit status of the command."""
        return 1 if self.violations or self.leaks else 0

    def lines(self) -> list[str]:
        """All of it, as text."""
        faults = ", ".join(f"{fault} {count}" for fault, count in sorted(self.planted.items()))
        calls = ", ".join(f"{end} {count}" for end, count in self.calls.most_common())
        memory = f"{self.resident[-1] / _MEBIBYTE:.0f} MiB" if self.resident else "unknown"
        return [
            f"seed {self.seed}, nodes {self.nodes}, rounds {self.rounds}, seconds {self.seconds:.1f}",
            f"events {self.events}, deaths {self.deaths}",
            f"faults {self.planted.total()}: {faults}; overtaken {self.overtaken}, failed starts {self.refused}",
            f"recovered {len(self.recoveries)}, cut off by a stop {self.cut_off}, {_percentiles(self.recoveries)}",
            f"calls of servers {self.calls.total()}: {calls}",
            f"queue delay of {len(self.delays)} messages, {_percentiles(self.delays)}",
            f"memory {memory}, {self.slope / _MEBIBYTE:+.2f} MiB a round",
            f"violations {len(self.violations)}, leaks {len(self.leaks)}",
            *self.violations,
            *self.leaks,
        ]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed; 0.0: there are none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def _percentiles(values: Sequence[float]) -> str:
    return ", ".join(f"p{share * 100:.0f} {percentile(values, share) * 1e3:.1f} ms" for share in (0.5, 0.99))
