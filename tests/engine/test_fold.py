"""Observation equals truth: what a tree has told, put together, is what a snapshot of it shows (I15)."""

from __future__ import annotations

import queue
import random
import threading
from dataclasses import dataclass, field

import pytest

import otp
from otp import NodeState, events

STEPS = 120
MOST_NODES = 25


@dataclass
class Told:
    """What is known of a node by events alone."""

    state: NodeState
    incarnation: int
    since: float
    last_error: str | None = None
    next_restart: float | None = None
    stuck: bool = False


@dataclass
class Fold:
    """The tree as the events tell it."""

    nodes: dict[str, Told] = field(default_factory=dict)

    def below(self, dn):
        return [each for each in self.nodes if each.startswith(f"{dn}.")]

    def end_backoffs(self, dns):
        for dn in dns:
            for each in (dn, *self.below(dn)):
                self.nodes[each].next_restart = None

    def add(self, event):  # noqa: C901 - a case for each kind
        match event:
            case events.Started(dn=dn, incarnation=incarnation, time=time):
                for gone in self.below(dn):
                    del self.nodes[gone]
                last_error = self.nodes[dn].last_error if dn in self.nodes else None
                self.nodes[dn] = Told(NodeState.NEW, incarnation, time, last_error)
            case events.Healthy(dn=dn, time=time):
                self.nodes[dn].state, self.nodes[dn].since = NodeState.HEALTHY, time
            case events.Done(dn=dn, time=time):
                self.nodes[dn].state, self.nodes[dn].since = NodeState.DONE, time
            case events.Died(dn=dn, time=time, error=error, restart_in=restart_in):
                self.end_backoffs([dn])
                again = None if restart_in is None else time + restart_in
                self.nodes[dn] = Told(NodeState.DEAD, event.incarnation, time, error, again)
            case events.Canceled(dn=dn, incarnation=incarnation, time=time):
                last_error = self.nodes[dn].last_error if dn in self.nodes else None
                self.nodes[dn] = Told(NodeState.CANCELED, incarnation, time, last_error)
            case events.Canceling(dns=dns):
                self.end_backoffs(dns)
            case events.Removed(dn=dn):
                for gone in (dn, *self.below(dn)):
                    del self.nodes[gone]
            case events.Stuck(nodes=nodes):
                for node in nodes:
                    self.nodes[node.dn].stuck = True
            case events.Stopping():
                self.end_backoffs(["root"])

    def shown(self, now):
        return {
            dn: (
                told.state,
                told.incarnation,
                told.since,
                told.last_error,
                # a backoff that is over leaves nothing to wait for but the barrier
                told.next_restart if told.next_restart is not None and told.next_restart > now else None,
                told.stuck,
            )
            for dn, told in self.nodes.items()
        }


def truth(tree, now):
    return {
        node.dn: (
            node.state,
            node.incarnation,
            node.since,
            node.last_error,
            node.next_restart if node.next_restart is not None and node.next_restart > now else None,
            node.stuck,
        )
        for node in tree.walk()
    }


class Puppets:
    """Runnables that do what they are told to, one thing at a time."""

    def __init__(self):
        self.strings = {}
        self.begun = threading.Condition()

    def __call__(self):
        """One incarnation."""
        commands, done = queue.SimpleQueue(), queue.SimpleQueue()

        def listen():
            otp.wait_canceled()
            commands.put(None)

        threading.Thread(target=otp.bind(listen)).start()
        with self.begun:
            self.strings[otp.current().dn] = (commands, done, threading.current_thread())
            self.begun.notify_all()
        while (command := commands.get()) is not None:
            command()
            done.put(None)

    def wait_for(self, dns):
        """Until the runnables of these have begun."""
        with self.begun:
            assert self.begun.wait_for(
                lambda: all(dn in self.strings and self.strings[dn][2].is_alive() for dn in dns), 5
            )

    def order(self, dn, command):
        """Have the runnable at `dn` do something that it survives."""
        commands, done, _ = self.strings[dn]
        commands.put(command)
        done.get(timeout=5)

    def end(self, dn, command):
        """Have the runnable at `dn` do its last thing, and return."""
        commands, _, thread = self.strings[dn]
        commands.put(command)
        commands.put(None)
        thread.join(5)
        assert not thread.is_alive()


def die():
    raise ZeroDivisionError


def done():
    """Of one that is NEW it is the death."""
    otp.signal(otp.Signal.DONE)


class Show:
    """A tree of puppets, and somebody who lets things happen to it at random."""

    def __init__(self, stage, clock, seed):
        self.dice = random.Random(seed)  # noqa: S311 - dice
        self.clock = clock
        self.puppets = Puppets()
        self.fold = Fold()
        self.system, self.story = stage.watch(self.puppets, clock=clock)
        self.names = iter(range(10_000))
        self.compare()

    def compare(self):
        """When nothing is left to do, fold what was told and hold it against the tree."""
        self.system._engine.settle().result(timeout=5)
        self.system._engine.flush()
        while self.story.stream._things:
            self.story.seen.append(next(self.story.stream))
            self.fold.add(self.story.seen[-1])
        now = self.clock.time()
        assert self.fold.shown(now) == truth(self.system.tree(), now)

    def step(self):
        nodes = list(self.system.tree().walk())
        new = [node.dn for node in nodes if node.state is NodeState.NEW]
        running = [node.dn for node in nodes if node.state in {NodeState.NEW, NodeState.HEALTHY}]
        self.puppets.wait_for(running)
        match self.dice.randrange(6):
            case 0 | 1 if new and len(nodes) < MOST_NODES:
                self.spawn(self.dice.choice(new))
            case 2 if new:
                self.puppets.order(self.dice.choice(new), lambda: otp.signal(otp.Signal.HEALTHY))
            case 3 if running:
                dn = self.dice.choice(running)
                # with all of the tree DONE it would be over
                self.puppets.end(dn, die if dn == "root" else self.dice.choice([die, die, done]))
            case 4:
                self.system.restart(self.dice.choice(nodes).dn)
            case _:
                self.clock.advance(self.dice.choice([0.1, 1.0, 100.0]))

    def spawn(self, dn):
        restart = self.dice.choice(list(otp.Restart))
        group = {
            f"n{next(self.names)}": otp.Child(self.puppets, restart=restart) for _ in range(self.dice.randint(1, 3))
        }
        strategy = self.dice.choice(list(otp.Strategy))
        self.puppets.order(dn, lambda: otp.run_group(group, strategy=strategy))


@pytest.mark.parametrize("number", range(4))
def test_events_fold_to_the_snapshot(stage, clock, number):
    seed = random.randrange(2**32)  # noqa: S311 - dice
    print(f"seed {seed}")  # noqa: T201 - for who wants to see it again
    show = Show(stage, clock, seed)
    for _ in range(STEPS):
        show.step()
        show.compare()
    show.system.request_stop()
    show.compare()

    assert show.fold.nodes["root"].state in {NodeState.CANCELED, NodeState.DEAD}
    assert isinstance(show.story.seen[-1], events.Stopped)
