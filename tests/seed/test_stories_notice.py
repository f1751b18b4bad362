"""The tests of the seed's tests: each of them fails over the decisions that it is about, when those are taken wrongly."""

from __future__ import annotations

import pytest

from . import faults, test_resilience, test_restarts, test_simple
from .stage import Stage

IMPATIENT = 0.5
"""Seconds of real time after which a story over a fault has seen enough; without a fault, each of its steps takes
milliseconds."""
IMPATIENT_BESIDE_BUSY = 2.0
"""The same beside a thread that does not let go of the GIL, where they take a tenth of a second."""

SIBLING = "test_its_sibling_is_canceled_and_restarts_while_it_waits_for_its_backoff"
PANICS = test_simple.TestPanic, SIBLING
SIMPLE = test_simple.TestSimple, "test_both_members_of_a_group_become_healthy_and_the_root_is_done"
FAILS = test_simple.TestSimpleFailure, SIBLING
DEEP = test_simple.TestDeepFailure, SIBLING
WHOLE = test_simple.TestDeepFailure, "test_its_whole_subtree_is_canceled_and_comes_back"
LEVELS = test_simple.TestMultipleLevelFailure, "test_both_trees_come_back_after_a_failure_within_a_failure"
BACKOFF = test_restarts.TestBackoff, "test_each_death_in_a_row_waits_longer_and_becoming_healthy_starts_over"
JITTER = test_restarts.TestBackoff, "test_the_jitter_stays_within_half_of_the_wait"
PARENT = test_restarts.TestCancelRestart, "test_a_parent_that_fails_does_not_wait_for_the_backoff_of_its_child"
DELAY = test_restarts.TestDoneDelay, "test_a_node_that_has_signaled_done_holds_its_parent_until_it_returns"
SISTER = test_restarts.TestCancelDoneSibling, "test_a_member_that_was_done_starts_again_with_its_group"
RESILIENCE = (
    test_resilience.TestResilience,
    "test_a_good_runnable_answers_and_restarts_beside_four_nasty_ones",
)
EXAMPLE = test_resilience.TestExampleNew, "test_a_child_is_done_at_once_while_the_root_ticks_until_it_is_canceled"
METRICS = test_resilience.TestMetrics, "test_every_state_of_every_node_can_be_seen_and_is_told"

NOTICED = [
    (SIMPLE, faults.group_starts_only_its_first, "not seen: two is healthy"),
    (SIMPLE, faults.done_is_a_death, "no event: Done root#1|not seen: (one|two) is healthy"),
    (FAILS, faults.group_is_not_canceled, "not seen: one has ended as asked"),
    (FAILS, faults.canceled_member_waits_for_the_backoff_of_the_dead_one, "not seen: one is healthy"),
    (FAILS, faults.nothing_is_restarted, "not seen: one is healthy"),
    (FAILS, faults.backoff_is_ignored, "assert 0.25 <= "),
    (DEEP, faults.group_is_not_canceled, "not seen: one has ended as asked"),
    (DEEP, faults.children_are_not_canceled, "not seen: one is healthy"),
    (WHOLE, faults.children_are_not_canceled, "no event: Started root.one#2"),
    (PANICS, faults.panic_is_not_caught, "not seen: one has ended as asked"),
    (PANICS, faults.group_is_not_canceled, "not seen: one has ended as asked"),
    (LEVELS, faults.group_is_not_canceled, "no event: Started root.one.beside#2"),
    (LEVELS, faults.children_are_not_canceled, "no event: Started root.one.beside#2"),
    (LEVELS, faults.nothing_is_restarted, "no event: Started root.one.beside#2"),
    (BACKOFF, faults.backoff_never_grows, "assert .* == approx"),
    (BACKOFF, faults.backoff_never_resets, "assert 3.79.* == 0.5 "),
    (BACKOFF, faults.backoff_is_ignored, "assert .* == approx"),
    (JITTER, faults.backoff_never_grows, "assert .* <= "),
    (PARENT, faults.pending_backoff_is_not_ended_by_the_death_of_the_parent, "incarnation 2 of outer did not start"),
    (PARENT, faults.nothing_is_restarted, "incarnation 2 of outer did not start"),
    (DELAY, faults.done_at_the_signal, "DONE before it has returned"),
    (SISTER, faults.done_sibling_is_not_restarted, "not seen: the child of done has ended"),
    (SISTER, faults.children_are_not_canceled, "not seen: the child of done has ended"),
    (RESILIENCE, faults.group_is_not_canceled, "no event: Canceled root.one#1"),
    (RESILIENCE, faults.panic_is_not_caught, "no event: Canceled root.one#1"),
    (RESILIENCE, faults.nothing_is_restarted, "no event: Healthy root.one#2"),
    (EXAMPLE, faults.done_is_a_death, "no event: Done root.child#1"),
    (METRICS, faults.cancels_are_not_told, "no event: Canceled root.two#1"),
    (METRICS, faults.dead_shows_as_new, "one:DEAD"),
]


def name(value) -> str:
    if isinstance(value, tuple):
        return value[0].__name__
    return value.__name__ if callable(value) else ""


@pytest.mark.parametrize(("story", "fault", "noticed"), NOTICED, ids=name)
def test_a_story_fails_over_a_decision_that_is_broken(story, fault, noticed):
    cls, method = story
    stage = Stage(IMPATIENT_BESIDE_BUSY if story is RESILIENCE else IMPATIENT)
    with pytest.MonkeyPatch.context() as patch:
        mend = fault(patch)
        if mend is not None:
            stage.at_end(mend)
        with pytest.raises((AssertionError, TimeoutError), match=noticed):
            getattr(cls(), method)(stage)
    stage.abandon()


def test_every_story_is_tried_with_some_fault():
    stories = {
        value
        for module in (test_resilience, test_restarts, test_simple)
        for value in vars(module).values()
        if isinstance(value, type) and value.__name__.startswith("Test")
    }

    assert {story[0] for story, _, _ in NOTICED} == stories
