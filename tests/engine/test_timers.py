"""The heap of timers: what is due first, and that what was disarmed costs nothing for long."""

from __future__ import annotations

import random

import pytest

from otp.tree.timers import Timers


@pytest.fixture
def timers():
    return Timers()


def due(timers, now):
    """The timers that are due, in the order in which they are given."""
    taken = []
    while (timer := timers.due(now)) is not None:
        taken.append(timer)
    return taken


def test_without_timers_nothing_is_next(timers):
    assert timers.next() is None
    assert timers.due(1e9) is None


def test_the_first_to_come_due_is_next(timers):
    timers.arm(1, 30.0)
    timers.arm(2, 10.0)
    timers.arm(3, 20.0)

    assert timers.next() == 10.0
    assert due(timers, 25.0) == [2, 3]
    assert timers.next() == 30.0


def test_a_timer_is_due_at_its_moment_and_not_before(timers):
    timers.arm(1, 10.0)

    assert timers.due(9.999) is None
    assert timers.due(10.0) == 1
    assert timers.due(10.0) is None


def test_of_timers_for_the_same_moment_the_first_armed_comes_first(timers):
    for timer in (1, 2, 3):
        timers.arm(timer, 5.0)

    assert due(timers, 5.0) == [1, 2, 3]


def test_a_disarmed_timer_never_comes_due(timers):
    timers.arm(1, 10.0)
    timers.arm(2, 20.0)
    timers.disarm(1)

    assert timers.next() == 20.0
    assert due(timers, 100.0) == [2]


def test_a_timer_that_is_not_armed_cannot_be_disarmed(timers):
    timers.arm(1, 10.0)
    assert timers.due(10.0) == 1

    with pytest.raises(KeyError):
        timers.disarm(1)


def test_timers_that_are_armed_and_disarmed_over_and_over_leave_nothing_behind(timers):
    timers.arm(0, 1e9)
    for timer in range(1, 10_000):
        timers.arm(timer, float(timer))
        timers.disarm(timer)

    assert len(timers._heap) <= 64 + 2 * 1 + 1
    assert timers.next() == 1e9


def test_clearing_away_keeps_what_is_armed(timers):
    for timer in range(300):
        timers.arm(timer, float(1000 - timer))
    for timer in range(0, 300, 3):
        timers.disarm(timer)
    for timer in range(1, 300, 3):
        timers.disarm(timer)

    assert len(timers._heap) <= 64 + 2 * 100
    assert due(timers, 1000.0) == list(range(299, 0, -3))


def test_timers_do_what_a_sorted_list_would():
    seed = random.randrange(2**32)  # noqa: S311 - dice
    dice = random.Random(seed)  # noqa: S311 - dice
    timers, armed, now = Timers(), {}, 0.0
    for timer in range(2_000):
        match dice.randrange(4):
            case 0 | 1:
                armed[timer] = now + dice.random() * 10
                timers.arm(timer, armed[timer])
            case 2 if armed:
                gone = dice.choice(list(armed))
                del armed[gone]
                timers.disarm(gone)
            case _:
                now += dice.random()
                expected = sorted((at, timer) for timer, at in armed.items() if at <= now)
                assert due(timers, now) == [timer for _, timer in expected], f"seed {seed}"
                for _, timer_due in expected:
                    del armed[timer_due]
        assert timers.next() == min(armed.values(), default=None), f"seed {seed}"
