"""The world of the tests of behaviour supervisors: that of the decision's tests, with supervisors in it.

A tree is written as `sup("root", child("a"), sup("s", child("b")), strategy=...)`. The world does what the engine does
for supervisors: it names their initial children as soon as they are started, and ends them as soon as they are canceled.
After each event it counts everything anew and compares (`check`): counts, timers, ids that nobody has forgotten,
requests that nobody has answered, starts that overtake, and things that could go on and do not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import pytest

from otp.tree.decision import count_children, decide, which_children
from otp.tree.decision.messages import (
    Answer,
    Arm,
    Birth,
    Cancel,
    Canceling,
    Cause,
    DeleteChild,
    End,
    Ended,
    Finish,
    Forget,
    Removed,
    RestartChild,
    Spawned,
    Start,
    StartChild,
    StopSupervisor,
    TerminateChild,
    Verdict,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.otp.record import Job, Status
from otp.tree.decision.policy import Policy, Restart, Strategy, Supervision
from tests.decision.conftest import World as PlainWorld

PERMANENT, TRANSIENT, TEMPORARY = Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY


@dataclass(frozen=True)
class Kid:
    """A child to be, and what it starts with if it is a supervisor."""

    name: str
    policy: Policy = field(default_factory=Policy)
    kids: tuple[Kid, ...] = ()


def child(name: str, restart: Restart = PERMANENT, **policy) -> Kid:
    return Kid(name, Policy(restart, **policy))


def sup(name: str, *kids: Kid | str, policy: Policy | None = None, **supervision) -> Kid:
    policy = replace(policy or Policy(shutdown=None), supervision=Supervision(**supervision))
    return Kid(name, policy, tuple(kid if isinstance(kid, Kid) else child(kid) for kid in kids))


def dynamic(name: str, policy: Policy | None = None, **supervision) -> Kid:
    return sup(name, policy=policy, dynamic=True, **supervision)


class World(PlainWorld):
    """One tree with supervisors; see the module."""

    def __init__(self, root: Kid | None = None, *, propagate: bool = False) -> None:
        root = root or Kid("root")
        self.kids: dict[int, Kid] = {1: root}
        self.known = {1}  # nodes that the engine has and has not been told to forget
        self.asked: dict[int, int | None] = {}  # request: the node to be born by it
        self.answers: dict[int, Answer] = {}
        self.finishes: list[Finish] = []
        self.told: list[str] = []
        self._reactions: deque = deque()
        self._restarting = None
        super().__init__(root.policy, propagate=propagate)
        self.told_at_first += self._react()

    # --- events

    def run(self, dn, *children, strategy=Strategy.ONE_FOR_ALL, incarnation=None):
        """A plain runnable asks for one group of children."""
        node = self.node(dn)
        births = tuple(self._birth(kid if isinstance(kid, Kid) else child(kid)) for kid in children)
        return self.send(Spawned(node.id, incarnation or node.incarnation, strategy, births, self.now))

    def start_child(self, dn: str, kid: Kid | str) -> int:
        birth = self._birth(kid if isinstance(kid, Kid) else child(kid))
        return self._ask(StartChild, dn, birth)

    def restart_child(self, dn: str, name: str) -> int:
        return self._ask(RestartChild, dn, name)

    def terminate_child(self, dn: str, name: str) -> int:
        return self._ask(TerminateChild, dn, name)

    def delete_child(self, dn: str, name: str) -> int:
        return self._ask(DeleteChild, dn, name)

    def stop_sup(self, dn: str, end: End = End.RETURNED, *, incarnation: int | None = None, **more) -> int:
        """Ask a supervisor to end."""
        node = self.node(dn)
        request = len(self.asked) + 1
        self.asked[request] = None
        self.send(StopSupervisor(request, node.id, incarnation or node.incarnation, end, self.now, **more))
        return request

    def verdict(self, request: int) -> Verdict | None:
        """The answer to a request; `None`: it has not been answered yet."""
        answer = self.answers.get(request)
        return None if answer is None else answer.verdict

    def admit(self, dn: str, *kids: Kid | str) -> None:
        """`start_child`, and they are healthy."""
        for kid in kids:
            request = self.start_child(dn, kid)
            self.up()
            assert self.verdict(request) is Verdict.OK

    def up(self) -> None:
        """All that are starting become healthy, and those that start because of that."""
        while fresh := [node.dn for node in self.tree.nodes.values() if self._is_starting(node)]:
            self.healthy(*fresh)

    def turns(self) -> list[str]:
        """What waits for the next turn of the loop happens."""
        return self.passes(0.0)

    def crash_and_up(self, dn: str) -> None:
        self.dies(dn)
        self.up()

    def _is_starting(self, node) -> bool:
        return node.state is NodeState.NEW and node.supervisor is None and not node.doomed

    def _ask(self, kind: type, dn: str, what) -> int:
        node = self.node(dn)
        request = len(self.asked) + 1
        self.asked[request] = what.node if kind is StartChild else None
        self.send(kind(request, node.id, node.incarnation, what, self.now))
        return request

    def send(self, event):
        self.told = super().send(event)
        actions = self.last
        self.told += self._react()
        self.last = actions + self._reacted
        return self.told

    # --- looking

    def rows(self, dn: str) -> dict[str, str]:
        return {row.name: row.state.value for row in which_children(self.tree, self.node(dn).id)}

    def counts(self, dn: str) -> tuple[int, int, int, int]:
        return tuple(count_children(self.tree, self.node(dn).id))

    def why(self) -> list[str]:
        """Why supervisors have ended by their own decision, and because of whom."""
        return [finish.why.value if finish.name is None else f"{finish.why} {finish.name}" for finish in self.finishes]

    # --- what the engine does

    def _birth(self, kid: Kid) -> Birth:
        self._ids += 1
        self.kids[self._ids] = kid
        self.known.add(self._ids)
        return Birth(self._ids, kid.name, kid.policy)

    def _react(self) -> list[str]:
        told: list[str] = []
        self._reacted = []
        while self._reactions:
            reaction = self._reactions.popleft()
            if isinstance(reaction, Start):
                births = tuple(self._birth(kid) for kid in self.kids[reaction.node].kids)
                told += self._feed(Spawned(reaction.node, reaction.incarnation, Strategy.ONE_FOR_ONE, births, self.now))
            else:
                del self.live[reaction.node]
                told += self._feed(Ended(reaction.node, reaction.incarnation, End.LEFT, self.now, self.draw))
        return told

    def _feed(self, event) -> list[str]:
        self.tree, actions = decide(self.tree, event)
        self._reacted += actions
        last, told = self.last, self._carry_out(actions, event)
        self.last = last
        return told

    def _carry_out(self, actions, event=None):
        self.last = actions
        told = []
        for action in actions:
            if hasattr(action, "incarnation") and type(action).__name__ in {"Start", "Cancel", "Kill"}:
                told.append(self._tell(action))
            else:
                self._note(action)
        if isinstance(event, Spawned):
            self._forget_refused(event)
        if self.checks:
            check(self)
        return told

    def _forget_refused(self, event: Spawned) -> None:
        for birth in event.births:
            if birth.node not in self.tree.nodes and birth.node not in self.tree.kept:
                self.known.discard(birth.node)

    def _tell(self, action):
        told = super()._tell(action)
        node = self.tree.nodes[action.node]
        if isinstance(action, Start):
            self._no_overtaking(node)
        if node.policy.supervision is not None and isinstance(action, (Start, Cancel)):
            self._reactions.append(action)
        return told

    def _no_overtaking(self, node) -> None:
        """Nothing starts while an old member of what is restarted, or anything below it, still runs (R7, R11)."""
        assert not [other for other in self.live if other != node.id and self.dns[other].startswith(f"{node.dn}.")]
        record = None if node.parent is None else node.parent.supervisor
        if record is None or record.task is None or record.task.job is not Job.RESTART:
            return
        task, strategy = record.task, record.supervision.strategy
        if task is self._restarting:
            return  # those before it have been started again since, and may have died since
        self._restarting = task
        names = list(record.specs)
        if strategy is Strategy.REST_FOR_ONE:
            names = names[names.index(task.spec.node.name) :]
        if strategy is Strategy.ONE_FOR_ONE or task.cause is Cause.RESTART:
            names = [node.name]
        for name in names:
            other = record.specs[name].node
            assert not (other.doomed and other.open), f"{node.dn} starts while {other.dn} has not ended"

    def _note(self, action):
        assert isinstance(action, Arm) or getattr(action, "at", self.now) == self.now
        match action:
            case Canceling(dns, cause, by):
                assert cause in Cause
                assert {by, *dns} <= set(self.dns.values())
            case Removed(dn, incarnation):
                assert [self.reported[node][1] for node in self.reported if self.dns[node] == dn] == [incarnation]
            case Arm(timer, at):
                assert timer not in self.timers
                assert at >= self.now
                self.timers[timer] = at
            case Forget(nodes):
                for node in nodes:
                    assert node not in self.live, f"{self.dns[node]} runs and is forgotten"
                    self.known.remove(node)
                    self.reported.pop(node, None)
            case Answer(request):
                assert request in self.asked
                assert request not in self.answers, "answered twice"
                self.answers[request] = action
            case Finish(node, incarnation):
                assert self.live.pop(node) == incarnation
                self.finishes.append(action)
                below = [other for other in self.live if self.dns[other].startswith(f"{self.dns[node]}.")]
                assert not below, "it has ended before its children"
            case _:
                super()._note(action)


def check(world: World) -> None:
    """Count everything anew, and compare."""
    tree = world.tree
    nodes = list(tree.nodes.values())
    found = [tree.root]
    for node in found:
        found.extend(node.children.values())
    if tree.nodes:  # a TEMPORARY root leaves
        assert sorted(tree.nodes) == sorted(node.id for node in found)
    assert all(tree.kept[node].id == node for node in tree.kept)
    assert not tree.due
    assert not tree.awake
    assert {node.id: (node.state, node.incarnation) for node in nodes} == {
        node: told for node, told in world.reported.items() if node in tree.nodes
    }
    assert tree.counts == {state: sum(node.state is state for node in nodes) for state in NodeState}
    assert {node.id: node.incarnation for node in nodes if node.running} == world.live
    assert tree.running == len(world.live)
    assert tree.doomed == sum(node.doomed for node in nodes)
    assert tree.stuck == sum(node.stuck for node in nodes)
    assert tree.timers.keys() == world.timers.keys()
    assert all(purpose.timer == timer for timer, purpose in tree.timers.items())
    for node in nodes:
        _check_node(world, node)
        if node.supervisor is not None and node.running:
            _check_supervisor(world, node)
    if tree.nodes and all(node.state is NodeState.DONE for node in nodes):
        assert tree.stopped
    if tree.stopped:
        assert not tree.timers
        assert tree.settled
    elif tree.stop is not None:
        assert any(node.running and not node.stuck for node in nodes), "the stop has stopped"
    _check_requests(world)


def _check_node(world: World, node) -> None:
    assert node.running == (node.state in {NodeState.NEW, NodeState.HEALTHY})
    assert node.open == node.running + sum(each.open > 0 for each in node.children.values())
    assert node.doomed or node.parent is None or not node.parent.doomed
    assert node.group.members[node.name] is node
    assert node.group.open == sum(member.doomed and member.open > 0 for member in node.group.members.values())
    assert (node.restart_at is not None) == (node.timer != 0)
    assert not node.stuck or node.running
    if node.deadline is not None:
        assert node.running
        assert node.doomed
        assert node.deadline.nodes[node.id] is node
        assert node.deadline.timer or node.stuck or node.policy.killable
    for name, each in node.children.items():
        assert (each.name, each.parent, each.dn) == (name, node, f"{node.dn}.{name}")
    if node.parent is not None and node.parent.supervisor is not None:
        assert node.restart_at is None, "a backoff below a supervisor"


def _check_supervisor(world: World, node) -> None:
    tree, record = world.tree, node.supervisor
    task = record.task
    supervision = record.supervision
    children = list(node.children.values())
    starting = [each for each in children if each.state is NodeState.NEW and not each.doomed]
    ending = [each for each in children if each.running and each.doomed and not each.stuck]
    if not node.doomed and tree.stop is None:
        assert len(starting) <= 1, "two start at once"
    if not supervision.dynamic and not node.doomed:
        assert len(ending) <= 1, "two are stopped at once"
    if record.closed:
        assert not record.queue
        assert not record.timer
        assert task is None or task.job is Job.FINISH
        assert node.doomed or node.halt is not None or tree.stop is not None or task is not None
        return
    assert node.halt is None
    assert not node.doomed
    assert tree.stop is None
    if not record.spawned:  # the engine is about to name its children
        assert node.state is NodeState.NEW
        return
    assert node.state is (NodeState.NEW if task is not None and task.job is Job.INITIAL else NodeState.HEALTHY)
    assert len(record.restarts) <= supervision.max_restarts
    assert supervision.max_children is None or len(record.specs) <= supervision.max_children
    assert [each.name for each in children] == [
        name for name, spec in record.specs.items() if spec.node.id in tree.nodes
    ]
    for spec in record.specs.values():
        assert (spec.node.id in tree.nodes) != (spec.node.id in tree.kept)
        _check_spec(tree, record, spec)
    if task is None:
        assert not record.queue or record.timer, "nobody takes what is in the queue"
    else:
        assert task.trial is not None or any(spec.node.open for spec in task.stopping), "it waits for nothing"
        tried = None if task.trial is None or task.outcome is not None else task.trial.node
        assert (task.timer != 0) == (tried is not None and tried.policy.start_timeout is not None)


def _check_spec(tree, record, spec) -> None:
    """What could go on does so."""
    node, task = spec.node, record.task
    assert node.id in tree.nodes or spec.status is Status.STOPPED
    if task is not None:
        return
    assert spec.status is not Status.STARTING
    if spec.status is Status.STOPPED:
        assert node.id in tree.kept or node.open, f"{node.dn} could leave"
        assert not spec.parting or node.open
    if spec.status is Status.RESTARTING:
        assert spec.again in record.queue or spec.again in record.parked
        assert spec.again not in record.parked or any(each.open for each in spec.again.behind)
    if spec.status is Status.STARTED and node.doomed and not node.open:
        assert any(getattr(item, "spec", None) is spec for item in record.queue), f"the end of {node.dn} is lost"


def _check_requests(world: World) -> None:
    waiting: list[int] = []
    unborn: list[int] = []
    for node in world.tree.nodes.values():
        record = node.supervisor
        if record is not None:
            queued = [item for item in record.queue if hasattr(item, "request")]
            waiting += [item.request for item in queued]
            unborn += [item.birth.node for item in queued if isinstance(item, StartChild)]
            if record.task is not None and record.task.request is not None:
                waiting.append(record.task.request)
    assert sorted(waiting) == sorted(set(world.asked) - set(world.answers)), "not one answer to each request"
    assert {*world.tree.nodes, *world.tree.kept, *unborn} == world.known, "an id is forgotten or is not"


@pytest.fixture
def plant():
    """To plant a tree."""
    return World
