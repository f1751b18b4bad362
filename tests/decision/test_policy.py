"""The backoff's numbers: how long a wait is, and which numbers make no sense."""

from __future__ import annotations

import math

import pytest

from otp.tree.decision.policy import Backoff, Policy, Restart

FIELDS = ["initial", "multiplier", "maximum", "jitter", "reset_after"]


def test_a_child_is_permanent_and_has_five_seconds_to_end_unless_it_asks_for_something_else():
    assert Policy() == Policy(
        restart=Restart.PERMANENT,
        shutdown=5.0,
        backoff=Backoff(initial=0.5, multiplier=1.5, maximum=60.0, jitter=0.5, reset_after=0.0),
        significant=False,
        start_timeout=60.0,
        killable=False,
    )


@pytest.mark.parametrize("failures", [0, 1, 2, 7])
def test_each_failure_multiplies_the_wait(failures):
    assert Backoff(initial=2.0, multiplier=3.0, maximum=1e9).delay(failures, 0.5) == 2.0 * 3.0**failures


def test_the_wait_never_grows_above_the_maximum():
    assert Backoff(initial=1.0, multiplier=10.0, maximum=30.0).delay(5, 0.5) == 30.0


def test_jitter_is_applied_after_the_maximum():
    assert Backoff(initial=1.0, multiplier=10.0, maximum=30.0, jitter=0.5).delay(5, 0.9) == pytest.approx(42.0)


@pytest.mark.parametrize(("draw", "share"), [(0.0, 0.5), (0.25, 0.75), (0.5, 1.0), (0.75, 1.25)])
def test_jitter_spreads_the_wait_evenly(draw, share):
    assert Backoff(initial=4.0, jitter=0.5).delay(0, draw) == pytest.approx(4.0 * share)


def test_without_jitter_the_draw_does_not_matter():
    backoff = Backoff(initial=4.0, jitter=0.0)

    assert {backoff.delay(0, draw) for draw in (0.0, 0.3, 0.99)} == {4.0}


@pytest.mark.defect("B7")
@pytest.mark.parametrize("multiplier", [1.5, 2, 1e300])
def test_after_more_failures_than_a_float_can_hold_the_wait_is_the_maximum(multiplier):
    backoff = Backoff(multiplier=multiplier, maximum=60.0, jitter=0.5)

    assert backoff.delay(100_000, 0.5) == 60.0
    assert backoff.delay(100_000, 0.0) == 30.0


def test_an_initial_wait_of_zero_stays_zero_for_ever():
    backoff = Backoff(initial=0.0)

    assert {backoff.delay(failures, 0.7) for failures in (0, 1, 1750, 100_000)} == {0.0}


def test_a_multiplier_of_one_never_grows():
    assert Backoff(initial=0.5, multiplier=1.0).delay(10**9, 0.5) == 0.5


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["1", None, True, [1.0], 1j])
def test_what_is_no_number_is_refused_where_it_is_written(field, value):
    with pytest.raises(TypeError, match=rf"Backoff\({field}=\.\.\.\) takes a number, not {type(value).__name__}$"):
        Backoff(**{field: value})


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, -math.inf, -1])
def test_what_is_negative_or_not_finite_is_refused_where_it_is_written(field, value):
    with pytest.raises(ValueError, match=rf"^Backoff\({field}={value}\) must be finite and not negative$"):
        Backoff(**{field: value})


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [1, 1.0])
def test_whole_numbers_and_floats_are_both_numbers(field, value):
    assert getattr(Backoff(**{field: value}), field) == value


@pytest.mark.parametrize("field", ["initial", "maximum", "jitter", "reset_after"])
def test_zero_is_a_number_too(field):
    assert getattr(Backoff(**{field: 0}), field) == 0


@pytest.mark.parametrize("value", [0, 0.5, 0.999])
def test_a_multiplier_below_one_is_refused(value):
    with pytest.raises(ValueError, match=rf"^Backoff\(multiplier={value}\) must be at least 1: waits never shrink$"):
        Backoff(multiplier=value)


@pytest.mark.parametrize("value", [1.001, 2])
def test_a_jitter_above_one_is_refused(value):
    with pytest.raises(ValueError, match=rf"^Backoff\(jitter={value}\) must be between 0 and 1$"):
        Backoff(jitter=value)
