"""The command `python -m otp.testing.chaos`: chaos on the real engine, from a seed.

    python -m otp.testing.chaos --seconds 60 --faults 10000       the seed is drawn, and printed
    python -m otp.testing.chaos --seed 7 --nodes 50 --herd 0      a small tree, and no restart storm

The same seed gives the same trees and the same choices; what threads make of them is different each time. The exit status
is 1 when a rule was broken or something was left behind.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import TYPE_CHECKING

from loguru import logger

from otp.testing.chaos.herd import stampede
from otp.testing.chaos.rounds import Settings, chaos

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m otp.testing.chaos", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the storm is to take (default: 10)")
    parser.add_argument("--seed", type=int, help="the seed (default: drawn)")
    parser.add_argument("--nodes", type=int, default=200, help="nodes of a tree (default: 200)")
    parser.add_argument("--faults", type=int, default=1000, help="faults in all rounds together (default: 1000)")
    parser.add_argument("--herd", type=int, default=1000, help="nodes of the restart storm; 0: none (default: 1000)")
    options = parser.parse_args(arguments)
    seed: int = random.randrange(2**32) if options.seed is None else options.seed  # noqa: S311 - dice
    _print(f"seed {seed}")  # at once: whoever interrupts it wants to know
    logger.remove()  # thousands of deaths are told; the sink of the chaos gets them all
    report = chaos(Settings(seed, seconds=options.seconds, nodes=options.nodes, faults=options.faults))
    for line in report.lines():
        _print(line)
    status = report.status
    if options.herd:
        herd = stampede(seed, options.herd)
        for line in (herd.line(), *herd.report.violations):
            _print(line)
        status = status or herd.report.status
    return status


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
