"""What an event costs: it depends on the path and the subtree that change, never on the size of the tree.

Counted are the lines that Python executes, which is the same on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otp.tree import decision
from otp.tree.decision import decide
from otp.tree.decision.messages import End, Ended, RestartRequested, Signal, Signaled
from otp.tree.decision.policy import Backoff, Policy

INSIDE = str(Path(decision.__file__).parent)
AT_ONCE = Policy(backoff=Backoff(initial=0.0))


def lines(world, event) -> int:
    """How many lines one event costs."""
    count = 0

    def trace(frame, what, _argument):
        nonlocal count
        count += what == "line" and frame.f_code.co_filename.startswith(INSIDE)  # a collector may run others
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        decide(world.tree, event)
    finally:
        sys.settrace(before)
    return count


@pytest.fixture
def large(plant_world):
    """To plant a root with that many children, each in a group of its own, and a grandchild under each."""

    def plant_large(children: int):
        world = plant_world(AT_ONCE)
        world.checks = False
        for number in range(children):
            world.run("root", (f"n{number}", AT_ONCE))
            world.run(f"root.n{number}", ("child", AT_ONCE))
        world.healthy("root")
        return world

    return plant_large


EVENTS = {
    "healthy": lambda node: Signaled(node, 1, Signal.HEALTHY, 1.0),
    "death": lambda node: Ended(node, 1, End.RAISED, 1.0),
    "return": lambda node: Ended(node, 1, End.RETURNED, 1.0),
    "restart": lambda node: RestartRequested(node, 1.0),
}


@pytest.mark.defect("B19")
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
@pytest.mark.parametrize("dn", ["root.n5", "root.n5.child"])
def test_an_event_costs_the_same_in_a_tree_a_hundred_times_as_large(large, event, dn):
    small_world, large_world = large(10), large(1000)

    small = lines(small_world, event(small_world.node(dn).id))
    assert small > 5
    assert lines(large_world, event(large_world.node(dn).id)) == small


@pytest.mark.defect("B19")
def test_an_end_in_a_stop_costs_the_same_in_a_tree_a_hundred_times_as_large(large):
    found = []
    for children in (10, 1000):
        world = large(children)
        world.stop()
        found.append(lines(world, Ended(world.node(f"root.n{children - 1}.child").id, 1, End.LEFT, 0.0)))

    assert found[0] == found[1] > 5


@pytest.mark.defect("B19")
def test_an_idle_tree_asks_for_no_timer(large):
    world = large(10)

    assert world.timers == {}
