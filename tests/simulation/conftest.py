"""What several tests of the simulation share."""

from __future__ import annotations

import pytest

from otp.testing.simulate import simulate

SEEDS = range(20)
EVENTS = 1000


@pytest.fixture
def found():
    """The first seed in which a rule is broken, or None; `supervised` is the share of trees with behaviour supervisors."""

    def first(*, supervised=0.0):
        outcomes = (simulate(seed, EVENTS, supervised) for seed in SEEDS)
        return next((outcome for outcome in outcomes if outcome.rule is not None), None)

    return first
