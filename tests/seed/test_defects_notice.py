"""The tests of the tests of defects: each of them fails over an engine that has the defect."""

from __future__ import annotations

from functools import partial
from inspect import signature

import pytest

from . import faults
from . import faults_around as around
from . import test_defects_of_contexts as contexts
from . import test_defects_of_lifetime as lifetime
from . import test_defects_of_reports as reports
from . import test_defects_of_restarts as restarts
from .stage import Stage
from .test_every_defect_has_a_test import DEFECTS

IMPATIENT = 0.5
"""Seconds of real time after which a test over a defect has seen enough; without it each of its steps takes milliseconds."""

BAD_NAME = partial(contexts.test_a_bad_name_is_refused_where_it_is_written_and_harms_nobody, bad="a.b")
RETURNS = partial(
    restarts.test_whatever_ends_after_a_cancel_is_canceled_and_back_at_once, ends=restarts.returns, error=None
)
RAISES = partial(
    restarts.test_whatever_ends_after_a_cancel_is_canceled_and_back_at_once,
    ends=restarts.raises,
    error="ConnectionError",
)

SHOWN = [
    ("B1", BAD_NAME, around.names_are_searched_for_a_good_part, "not seen: refused"),
    (
        "B2",
        contexts.test_a_signal_of_an_earlier_incarnation_is_refused_and_has_no_effect,
        around.stale_contexts_count,
        "isinstance",
    ),
    ("B2", contexts.test_an_earlier_incarnation_starts_no_children, around.stale_contexts_count, "isinstance"),
    (
        "B3",
        contexts.test_after_any_failed_call_every_other_call_works,
        around.lock_is_kept_after_a_failure,
        "has not come back",
    ),
    (
        "B3",
        contexts.test_a_context_whose_node_is_no_more_blocks_nobody,
        around.lock_is_kept_after_a_failure,
        "has not come back",
    ),
    (
        "B7",
        restarts.test_a_node_that_was_healthy_for_long_still_backs_off_when_it_dies_again_and_again,
        faults.backoff_gives_up_after_fifteen_minutes,
        "is not None",
    ),
    (
        "B7",
        restarts.test_a_node_that_has_been_dying_for_an_hour_is_still_restarted_after_the_longest_wait,
        faults.backoff_gives_up_after_fifteen_minutes,
        "is not None",
    ),
    (
        "B8",
        restarts.test_a_node_that_is_healthy_for_a_moment_and_dies_waits_longer_each_time_if_it_has_to_prove_itself,
        faults.healthy_resets_at_once,
        "== approx",
    ),
    ("B9", RETURNS, faults.return_after_a_cancel_is_a_death, "no event: Canceled root.a#1"),
    ("B10", RAISES, faults.error_after_a_cancel_is_a_death, "no event: Canceled root.a#1"),
    (
        "B11",
        restarts.test_no_member_of_a_group_starts_before_the_last_old_one_has_ended,
        faults.group_has_no_barrier,
        "'DEAD'",
    ),
    (
        "B12",
        restarts.test_one_that_does_not_listen_is_named_and_its_parent_restarts_once_it_has_ended,
        faults.nobody_is_stuck,
        "assert False",
    ),
    (
        "B13",
        lifetime.test_ten_shutdowns_of_ten_runnables_leave_no_thread,
        around.helper_is_left_behind,
        "threads are left: otp: release",
    ),
    (
        "B13'",
        lifetime.test_a_tree_that_is_done_ends_by_itself_and_its_stop_leaves_no_thread,
        around.helper_is_left_behind,
        "threads are left: otp: release",
    ),
    (
        "B14",
        lifetime.test_a_system_that_was_asked_to_stop_before_it_was_started_stops,
        around.stop_before_the_start_is_forgotten,
        "has not stopped",
    ),
    (
        "B15",
        lifetime.test_the_first_death_can_be_had_as_an_exception,
        faults.deaths_are_never_propagated,
        "has not stopped",
    ),
    ("B19", lifetime.test_an_idle_tree_waits_without_a_timeout, around.loop_ticks, "assert"),
    ("B19", lifetime.test_nobody_walks_over_the_tree_while_nobody_looks_at_it, around.every_event_is_a_walk, "assert"),
    (
        "B21",
        restarts.test_a_child_may_be_told_never_or_only_after_failures_to_start_again,
        faults.temporary_is_restarted,
        "no event: Removed root.temporary",
    ),
    (
        "B21",
        restarts.test_one_node_may_be_restarted_from_outside_and_its_group_stays,
        faults.restart_takes_the_group_along,
        "'b'",
    ),
    ("B22", lifetime.test_a_group_starts_in_the_order_in_which_it_is_written, faults.group_starts_backwards, "root.r0"),
    ("B22", lifetime.test_a_stop_ends_one_after_the_other_the_last_started_first, faults.stop_has_no_order, "assert"),
    ("B24", reports.test_the_jitter_takes_nothing_from_the_global_dice, around.dice_are_global, "assert"),
    (
        "B25",
        reports.test_a_death_and_the_restart_after_it_are_logged_at_the_node_that_died,
        around.deaths_are_logged_at_the_supervisor,
        "'supervisor'",
    ),
    (
        "2b",
        restarts.test_two_members_that_always_fail_wait_as_long_as_each_would_alone,
        faults.death_of_a_sibling_ends_the_backoff,
        "assert",
    ),
    (
        "2b metrics",
        reports.test_a_node_that_its_reborn_parent_has_not_started_is_gone_from_every_view,
        around.forgotten_nodes_are_shown,
        "root.parent.two",
    ),
    (
        "2b order",
        reports.test_the_events_of_each_node_come_in_order_however_many_signal_at_once,
        around.starts_are_told_late,
        " after ",
    ),
    ("2b stop", reports.test_a_stop_is_told_to_the_end, around.stop_is_not_told, "root.a"),
    (
        "2b root",
        reports.test_a_root_that_returns_without_done_runs_once_and_fails_where_deaths_are_propagated,
        faults.deaths_are_never_propagated,
        "has not stopped",
    ),
    (
        "2b warning",
        restarts.test_what_holds_up_a_restart_is_told_once_and_with_everybody_who_does,
        faults.each_blocker_is_told_by_itself,
        "== 1",
    ),
]
"""Of each: the defect, its test, the fault that makes the engine have it, and what the test says then."""


def name(value) -> str:
    return value if isinstance(value, str) else getattr(value, "__name__", "")


@pytest.mark.parametrize(("defect", "test", "fault", "says"), SHOWN, ids=name)
def test_a_test_of_a_defect_fails_over_an_engine_that_has_it(defect, test, fault, says):
    stage = Stage(IMPATIENT)
    with pytest.MonkeyPatch.context() as patch:
        mend = fault(patch)
        if mend is not None:
            stage.at_end(mend)
        more = {"monkeypatch": patch} if "monkeypatch" in signature(test).parameters else {}
        with pytest.raises((AssertionError, TimeoutError), match=says):
            test(stage, **more)
    stage.abandon()
    assert defect in DEFECTS


SHOWN_BY_STORIES = {"B4", "B5", "B6"}
"""See `test_stories_notice`."""
OF_RUNNABLES = {"B16", "B17", "B18"}
"""Not of the engine."""
NOT_SHOWN = {"B20", "B23"}
"""The one is about what the engine does not do, the other about processes of their own, where no fault can be put."""


def test_every_defect_that_can_be_put_into_the_engine_has_been():
    assert {defect for defect, *_ in SHOWN} | SHOWN_BY_STORIES | OF_RUNNABLES | NOT_SHOWN == DEFECTS.keys()
