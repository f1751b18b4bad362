"""The defects of the Go supervisor that this library is a port of, and whether each has a test that would show it.

A test says which defect it is about by its marker, `defect(label)`. B1 to B25 are those of the first commit of the
original, the seed; 2b and the others are of what became of it later.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .stage import run_python

DEFECTS = {
    "B1": "a name is checked in part only, and one with a dot in it kills the supervisor",
    "B2": "the context of an earlier incarnation speaks for the current one",
    "B3": "a call that fails keeps the lock of the whole tree",
    "B4": "a node is done when it says so, not when it returns: two incarnations run at once",
    "B5": "a member that is done does not restart with its group, and its children restart for ever",
    "B6": "a child in its backoff is started although its parent has failed, and holds that up",
    "B7": "fifteen minutes after it was last healthy, a node has no backoff any more",
    "B8": "healthy, then dead, again and again: the backoff never grows",
    "B9": "a return after a cancel is a death",
    "B10": "an error after a cancel is a death",
    "B11": "members of a group start while old members still run",
    "B12": "one that does not listen holds up its parent for ever, and nothing says so",
    "B13": "a shutdown leaves every runnable behind",
    "B13'": "the shutdown of a tree that is done leaves the supervisor behind",
    "B14": "a system that is stopped at once hangs",
    "B15": "a system cannot be stopped, waited for or looked at",
    "B16": "its gRPC server cannot serve again, leaks a thread and may never stop",
    "B17": "its gRPC server leaves connections open",
    "B18": "its command loses the output, and leaves behind what the program has started",
    "B19": "an idle tree wakes up a thousand times a second, and walks over all nodes",
    "B20": "what the caller knows is lost to the root",
    "B21": "a child is always restarted, and by nobody but the supervisor",
    "B22": "a group starts in a random order and ends all at once",
    "B23": "importing it changes the options of the program",
    "B24": "all processes have the same jitter",
    "B25": "deaths are logged at the supervisor, not at the node that died",
    "2b": "two members of a group that always fail end each other's backoff: a hot loop",
    "2b metrics": "nodes that are no more stay in the metrics",
    "2b order": "states are told from several threads, in no order",
    "2b stop": "a stop is not told",
    "2b root": "the root of a test that returns without DONE runs again",
    "2b warning": "what holds up a restart is told again and again, and with one name only",
}

COLLECT = """
import json
import sys
import pytest

class Labels:
    def pytest_collection_finish(self, session):
        self.found = [
            (mark.args[0], item.nodeid.replace("\\\\", "/")) for item in session.items for mark in item.iter_markers("defect")
        ]

labels = Labels()
status = pytest.main(["--collect-only", "-qq", "-m", "", "-p", "no:cacheprovider", "--rootdir", *sys.argv[1:]], plugins=[labels])
print("\\n" + json.dumps([int(status), getattr(labels, "found", [])]))
"""


@pytest.fixture(scope="module")
def found():
    """The tests of each label, as pytest collects them."""
    root = Path(__file__).parents[2]
    output = run_python(COLLECT, os.fspath(root), "-c", os.fspath(root / "pyproject.toml"), os.fspath(root / "tests"))
    status, pairs = json.loads(output.splitlines()[-1])
    assert status == 0, output
    tests: dict[str, list[str]] = {}
    for label, test in pairs:
        tests.setdefault(label, []).append(test)
    return tests


def test_every_defect_has_a_test(found):
    assert sorted(DEFECTS.keys() - found.keys()) == []


def test_every_defect_has_a_test_on_the_real_engine(found):
    on_the_engine = {label for label, tests in found.items() if any("decision" not in test for test in tests)}

    assert sorted(DEFECTS.keys() - on_the_engine) == []


def test_no_test_has_a_label_that_nobody_knows(found):
    assert sorted(found.keys() - DEFECTS.keys()) == []


def test_no_number_is_missing():
    numbers = {int(label[1:].rstrip("'")) for label in DEFECTS if label.startswith("B")}

    assert numbers == set(range(1, 26))
