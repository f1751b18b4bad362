"""What all benchmarks share: the clock, the memory, and the figures that a case gives.

A case is one workload at one size, measured by a function of an `on_*` module; `case.py` runs it, `run.py` all of them.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

DEATHS = 200
"""Of one part of a case; 20 where each takes long."""
DEATHS_OF_MANY = 20
PAUSE = 0.002
"""Seconds between two deaths, for everything to be idle again."""
AT_ONCE = 100
"""Threads that systems without a way of their own wake at a time; more fight over the GIL."""

now = time.perf_counter


@dataclass(frozen=True, slots=True)
class Figure:
    workload: str
    case: str
    """The size: `n=100`, `depth=5`, `busy=4`."""
    metric: str
    value: float
    unit: str
    """`s`, `1/s` or `B`."""
    variant: str = ""
    """Empty: as everybody would use the system."""


def rss() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def spawned(n: int, seconds: float, memory: int, stop: float) -> list[Figure]:
    """W1, W6 and W7 of one run."""
    return [
        Figure("W1", f"n={n}", "rate", n / seconds, "1/s"),
        Figure("W6", f"n={n}", "rss", memory / n, "B"),
        Figure("W7", f"n={n}", "time", stop, "s"),
    ]


def latencies(workload: str, case: str, seconds: Sequence[float], variant: str = "") -> list[Figure]:
    """Median and 99th percentile; beside busy loops the mean too, for there most of the time is in a few long waits."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    values = {"median": ordered[round(last * 0.5)], "p99": ordered[round(last * 0.99)]}
    if case.startswith("busy"):
        values["mean"] = sum(ordered) / len(ordered)
    return [Figure(workload, case, metric, value, "s", variant) for metric, value in values.items()]


def thread(function: Callable[..., object], *args: object) -> Thread:
    """A started daemon thread."""
    started = Thread(target=function, args=args, daemon=True)
    started.start()
    return started


@contextmanager
def busy(loops: int) -> Generator[None]:
    """Beside CPU-bound threads, for systems that would not have such a thing among their parts."""
    over = Event()

    def burn() -> None:
        while not over.is_set():
            pass

    threads = [thread(burn) for _ in range(loops)]
    yield
    over.set()
    for each in threads:
        each.join()
