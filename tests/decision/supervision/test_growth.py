"""What many children of one supervisor cost: twice as many take about twice as long, whatever is done with all of them.

Counted are the bytecode instructions that Python executes in the decision, which is the same on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otp.tree import decision
from otp.tree.decision import decide, plant, which_children
from otp.tree.decision.messages import (
    Birth,
    Cancel,
    End,
    Ended,
    Signal,
    Signaled,
    Spawned,
    Start,
    StartChild,
    StopRequested,
    TerminateChild,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Policy, Strategy, Supervision

INSIDE = str(Path(decision.__file__).parent)
FEW = 50
LIMIT = 2.2
"""Twice as many must cost less than this. With a walk over all children for each of them it would be 2.4 or more."""
CHILD = Policy(start_timeout=None)


class Cooperation:
    """A tree whose runnables do at once what they are told, and how many instructions the decision has taken for it."""

    def __init__(self, **supervision) -> None:
        self.count = 0
        self.order: list[str] = []
        policy = Policy(shutdown=None, supervision=Supervision(max_restarts=10**6, **supervision))
        self.tree, _ = plant(Birth(1, "root", policy), 0.0)

    def send(self, event) -> None:
        events = [event]
        for each in events:  # grows while it is walked
            actions = self._decide(each)
            events += [self._answer(action) for action in actions if isinstance(action, (Start, Cancel))]

    def _answer(self, action):
        name = self.tree.nodes[action.node].name if action.node in self.tree.nodes else "root"
        self.order.append(f"{type(action).__name__.lower()} {name}")
        if isinstance(action, Start):
            return Signaled(action.node, action.incarnation, Signal.HEALTHY, 0.0)
        return Ended(action.node, action.incarnation, End.LEFT, 0.0)

    def _decide(self, event):
        def trace(frame, what, _argument):
            inside = frame.f_code.co_filename.startswith(INSIDE)
            frame.f_trace_opcodes = inside
            self.count += inside and what == "opcode"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            self.tree, actions = decide(self.tree, event)
        finally:
            sys.settrace(before)
        return actions

    def begin(self, children: int) -> None:
        births = tuple(Birth(2 + number, f"n{number}", CHILD) for number in range(children))
        self.send(Spawned(1, 1, Strategy.ONE_FOR_ONE, births, 0.0))
        assert self.tree.root.state is NodeState.HEALTHY
        assert len(which_children(self.tree, 1)) == children


def starts_and_stops(world, children):
    world.begin(children)
    world.send(StopRequested(None, 0.0))
    names = [f"n{number}" for number in range(children)]
    assert world.order == [f"start {name}" for name in names] + [f"cancel {name}" for name in [*names[::-1], "root"]]


def all_are_restarted_by_one_crash(world, children):
    world.begin(children)
    world.send(Ended(2, 1, End.RAISED, 0.0))
    assert {node.incarnation for node in world.tree.root.children.values()} == {2}


def each_crashes_once(world, children):
    world.begin(children)
    for number in range(children):
        world.send(Ended(2 + number, 1, End.RAISED, 0.0))
    assert {node.incarnation for node in world.tree.root.children.values()} == {2}


def each_is_started_and_terminated_by_request(world, children):
    world.send(Spawned(1, 1, Strategy.ONE_FOR_ONE, (), 0.0))
    for number in range(children):
        world.send(StartChild(number, 1, 1, Birth(2 + number, f"n{number}", CHILD), 0.0))
    for number in range(children):
        world.send(TerminateChild(children + number, 1, 1, f"n{number}", 0.0))
    assert not world.tree.root.children


@pytest.mark.parametrize(
    ("story", "supervision"),
    [
        (starts_and_stops, {}),
        (all_are_restarted_by_one_crash, {"strategy": Strategy.ONE_FOR_ALL}),
        (all_are_restarted_by_one_crash, {"strategy": Strategy.REST_FOR_ONE}),
        (each_crashes_once, {}),
        (each_is_started_and_terminated_by_request, {}),
        (each_is_started_and_terminated_by_request, {"dynamic": True}),
    ],
)
def test_scale_start_stop_many_children_time_is_linear_and_the_order_is_kept(story, supervision):
    counts = []
    for children in (FEW, 2 * FEW):
        world = Cooperation(**supervision)
        story(world, children)
        counts.append(world.count)

    few, many = counts
    print(f"{story.__name__} {supervision}: {few} instructions with {FEW} children, {many} with {2 * FEW}")  # noqa: T201
    assert few > FEW
    assert many < LIMIT * few
