"""Trees of plain nodes and supervisors in one another, through thousands of events that a seed decides.

Each event goes through the world, which checks after each of them whatever can be counted anew. Each story is told to
its end: everything that still runs comes to its end, and then nothing may be left. `SEED=7 pytest ...` tells one alone.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from otp.tree.decision.messages import (
    DeleteChild,
    End,
    Ended,
    RestartChild,
    RestartRequested,
    Signal,
    Signaled,
    StartChild,
    StopRequested,
    StopSupervisor,
    TerminateChild,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import AutoShutdown, Backoff, Policy, Restart, Strategy, Supervision
from tests.decision.supervision.conftest import Kid, World

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(400)
EVENTS = 250
LARGEST = 60
NAMES = [f"n{number}" for number in range(5)]
WAYS = [End.RETURNED, End.SHUTDOWN, End.RAISED]
"""Of a supervisor that is asked to end."""
ENDS = [End.RAISED, End.RAISED, End.RETURNED, End.LEFT, End.SHUTDOWN, End.IGNORED]


class Story:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a story, no secret
        root = self._kid("root", 0)
        if self.random.random() < 0.7:
            root = self._lasting(self._supervisor("root", 0))
        self.world = World(root, propagate=self.random.random() < 0.1)

    def tell(self) -> None:
        for _ in range(EVENTS):
            if self.world.tree.stopped:
                return
            self._something()
        self._to_the_end()

    def _to_the_end(self) -> None:
        world = self.world
        world.stop(self.random.choice([None, 0.0, 3.0]))
        while running := [node for node in world.tree.nodes.values() if self._has_runnable(node)]:
            due = [node for node in running if node.doomed] or running
            self._ends(self.random.choice(due), End.LEFT)
        assert world.tree.stopped
        assert world.tree.running == 0
        assert not world.tree.timers
        assert not world.tree.kept
        assert set(world.asked) == set(world.answers)

    def _something(self) -> None:
        world, chance = self.world, self.random.random()
        nodes = list(world.tree.nodes.values())
        if chance < 0.35:
            self._signal([node for node in nodes if node.state is NodeState.NEW and self._has_runnable(node)])
        elif chance < 0.55:
            self._end([node for node in nodes if self._has_runnable(node)])
        elif chance < 0.65:
            self._end([node for node in nodes if self._has_runnable(node) and node.doomed])
        elif chance < 0.72:
            world.passes(self.random.choice([0.0, 0.1, 1.0, 7.0]))
        elif chance < 0.94:
            self._request([node for node in nodes if node.policy.supervision is not None])
        elif chance < 0.97:
            self._spawn([node for node in nodes if self._has_runnable(node) and node.state is NodeState.NEW])
        elif chance < 0.999:
            world.send(RestartRequested(self.random.choice(nodes).id, world.now))
        else:
            world.send(StopRequested(self.random.choice([None, 1.0, 0.0]), world.now))

    def _has_runnable(self, node) -> bool:
        return node.running and node.policy.supervision is None

    def _signal(self, nodes) -> None:
        if nodes:
            node = self.random.choice(nodes)
            self.world.send(Signaled(node.id, node.incarnation, Signal.HEALTHY, self.world.now))
            if self.random.random() < 0.1:
                self.world.send(Signaled(node.id, node.incarnation, Signal.DONE, self.world.now))

    def _end(self, nodes) -> None:
        if nodes:
            self._ends(self.random.choice(nodes), self.random.choice(ENDS))

    def _ends(self, node, end: End) -> None:
        self.world.live.pop(node.id)
        self.world.send(Ended(node.id, node.incarnation, end, self.world.now, self.random.random(), "boom"))

    def _spawn(self, nodes) -> None:
        free = [node for node in nodes if not node.children]
        if free and len(self.world.tree.nodes) < LARGEST:
            names = self.random.sample(NAMES, self.random.randint(1, 3))
            node = self.random.choice(free)
            self.world.run(node.dn, *(self._kid(name, 2) for name in names), strategy=self._one_of(Strategy))

    def _request(self, supervisors) -> None:
        if not supervisors:
            return
        node, world = self.random.choice(supervisors), self.world
        name = (
            self.random.choice(list(node.children) or NAMES)
            if self.random.random() < 0.6
            else self.random.choice(NAMES)
        )
        kind = self.random.choice([StartChild, StartChild, RestartChild, RestartChild, TerminateChild, DeleteChild])
        request = len(world.asked) + 1
        incarnation = node.incarnation if self.random.random() < 0.95 else node.incarnation + 1
        if self.random.random() < 0.02:
            world.asked[request] = None
            world.send(StopSupervisor(request, node.id, incarnation, self.random.choice(WAYS), world.now))
            return
        what = world._birth(self._kid(name, 2)) if kind is StartChild else name
        world.asked[request] = None
        world.send(kind(request, node.id, incarnation, what, world.now))

    def _one_of(self, kind):
        return self.random.choice(list(kind))

    def _kid(self, name: str, depth: int) -> Kid:
        if name != "root" and self.random.random() < 0.35 and depth < 4:
            return self._supervisor(name, depth)
        return Kid(name, self._policy(self.random.choice([0.0, 0.2, 1.0, 5.0, None])))

    def _lasting(self, kid: Kid) -> Kid:
        """Such that most stories do not end before they are told."""
        supervision = replace(kid.policy.supervision, max_restarts=100, auto_shutdown=AutoShutdown.NEVER)
        return replace(kid, policy=replace(kid.policy, supervision=supervision))

    def _policy(self, shutdown) -> Policy:
        return Policy(
            restart=self._one_of(Restart),
            shutdown=shutdown,
            backoff=Backoff(initial=self.random.choice([0.0, 0.5])),
            significant=self.random.random() < 0.3,
            start_timeout=self.random.choice([None, 0.0, 2.0, 60.0]),
            killable=self.random.random() < 0.3,
        )

    def _supervisor(self, name: str, depth: int) -> Kid:
        is_dynamic = self.random.random() < 0.3
        supervision = Supervision(
            strategy=Strategy.ONE_FOR_ONE if is_dynamic else self._one_of(Strategy),
            max_restarts=self.random.choice([0, 1, 3, 10]),
            max_seconds=self.random.choice([1.0, 5.0]),
            auto_shutdown=self._one_of(AutoShutdown),
            dynamic=is_dynamic,
            max_children=self.random.choice([None, 2]) if is_dynamic else None,
        )
        policy = self._policy(self.random.choice([None, None, 0.0, 3.0]))
        names = [] if is_dynamic else self.random.sample(NAMES, self.random.randint(0, 4))
        kids = tuple(self._kid(each, depth + 1) for each in names)
        return Kid(name, replace(policy, supervision=supervision), kids)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_story_keeps_every_rule(seed):
    print(f"SEED={seed}")  # noqa: T201 - shown when it fails
    Story(seed).tell()
