"""Hypothesis plays with the decision under the eyes of the same observer, and shrinks what it finds to the shortest story.

Where the simulation lives as programs do, this here tries anything at any moment: every event is one step, and any step may
come next.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from otp.testing.simulation import Observer, Rule, Violation, flat, recount
from otp.tree import decision
from otp.tree.decision import restart
from otp.tree.decision.messages import (
    Arm,
    Birth,
    Disarm,
    End,
    Ended,
    Expired,
    RestartRequested,
    Signal,
    Signaled,
    Spawned,
    Start,
    StopRequested,
)
from otp.tree.decision.policy import Backoff, Policy, Restart, Strategy

PATIENCE = 500
SLOW = Backoff(initial=0.75, multiplier=2.0, jitter=0.0)
policies = st.sampled_from(
    [
        Policy(backoff=SLOW),
        Policy(backoff=Backoff(initial=0.0)),
        Policy(backoff=Backoff(initial=0.75, multiplier=2.0, maximum=1.0, jitter=1.0, reset_after=2.0)),
        Policy(shutdown=None, backoff=SLOW),
        Policy(shutdown=0.0, backoff=SLOW),
        Policy(shutdown=0.25, backoff=SLOW, killable=True),
        Policy(Restart.TRANSIENT, backoff=SLOW),
        Policy(Restart.TEMPORARY, shutdown=0.25),
    ]
)
names = st.sampled_from(["a", "b", "c", "d", "e", "a.b", ""])
groups = st.lists(st.tuples(names, policies), min_size=1, max_size=3)
which = st.integers(min_value=0, max_value=20)
seconds = st.sampled_from([0.0, 0.125, 1.0, 10.0])


class Life(RuleBasedStateMachine):
    """One tree: what its runnables do, what befalls it, and the timers that go off."""

    steps = 0
    """Events of the last machine that was run; after a failure, that is the shortest."""

    @initialize(propagate=st.booleans(), strategy=st.sampled_from(Strategy), children=groups)
    def plant(self, propagate, strategy, children):
        self.now = 0.0
        self.last_id = 1
        self.running = {}
        self.timers = {}
        self.past = []
        Life.steps = 0
        root = Birth(1, "root", Policy(backoff=SLOW))
        self.observer = Observer(root, propagate=propagate)
        self.tree, actions = decision.plant(root, self.now, propagate=propagate)
        self.twin, _ = decision.plant(root, self.now, propagate=propagate)
        self.observer.planted(actions, self.now)
        self.take(actions)
        self.spawn(1, 1, strategy, children)

    def deliver(self, event):
        Life.steps += 1
        self.sound = False
        self.tree, actions = decision.decide(self.tree, event)
        self.twin, others = decision.decide(self.twin, event)
        assert (others, flat(self.twin)) == (actions, flat(self.tree))
        self.observer.see(event, actions)
        recount(self.tree, self.observer.picture)
        self.take(actions)
        self.sound = True

    def take(self, actions):
        for action in actions:
            if isinstance(action, Start):
                assert action.node not in self.running
                self.running[action.node] = action.incarnation
            elif isinstance(action, Arm):
                self.timers[action.timer] = action.at
            elif isinstance(action, Disarm):
                del self.timers[action.timer]

    def pick(self, index):
        return list(self.running.items())[index % len(self.running)]

    @rule(seconds=seconds)
    def time_passes(self, seconds):
        self.now += seconds

    @precondition(lambda self: self.running)
    @rule(index=which, strategy=st.sampled_from(Strategy), children=groups)
    def asks_for_a_group(self, index, strategy, children):
        self.spawn(*self.pick(index), strategy, children)

    def spawn(self, node, incarnation, strategy, children):
        births = tuple(Birth(self.last_id + n, name, policy) for n, (name, policy) in enumerate(children, 1))
        self.last_id += len(births)
        self.deliver(Spawned(node, incarnation, strategy, births, self.now))

    @precondition(lambda self: self.running)
    @rule(index=which, signal=st.sampled_from(Signal))
    def signals(self, index, signal):
        self.deliver(Signaled(*self.pick(index), signal, self.now))

    @precondition(lambda self: self.running)
    @rule(index=which, end=st.sampled_from(End), draw=st.sampled_from([0.5, 0.0, 0.9]), late=seconds)
    def ends(self, index, end, draw, late):
        node, incarnation = self.pick(index)
        del self.running[node]
        self.past.append((node, incarnation))
        at = self.now
        self.now += late
        self.deliver(Ended(node, incarnation, end, at, draw, error="ValueError: no" if end is End.RAISED else None))

    @precondition(lambda self: self.timers)
    @rule(index=which)
    def a_timer_goes_off(self, index):
        timer = sorted(self.timers, key=lambda timer: self.timers[timer])[index % len(self.timers)]
        self.now = max(self.now, self.timers.pop(timer))
        self.deliver(Expired(timer, self.now))

    @rule(index=which)
    def a_restart_is_requested(self, index):
        self.deliver(RestartRequested(1 + index % self.last_id, self.now))

    @rule(timeout=st.sampled_from([None, 0.0, 1.0]), sure=st.integers(0, 4))
    def a_stop_is_requested(self, timeout, sure):
        if sure == 4:  # seldom, for nothing much happens after it
            self.deliver(StopRequested(timeout, self.now))

    @precondition(lambda self: self.past)
    @rule(index=which, kind=st.integers(0, 3))
    def an_earlier_incarnation_speaks(self, index, kind):
        past = self.past[index % len(self.past)]
        if kind < 2:
            self.deliver(Signaled(*past, tuple(Signal)[kind], self.now))
        elif kind == 2:
            self.deliver(Ended(*past, End.RAISED, self.now))
        else:
            self.spawn(*past, Strategy.ONE_FOR_ALL, [("late", Policy())])

    def teardown(self):
        """In the end all cooperate: what is canceled ends, and time passes."""
        if not getattr(self, "sound", False):  # a rule is broken, and what comes after it says nothing
            return
        for _ in range(PATIENCE):
            canceled = [index for index, node in enumerate(self.running) if self.tree.nodes[node].doomed]
            if canceled:
                self.ends(canceled[0], End.LEFT, 0.5, 0.0)
            elif self.timers:
                self.a_timer_goes_off(0)
            else:
                break
        self.observer.quiet()


CALM = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
)


def test_no_story_that_hypothesis_tells_breaks_a_rule():
    run_state_machine_as_test(Life, settings=CALM)

    assert Life.steps > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_long_story_that_hypothesis_tells_breaks_a_rule():
    run_state_machine_as_test(Life, settings=settings(CALM, max_examples=1500, stateful_step_count=80))

    assert Life.steps > 0


def test_hypothesis_shrinks_a_missing_barrier_to_its_shortest_story(monkeypatch):
    def settle(tree, node, at, out):
        if node is not None and tree.stop is None and (node.parent is None or not node.parent.doomed):
            restart._launch(tree, [member for member in node.group.members.values() if not member.open], at, out)

    monkeypatch.setattr(restart, "_settle", settle)

    with pytest.raises(Violation) as found:
        run_state_machine_as_test(Life, settings=settings(CALM, max_examples=2000, stateful_step_count=16))

    assert found.value.rule is Rule.R7
    assert Life.steps <= 5
