"""Run cases of one system in this process: `python tests/benchmarks/case.py otp-threads [--pin] restart:100 deep:5`.

Each figure is a line of JSON. A system that is not installed gives none, and says so on standard error; neither does one
that has no such workload. `run.py` calls this with one case at a time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

import settings

SYSTEMS = ("plain", "otp-threads", "otp-coroutines", "pykka", "lapinbeam")


def cases_of(system: str):
    """By name, each a callable that takes the size and gives figures; `None`: it is not installed."""
    if system == "plain":
        from on_plain import CASES  # noqa: PLC0415 - each process imports one system only
    elif system == "pykka":
        from on_pykka import CASES  # noqa: PLC0415
    elif system == "lapinbeam":
        try:
            from on_lapinbeam import CASES  # noqa: PLC0415
        except ImportError:
            return None
    else:
        from on_otp import Benchmarks, Coroutines, Threads  # noqa: PLC0415

        CASES = Benchmarks(Threads if system == "otp-threads" else Coroutines).cases  # noqa: N806 - as of the others
    return CASES


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("cases", nargs="+", metavar="CASE:SIZE")
    parser.add_argument("--pin", action="store_true", help="to one CPU")
    settings.add_options(parser)
    arguments = parser.parse_args()
    done = settings.apply(arguments)
    cases = cases_of(arguments.system)
    if cases is None:
        sys.stderr.write(f"{arguments.system}: skipped, for it is not installed (pip install --group bench)\n")
        return
    for case in arguments.cases:
        name, _, size = case.partition(":")
        if name not in cases:
            sys.stderr.write(f"{arguments.system}: has no {case}\n")
            continue
        for figure in cases[name](int(size)):
            line = {"system": arguments.system, **done, **dataclasses.asdict(figure)}
            sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
