"""Calls that race everything else: each ends in a value or in a documented error, and no reply reaches the wrong caller."""

from __future__ import annotations

import random

import pytest

from .race import Race, switching

TURNS = pytest.mark.parametrize("turns", [None, 1e-6], ids=["as-usual", "short-turns"])
"""How long a thread has the interpreter, in seconds."""
LATEST = 0.1
"""Seconds after its timeout at which a call must have ended, but for those that the machine gives to other processes. With short
turns a thread that is woken waits longer for its turn: nobody is made to hand it over."""


@pytest.fixture
def seed():
    """Drawn, and printed for whoever wants to see it again."""
    return random.randrange(2**32)  # noqa: S311 - dice


@TURNS
def test_every_call_ends_and_has_its_own_reply(seed, turns):
    with switching(turns):
        outcome = Race(seed, 3_000).run()
    assert not outcome.found, "\n".join(outcome.lines())
    assert outcome.ends["value"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@TURNS
def test_every_one_of_a_hundred_thousand_calls_ends_in_time_and_has_its_own_reply(seed, turns, capsys):
    with switching(turns):
        outcome = Race(seed, 100_000).run()
    with capsys.disabled():
        print("", *outcome.lines(), sep="\n")  # noqa: T201 - the figures are what it is run for
    assert not outcome.found
    assert turns is not None or outcome.own <= LATEST
