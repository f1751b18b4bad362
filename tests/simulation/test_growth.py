"""What an event costs in a tree of 10,000 nodes, compared with one of 100: no wall clock, but what the interpreter does.

Two things are measured: the bytecode instructions that are executed, and the memory that is taken meanwhile, for a copy of
a large list is a single instruction.
"""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import pytest

from otp.tree import decision
from otp.tree.decision import decide, plant
from otp.tree.decision.messages import (
    Arm,
    Birth,
    Cancel,
    End,
    Ended,
    Expired,
    RestartRequested,
    Signal,
    Signaled,
    Spawned,
    StopRequested,
)
from otp.tree.decision.policy import Backoff, Policy, Strategy

INSIDE = str(Path(decision.__file__).parent)
SMALL, LARGE = 100, 10_000
LIMIT = 2.0
POLICY = Policy(backoff=Backoff(jitter=0.0))


def one_large_group(nodes):
    """The ids of each group below the root."""
    return Strategy.ONE_FOR_ONE, [range(2, nodes + 1)]


def groups_of_ten(nodes):
    return Strategy.ONE_FOR_ALL, [range(first, first + 10) for first in range(2, nodes + 1, 10)]


def all_alone(nodes):
    return Strategy.ONE_FOR_ALL, [range(node, node + 1) for node in range(2, nodes + 1)]


def grown(shape, nodes):
    tree, _ = plant(Birth(1, "root", POLICY), 0.0)
    strategy, groups = shape(nodes)
    for group in groups:
        births = tuple(Birth(node, f"n{node}", POLICY) for node in group)
        tree, _ = decide(tree, Spawned(1, 1, strategy, births, 0.0))
    for node in list(tree.nodes):
        tree, _ = decide(tree, Signaled(node, 1, Signal.HEALTHY, 0.0))
    assert tree.healthy
    return tree


def storm(tree, watch):
    """Something of everything, in five places; `watch` carries each event out."""
    for place, node in enumerate(list(tree.nodes)[5:95:20]):
        at = 100.0 * (place + 1)
        incarnation = tree.nodes[node].incarnation
        watch(Signaled(node, incarnation + 7, Signal.HEALTHY, at))
        actions = watch(Ended(node, incarnation, End.RAISED, at))
        for action in actions:
            if isinstance(action, Cancel):
                actions += watch(Ended(action.node, action.incarnation, End.LEFT, at))
        for action in actions:
            if isinstance(action, Arm) and action.timer in tree.timers:
                watch(Expired(action.timer, action.at))
        watch(Signaled(node, tree.nodes[node].incarnation, Signal.HEALTHY, at + 50))
        watch(RestartRequested(node, at + 60))
        watch(Ended(node, tree.nodes[node].incarnation, End.RETURNED, at + 61))


def stop(tree, watch):
    """The first steps of a stop; that it begins at all costs a walk over all nodes, once."""
    tree, actions = decide(tree, StopRequested(None, 1000.0))
    for _ in range(20):
        (canceled,) = [action for action in actions if isinstance(action, Cancel)]
        actions = watch(Ended(canceled.node, canceled.incarnation, End.LEFT, 1001.0))


def instructions(tree, story):
    count = 0

    def trace(frame, what, _argument):
        nonlocal count
        inside = frame.f_code.co_filename.startswith(INSIDE)
        frame.f_trace_opcodes = inside
        count += inside and what == "opcode"
        return trace

    def watch(event):
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            return decide(tree, event)[1]
        finally:
            sys.settrace(before)

    story(tree, watch)
    return count


def memory(tree, story):
    """The most bytes that any one event takes."""
    most = 0

    def watch(event):
        nonlocal most
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        actions = decide(tree, event)[1]
        most = max(most, tracemalloc.get_traced_memory()[1] - before)
        return actions

    tracemalloc.start()
    try:
        story(tree, watch)
    finally:
        tracemalloc.stop()
    return most


@pytest.mark.parametrize("story", [storm, stop])
@pytest.mark.parametrize("shape", [one_large_group, groups_of_ten, all_alone])
@pytest.mark.parametrize("cost", [instructions, memory])
def test_an_event_costs_at_10_000_nodes_what_it_costs_at_100(cost, shape, story):
    small = cost(grown(shape, SMALL), story)
    large = cost(grown(shape, LARGE), story)

    print(f"{cost.__name__}, {shape.__name__}, {story.__name__}: {small} at {SMALL} nodes, {large} at {LARGE}")  # noqa: T201
    assert small > 100
    assert large <= LIMIT * small
