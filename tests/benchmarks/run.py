"""The benchmarks: `python tests/benchmarks/run.py`, or with `--help`.

Every case of every system runs in a process of its own, the systems in turn, pinned to one CPU and free. Each figure is
printed as a line of JSON when it is there, and at the end a table of medians with their ratios to plain threads.
What is measured, and how to read it, is in `docs/pages/performance.md`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import settings
from case import SYSTEMS

SPAWN = [f"spawn:{n}" for n in (100, 1_000, 10_000)]
CASES = {
    "W1": SPAWN,
    "W2": [
        *(f"restart:{n}" for n in (1, 100, 1_000, 10_000)),
        *(f"deep:{depth}" for depth in (1, 5, 20)),
        *(f"busy:{loops}" for loops in (1, 4)),
    ],
    "W3": [f"group:{n}" for n in (10, 100, 1_000)],
    "W4": [f"call:{clients}" for clients in (1, 100)],
    "W5": [f"cast:{producers}" for producers in (1, 100)],
    "W6": SPAWN,
    "W7": [*SPAWN, *(case.replace("spawn", "stop_now") for case in SPAWN)],
    "W8": [f"limits:{n}" for n in (10_000, 100_000)],
}
USUAL = [workload for workload in CASES if workload != "W8"]
"""What is run unless asked otherwise: W8 takes a minute."""
KNOWN = list(dict.fromkeys(itertools.chain.from_iterable(CASES.values())))
FLOOR = "plain"
STANDS_FOR = {"now": "time"}
"""Metrics that the floor lacks, and what they are compared with: it has one way to stop."""
TIMEOUT = 300.0
"""Seconds for one case."""


def main() -> int:
    arguments = parse()
    cases = arguments.cases or cases_of(arguments.workloads, arguments.largest)
    options = settings.as_options(arguments)
    figures = []
    for _ in range(arguments.repeat):
        for pin in [True] if arguments.pin else [True, False]:
            for case in cases:
                for system in arguments.systems:
                    figures += run(system, case, [*options, *(["--pin"] if pin else [])])
    if not arguments.cases:
        figures = [figure for figure in figures if figure["workload"] in arguments.workloads]
    for pinned in (True, False):
        chosen = [figure for figure in figures if figure["pinned"] is pinned]
        if chosen:
            title = "Pinned to one CPU" if pinned else "Free"
            parts = [title, f"medians of {arguments.repeat}", *settings.described(chosen[0])]
            sys.stdout.write(f"\n{'; '.join(parts)}\n\n{table(chosen)}\n")
    return 0


def cases_of(workloads: list[str], largest: int) -> list[str]:
    cases = dict.fromkeys(case for workload in workloads for case in CASES[workload])
    return [case for case in cases if int(case.partition(":")[2]) <= largest]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--pin", action="store_true", help="pinned only; free takes as long again")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--largest", type=int, default=100_000, metavar="N", help="leave out what is larger")
    parser.add_argument("--workloads", type=chosen_from(CASES), default=USUAL, metavar=",".join(CASES))
    parser.add_argument("--cases", type=chosen_from(KNOWN), metavar="CASE:SIZE,...", help="these, not all of workloads")
    parser.add_argument("--systems", type=chosen_from(SYSTEMS), default=list(SYSTEMS), metavar=",".join(SYSTEMS))
    settings.add_options(parser)
    return parser.parse_args()


def chosen_from(known):
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                msg = f"{name!r} is none of {', '.join(known)}"
                raise argparse.ArgumentTypeError(msg)
        return names

    return chosen


def run(system: str, case: str, options: list[str]) -> list[dict]:
    """The figures of one case; none if it failed, which is said."""
    program = Path(__file__).with_name("case.py")
    command = [sys.executable, str(program), system, case, *options]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=TIMEOUT)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{system}, {case}: {error}\n")
        return []
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(figures: list[dict]) -> str:
    """A row a case and metric, a column a system and variant."""
    cells = defaultdict(list)
    for figure in figures:
        row = figure["workload"], figure["case"], figure["metric"]
        cells[row, (figure["system"], figure["variant"])].append(figure)
    rows = list(dict.fromkeys(row for row, _ in cells))
    rows.sort(key=lambda row: row[0])
    columns = sorted({column for _, column in cells}, key=lambda column: (SYSTEMS.index(column[0]), column[1]))
    lines = [["", *(", ".join(filter(None, column)) for column in columns)], ["---"] * (len(columns) + 1)]
    for row in rows:
        workload, case, metric = row
        floor = median(cells.get(((workload, case, STANDS_FOR.get(metric, metric)), (FLOOR, "")), []))
        lines.append([" ".join(row), *(cell(cells.get((row, column), []), floor) for column in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def median(figures: list[dict]) -> float | None:
    return statistics.median(figure["value"] for figure in figures) if figures else None


def cell(figures: list[dict], floor: float | None) -> str:
    value = median(figures)
    if value is None:
        return ""
    text = readable(value, figures[0]["unit"])
    if not floor or figures[0]["system"] == FLOOR:
        return text
    ratio = value / floor
    return f"{text} ({ratio:.0f}x)" if ratio >= 10 else f"{text} ({ratio:.2g}x)"


def readable(value: float, unit: str) -> str:
    match unit:
        case "B":
            return f"{value / 1000:.1f} KB"
        case "1/s":
            return f"{value / 1000:.3g}k/s"
        case _ if value < 1e-3:
            return f"{value * 1e6:.0f} us"
        case _ if value < 1:
            return f"{value * 1e3:.3g} ms"
        case _:
            return f"{value:.2f} s"


if __name__ == "__main__":
    sys.exit(main())
