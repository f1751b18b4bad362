"""The command `python -m otp.testing.simulate`: simulates trees from seeds and reports what breaks the rules.

    python -m otp.testing.simulate --seed 7 --events 1000               one seed
    python -m otp.testing.simulate --seeds 1000 --processes 2           seeds 0..999 in two processes
    python -m otp.testing.simulate --bench                              how many events per second the decision takes

The exit status is 1 when a rule was broken; what is printed then names the seed, the event and the way that led there.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otp.testing.simulation import SUPERVISED, Planted, Rule, Simulation, Violation
from otp.tree.decision import decide, plant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otp.testing.simulation import Entry
    from otp.tree.decision.model import Tree

__all__ = ["Outcome", "bench", "main", "simulate"]

_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one seed."""

    seed: int
    events: int
    """How far it came."""
    trees: int
    seconds: float
    """Of virtual time."""
    violation: str | None = None
    """What was broken, and the way that led there."""
    rule: Rule | None = None
    """Which one it was."""


def simulate(seed: int, events: int, supervised: float = SUPERVISED) -> Outcome:
    """Simulate `events` events of `seed`, or less when a rule is broken before.

    `supervised` is the share of trees with behaviour supervisors in them.
    """
    simulation = Simulation(seed, supervised=supervised)
    violation: str | None = None
    rule: Rule | None = None
    try:
        simulation.run(events)
    except Violation as broken:
        violation = "\n".join([str(broken), *broken.__notes__])
        rule = broken.rule
    return Outcome(seed, simulation.count, simulation.trees, simulation.now, violation, rule)


def bench(seed: int, events: int) -> tuple[int, float]:
    """Let the decision alone take the events of a simulation without behaviour supervisors, five times.

    Returns how many they were, and the seconds of processor time per event in the quickest.
    """
    simulation = Simulation(seed, tail=None, supervised=0.0)
    simulation.run(events)
    entries = list(simulation.trace.entries)
    gc.collect()
    gc.disable()  # what is measured is the decision, not the collector's walk over the trace
    try:
        return events, min(_feed(entries) for _ in range(_ROUNDS)) / events
    finally:
        gc.enable()


def _feed(entries: Sequence[Entry]) -> float:
    tree: Tree | None = None
    began = time.process_time()
    for entry in entries:
        if isinstance(entry.cause, Planted):
            tree, _ = plant(entry.cause.root, entry.cause.at, propagate=entry.cause.propagate)
        elif tree is not None:
            tree, _ = decide(tree, entry.cause)
    return time.process_time() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m otp.testing.simulate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after the other (default: 1)")
    parser.add_argument("--events", type=int, default=1000, help="how many events of each seed (default: 1000)")
    parser.add_argument("--processes", type=int, default=1, help="how many seeds at the same time (default: 1)")
    parser.add_argument(
        "--supervised",
        type=float,
        default=SUPERVISED,
        help=f"the share of trees with behaviour supervisors (default: {SUPERVISED})",
    )
    parser.add_argument("--bench", action="store_true", help="measure the decision alone, on the events of one seed")
    options = parser.parse_args(arguments)
    if options.bench:
        count, seconds = bench(options.seed, options.events)
        _print(f"decision only: events {count}, {seconds * 1e6:.2f} us/event, {1 / seconds:.0f} events/s")
        return 0
    began = time.perf_counter()
    events = trees = violations = 0
    virtual = 0.0
    jobs = [(seed, options.events, options.supervised) for seed in range(options.seed, options.seed + options.seeds)]
    for outcome in _outcomes(jobs, options.processes):
        events += outcome.events
        trees += outcome.trees
        virtual += outcome.seconds
        if outcome.violation is not None:
            violations += 1
            _print(outcome.violation)
    seconds = time.perf_counter() - began
    figures = {
        "seeds": options.seeds,
        "events": events,
        "trees": trees,
        "virtual hours": round(virtual / 3600, 1),
        "seconds": round(seconds, 1),
        "events/s": round(events / seconds),
        "violations": violations,
    }
    _print(", ".join(f"{name} {value}" for name, value in figures.items()))
    return 1 if violations else 0


def _outcomes(jobs: Sequence[tuple[int, int, float]], processes: int) -> Iterator[Outcome]:
    if processes == 1:
        yield from map(_one, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(_one, jobs, chunksize=8)


def _one(job: tuple[int, int, float]) -> Outcome:
    return simulate(*job)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
