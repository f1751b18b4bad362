"""The world of the decision's tests: it plants a tree, sends events by DN, keeps the clock and carries out the actions.

A test tells a story: `world.dies("root.a")` sends the event and returns what nodes are told by it, in order, as
`["cancel root.b#1", "start root.b#2"]`. After each event the world checks that what the tree counts is what there is,
that the reports have told the truth, and that nothing which could go on has been forgotten (`check`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otp.tree.decision import decide, plant
from otp.tree.decision.messages import (
    Arm,
    Birth,
    Cancel,
    Changed,
    Disarm,
    End,
    Ended,
    Expired,
    Forget,
    Kill,
    RestartRequested,
    Signal,
    Signaled,
    Spawned,
    Start,
    StopRequested,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Policy, Strategy

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Event
    from otp.tree.decision.model import Node


class World:
    """One tree, its clock, and the runnables that run because of it."""

    def __init__(self, policy: Policy | None = None, *, propagate: bool = False) -> None:
        self.now = 0.0
        self.checks = True  # off for large trees: what is checked is all of it
        self.draw = 0.5  # with the default jitter the backoff is then exactly what it is spread around
        self.last: list[Action] = []
        self.live: dict[int, int] = {}
        self.canceled: set[tuple[int, int]] = set()
        self.timers: dict[int, float] = {}
        self.reported: dict[int, tuple[NodeState, int]] = {}
        self.dns: dict[int, str] = {}
        self._ids = 1
        self.tree, actions = plant(Birth(1, "root", policy or Policy()), self.now, propagate=propagate)
        self.told_at_first = self._carry_out(actions)

    # --- events: each returns what nodes are told by it

    def run(
        self,
        dn: str,
        *children: str | tuple[str, Policy],
        strategy: Strategy = Strategy.ONE_FOR_ALL,
        incarnation: int | None = None,
    ) -> list[str]:
        """The runnable of `dn` asks for one group of children."""
        births = []
        for child in children:
            name, policy = child if isinstance(child, tuple) else (child, Policy())
            self._ids += 1
            births.append(Birth(self._ids, name, policy))
        node = self.node(dn)
        return self.send(Spawned(node.id, incarnation or node.incarnation, strategy, tuple(births), self.now))

    def run_each(self, dn: str, *children: str | tuple[str, Policy]) -> list[str]:
        """The runnable of `dn` starts children one by one, so that none shares the fate of another."""
        return [told for child in children for told in self.run(dn, child)]

    def healthy(self, *dns: str, incarnation: int | None = None) -> list[str]:
        return [told for dn in dns for told in self._signal(dn, Signal.HEALTHY, incarnation)]

    def done(self, *dns: str, incarnation: int | None = None) -> list[str]:
        return [told for dn in dns for told in self._signal(dn, Signal.DONE, incarnation)]

    def dies(self, dn: str, error: str = "ValueError: boom", **how) -> list[str]:
        return self.ends(dn, End.RAISED, error=error, **how)

    def returns(self, dn: str, **how) -> list[str]:
        return self.ends(dn, End.RETURNED, **how)

    def leaves(self, *dns: str) -> list[str]:
        """Runnables that listen to their cancel tokens."""
        return [told for dn in dns for told in self.ends(dn, End.LEFT)]

    def finishes(self, *dns: str) -> list[str]:
        """Runnables that have done what there was to do, and say so."""
        return [told for dn in dns for told in (*self.healthy(dn), *self.done(dn), *self.returns(dn))]

    def ends(self, dn: str, end: End, *, incarnation: int | None = None, error=None, traceback=None) -> list[str]:
        node = self.node(dn)
        incarnation = incarnation or node.incarnation
        if self.live.get(node.id) == incarnation:
            del self.live[node.id]
        return self.send(Ended(node.id, incarnation, end, self.now, self.draw, error, traceback))

    def restart(self, dn: str) -> list[str]:
        return self.send(RestartRequested(self.node(dn).id, self.now))

    def stop(self, timeout: float | None = None) -> list[str]:
        return self.send(StopRequested(timeout, self.now))

    def passes(self, seconds: float) -> list[str]:
        """Time passes, and the timers that come due meanwhile go off."""
        end = self.now + seconds
        told: list[str] = []
        actions: list[Action] = []
        while due := [(at, timer) for timer, at in self.timers.items() if at <= end]:
            self.now, timer = min(due)
            del self.timers[timer]
            told += self.send(Expired(timer, self.now))
            actions += self.last
        self.now = end
        self.last = actions
        return told

    def send(self, event: Event) -> list[str]:
        self.tree, actions = decide(self.tree, event)
        return self._carry_out(actions)

    def _signal(self, dn: str, signal: Signal, incarnation: int | None) -> list[str]:
        node = self.node(dn)
        return self.send(Signaled(node.id, incarnation or node.incarnation, signal, self.now))

    # --- looking

    def node(self, dn: str) -> Node:
        node = self.tree.find(dn)
        assert node is not None, f"there is no {dn}"
        return node

    def state(self, dn: str) -> str:
        """As `"dead#1"`: the state and the incarnation."""
        node = self.node(dn)
        return f"{node.state}#{node.incarnation}"

    def states(self) -> dict[str, str]:
        return {node.dn: self.state(node.dn) for node in self.tree.nodes.values()}

    def reports(self, kind: type) -> list:
        """What of that kind the last event, or the time that passed last, led to."""
        return [action for action in self.last if isinstance(action, kind)]

    def check(self) -> None:
        check(self)

    # --- what the engine does

    def _carry_out(self, actions: list[Action]) -> list[str]:
        self.last = actions
        told = []
        for action in actions:
            if isinstance(action, (Start, Cancel, Kill)):
                told.append(self._tell(action))
            else:
                self._note(action)
        if self.checks:
            check(self)
        return told

    def _tell(self, action: Start | Cancel | Kill) -> str:
        node, incarnation = action.node, action.incarnation
        if isinstance(action, Start):
            assert node not in self.live, f"two incarnations of {self.dns[node]} (R11)"
            self.live[node] = incarnation
        else:
            assert self.live[node] == incarnation
        if isinstance(action, Cancel):
            assert (node, incarnation) not in self.canceled, "canceled twice"
            self.canceled.add((node, incarnation))
        return f"{type(action).__name__.lower()} {self.dns[node]}#{incarnation}"

    def _note(self, action: Action) -> None:
        match action:
            case Arm(timer, at):
                assert timer not in self.timers
                assert at > self.now
                self.timers[timer] = at
            case Disarm(timer):
                del self.timers[timer]
            case Forget(nodes):
                for node in nodes:
                    assert node not in self.live, f"{self.dns[node]} runs and is forgotten"
                    del self.reported[node]
            case Changed(node, dn, incarnation, state, at):
                assert at == self.now
                self.dns[node] = dn
                self.reported[node] = (state, incarnation)


def check(world: World) -> None:
    """Count everything anew, and compare."""
    tree = world.tree
    nodes = list(tree.nodes.values())
    if tree.nodes:
        assert sorted(tree.nodes) == sorted(node.id for node in _walk(tree.root))
    assert {node.id: (node.state, node.incarnation) for node in nodes} == world.reported
    assert tree.counts == {state: sum(node.state is state for node in nodes) for state in NodeState}
    assert {node.id: node.incarnation for node in nodes if node.running} == world.live
    assert tree.running == len(world.live)
    assert tree.doomed == sum(node.doomed for node in nodes)
    assert tree.stuck == sum(node.stuck for node in nodes)
    assert tree.timers.keys() == world.timers.keys()
    assert tree.healthy == all(node.state in {NodeState.HEALTHY, NodeState.DONE} and not node.doomed for node in nodes)
    for node in nodes:
        _check_node(world, node)
    if tree.stopped:
        assert not tree.timers
        assert tree.settled
        assert all(node.stuck for node in nodes if node.running)
    elif tree.stop is not None:
        assert not tree.settled
        assert any(node.running and not node.stuck for node in nodes), "the stop has stopped"
    else:
        assert tree.settled == (not any(node.doomed for node in nodes))
        assert not all(node.state is NodeState.DONE for node in nodes)
        for node in nodes:
            assert not node.doomed or _waits(node), f"{node.dn} could go on"


def _check_node(world: World, node: Node) -> None:
    tree = world.tree
    assert node.running == (node.state in {NodeState.NEW, NodeState.HEALTHY})
    assert node.open == node.running + sum(child.open > 0 for child in node.children.values())
    assert node.doomed or node.parent is None or not node.parent.doomed
    assert node.group.members[node.name] is node
    assert node.group.open == sum(member.doomed and member.open > 0 for member in node.group.members.values())
    assert not node.wanted or node.doomed
    assert (node.restart_at is not None) == (node.timer != 0)
    if node.timer:
        assert node.state is NodeState.DEAD
        assert tree.timers[node.timer] is node
        assert world.timers[node.timer] == node.restart_at
    if node.deadline is not None:
        assert node.running
        assert node.doomed
        assert node.deadline.nodes[node.id] is node
        assert not node.deadline.timer or world.timers[node.deadline.timer] == node.deadline.at
        assert node.deadline.timer or node.stuck or node.policy.killable
    assert not node.stuck or node.running
    for name, child in node.children.items():
        assert (child.name, child.parent, child.dn) == (name, node, f"{node.dn}.{name}")


def _waits(node: Node) -> bool:
    """Whether there is something that a doomed node has to wait for."""
    if node.open or node.timer or (node.parent is not None and node.parent.doomed):
        return True
    if node.group.strategy is Strategy.ONE_FOR_ONE:
        return False
    members = list(node.group.members.values())
    earlier = members[: members.index(node)]
    return node.group.open > 0 or (
        node.group.strategy is Strategy.REST_FOR_ONE and any(member.timer for member in earlier)
    )


def _walk(root: Node) -> list[Node]:
    found = [root]
    for node in found:
        found.extend(node.children.values())
    return found


@pytest.fixture
def world() -> World:
    """A tree whose root has just been started, with the default policy."""
    return World()


@pytest.fixture
def plant_world() -> type[World]:
    """To plant a tree with another root."""
    return World
