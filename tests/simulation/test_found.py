"""What the simulation has found in the decision, each as the shortest story that shows it."""

from __future__ import annotations

import pytest

from otp.tree.decision import decide, plant
from otp.tree.decision.messages import Birth, End, Ended, RestartRequested, Signal, Signaled, Spawned, Start, Stopping
from otp.tree.decision.policy import Policy, Restart, Strategy

ROOT = 1
CHILD = 2


def tree_with_a_child(restart: Restart, *, propagate: bool):
    tree, _ = plant(Birth(ROOT, "root", Policy()), 0.0, propagate=propagate)
    births = (Birth(CHILD, "child", Policy(restart=restart)),)
    tree, _ = decide(tree, Spawned(ROOT, 1, Strategy.ONE_FOR_ALL, births, 1.0))
    return tree


@pytest.mark.parametrize("restart", Restart)
def test_the_first_death_stops_a_propagating_tree_although_nothing_lives_below_the_dead(restart):
    tree = tree_with_a_child(restart, propagate=True)

    tree, actions = decide(tree, Ended(CHILD, 1, End.RAISED, 2.0, error="ValueError: no"))

    assert Stopping(2.0) in actions
    assert not [action for action in actions if isinstance(action, Start)]


def test_nothing_is_restarted_on_request_once_the_tree_has_stopped_by_itself():
    tree = tree_with_a_child(Restart.TRANSIENT, propagate=False)
    tree, _ = decide(tree, Ended(CHILD, 1, End.RETURNED, 2.0))
    for signal in (Signal.HEALTHY, Signal.DONE):
        tree, _ = decide(tree, Signaled(ROOT, 1, signal, 3.0))
    tree, _ = decide(tree, Ended(ROOT, 1, End.RETURNED, 4.0))
    assert tree.stopped

    tree, actions = decide(tree, RestartRequested(CHILD, 5.0))

    assert actions == []
