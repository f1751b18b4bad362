"""What a call of the façade is checked for, in the caller's own thread, before the tree hears of it (R1, R2, R10)."""

from __future__ import annotations

import queue
import threading

import pytest

import otp
from otp import Signal


@pytest.fixture
def said(stage):
    """What a runnable that does `act` says about it, as (what came of it, the children it has then)."""

    def ask(act):
        outcome = queue.SimpleQueue()

        def runnable():
            try:
                act()
            except otp.OtpError as error:
                outcome.put(f"{type(error).__name__}: {error}")
            else:
                outcome.put("nothing")
            otp.wait_canceled()

        system = stage.start(stage.parent_of(a=runnable))
        result = outcome.get(timeout=5)
        return result, [child.name for child in system.node("root.a").children]

    return ask


def test_children_are_started_before_a_signal_is_given_and_not_after(stage, said):
    def act():
        otp.run("early", stage.serve)
        otp.signal(Signal.HEALTHY)
        otp.run("late", stage.serve)

    assert said(act) == (
        "NotNewError: root.a has signaled HEALTHY: children are started before that",
        ["early"],
    )


@pytest.mark.parametrize(
    ("signals", "complaint"),
    [
        ([Signal.DONE], "root.a cannot signal DONE: it has signaled nothing yet"),
        ([Signal.HEALTHY] * 2, "root.a cannot signal HEALTHY: it has signaled HEALTHY already"),
        ([Signal.HEALTHY, Signal.DONE, Signal.DONE], "root.a cannot signal DONE: it has signaled DONE already"),
        ([Signal.HEALTHY, Signal.DONE, Signal.HEALTHY], "root.a cannot signal HEALTHY: it has signaled DONE already"),
    ],
)
def test_an_illegal_signal_is_an_error_of_who_gives_it(said, signals, complaint):
    def act():
        for signal in signals:
            otp.signal(signal)

    assert said(act) == (f"IllegalSignalError: {complaint}", [])


def test_a_group_of_which_one_cannot_be_started_is_not_started_at_all(stage, said):
    def act():
        otp.run("taken", stage.serve)
        otp.run_group(dict.fromkeys(["one", "taken", "two"], stage.serve))

    assert said(act) == ("DuplicateNameError: root.a has a child 'taken' already", ["taken"])


def test_a_group_with_a_name_that_is_none_is_not_started_at_all(stage, said):
    def act():
        otp.run_group(dict.fromkeys(["one", "two.three"], stage.serve))

    complaint, children = said(act)
    assert complaint.startswith("InvalidNameError: root.a cannot have a child 'two.three'")
    assert children == []


def test_an_empty_group_is_a_group(said):
    assert said(lambda: otp.run_group({})) == ("nothing", [])


def test_children_and_sub_loggers_share_their_names(stage, said):
    def child_first():
        otp.run("x", stage.serve)
        otp.sub_logger("x")

    def sub_logger_first():
        otp.sub_logger("x")
        otp.sub_logger("x")
        otp.run("x", stage.serve)

    assert said(child_first) == ("DuplicateNameError: root.a has a child 'x' already", ["x"])
    assert said(sub_logger_first) == ("DuplicateNameError: root.a has a sub-logger 'x' already", [])


STALE_CALLS = {
    "run": lambda: otp.run("late", print),
    "run_group": lambda: otp.run_group({"late": print}),
    "signal": lambda: otp.signal(Signal.HEALTHY),
    "sub_logger": lambda: otp.sub_logger("late"),
    "raw_logger": otp.raw_logger,
}


@pytest.mark.parametrize("call", STALE_CALLS.values(), ids=STALE_CALLS)
def test_what_outlives_its_incarnation_is_refused_even_if_the_next_one_has_the_same_number(stage, call):
    """By identity: the parent is restarted, and its child is number 1 again."""
    helper_may_go, outcome, helpers = stage.gate(), [], []

    def child():
        def late():
            helper_may_go.wait()
            try:
                call()
            except otp.StaleIncarnationError as error:
                outcome.append(str(error))
            outcome.append(otp.canceled())
            otp.logger().info("still works")

        if not helpers:
            helpers.append(threading.Thread(target=otp.bind(late)))
            helpers[0].start()
        stage.serve()

    system, story = stage.watch(stage.parent_of(a=stage.parent_of(b=child)))
    system.wait_healthy(5)
    system.restart("root.a")
    story.until(otp.events.Canceling)
    story.until(otp.events.Healthy, "root.a.b", incarnation=1)
    system.wait_healthy(5)
    helper_may_go.set()
    helpers[0].join()

    assert outcome == ["incarnation 1 of root.a.b has ended", True]
    assert system.node("root.a.b").children == ()
    assert system.node("root.a.b").state is otp.NodeState.HEALTHY


def test_a_wait_that_times_out_leaves_nothing_behind(stage):
    counts = queue.SimpleQueue()

    def waits():
        otp.signal(Signal.HEALTHY)
        assert not otp.wait_canceled(0.001)
        counts.put(len(otp.tree.incarnation.here()._wakers))
        otp.wait_canceled()

    stage.start(waits)

    assert counts.get(timeout=5) == 0


def test_many_wait_for_one_cancel(stage):
    woken = threading.Semaphore(0)
    ready = threading.Barrier(9)

    def waits():
        def helper():
            ready.wait()
            otp.wait_canceled()
            woken.release()

        helpers = [threading.Thread(target=otp.bind(helper)) for _ in range(8)]
        for thread in helpers:
            thread.start()
        ready.wait()
        otp.signal(Signal.HEALTHY)
        for thread in helpers:
            thread.join()

    system = stage.start(waits)
    system.wait_healthy(5)
    system.stop()

    assert all(woken.acquire(timeout=5) for _ in range(8))


def test_outside_of_a_runnable_the_facade_says_what_to_do():
    with pytest.raises(otp.NotInRunnableError, match=r"a thread of your own needs `otp\.bind`"):
        otp.canceled()
