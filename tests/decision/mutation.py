"""Mutation testing of the decision: `python tests/decision/mutation.py`, which takes an hour of one core.

Each mutant is the decision with one small error in it; the tests beside this file have to notice. mutmut makes and runs
the mutants. They are made in a temporary copy that holds the decision and its tests alone (it imports nothing else of
the package), so that nothing is left in the working tree and no installed `otp` is tested by mistake.

Exit status 1 if fewer than 95 % of the mutants are killed. The survivors are printed; `docs/pages/mutation.md` says of
each why it may live.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DECISION = Path("otp", "tree", "decision")
TESTS = Path("tests", "decision")
REQUIRED = 0.95


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="otp-mutation-") as folder:
        copy = Path(folder)
        for part in (DECISION, TESTS):
            shutil.copytree(REPOSITORY / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for package in (copy / "otp", copy / "otp" / "tree"):
            (package / "__init__.py").touch()
        shutil.copy(REPOSITORY / "pyproject.toml", copy)
        mutmut(copy, "run", "--max-children", str(os.cpu_count() or 1))
        return verdict(copy)


def mutmut(copy: Path, *arguments: str, quiet: bool = False) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(
        command, cwd=copy, env=environment, check=True, text=True, stdout=subprocess.PIPE if quiet else None
    )
    return done.stdout or ""


def verdict(copy: Path) -> int:
    for line in mutmut(copy, "results", quiet=True).splitlines():
        name, _, outcome = line.strip().partition(": ")
        sys.stdout.write(f"\n{outcome}\n{mutmut(copy, 'show', name, quiet=True)}")
    mutmut(copy, "export-cicd-stats", quiet=True)
    counts = json.loads((copy / "mutants" / "mutmut-cicd-stats.json").read_text())
    noticed = counts["killed"] + counts["timeout"]
    sys.stdout.write(
        f"\n{counts['total']} mutants, {counts['killed']} killed, {counts['timeout']} noticed by their timeout, "
        f"{counts['total'] - noticed} survived: {noticed / counts['total']:.2%}, required are {REQUIRED:.0%}\n"
    )
    return 0 if noticed >= REQUIRED * counts["total"] else 1


if __name__ == "__main__":
    sys.exit(main())
