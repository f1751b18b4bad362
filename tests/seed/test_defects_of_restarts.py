"""Defects of the seed and of its upstream around ends and restarts: what counts as a death, who waits, and for how long."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

import otp
from otp.events import Canceled, Died, Removed, Started, Stuck

from .cast import Census, becomes_healthy

MINUTE = 60.0
EXACT = otp.Backoff(jitter=0)


def die_and_wait_out(stage, diary, remote, dn) -> float:
    """The wait that follows the death of the incarnation that runs."""
    incarnation = remote.incarnation
    remote.die()
    died = diary.wait(Died, dn, incarnation)
    assert died.restart_in is not None
    stage.clock.advance(died.restart_in)
    remote.wait_incarnation(incarnation + 1)
    return died.restart_in


@pytest.mark.defect("B7")
def test_a_node_that_was_healthy_for_long_still_backs_off_when_it_dies_again_and_again(stage):
    a = stage.remote("a")
    _, diary = stage.told(lambda: otp.run("a", a), backoff=EXACT)
    a.become_healthy()
    stage.clock.advance(16 * MINUTE)

    waits = [die_and_wait_out(stage, diary, a, "root.a") for _ in range(4)]

    assert waits == pytest.approx([0.5, 0.75, 1.125, 1.6875])


@pytest.mark.defect("B7")
def test_a_node_that_has_been_dying_for_an_hour_is_still_restarted_after_the_longest_wait(stage):
    a = stage.remote("a")
    _, diary = stage.told(lambda: otp.run("a", a), backoff=EXACT)
    a.wait_incarnation(1)

    waits = [die_and_wait_out(stage, diary, a, "root.a") for _ in range(72)]

    assert sum(waits) > 60 * MINUTE
    assert waits == sorted(waits)
    assert set(waits[12:]) == {60.0}


@pytest.mark.defect("B8")
def test_a_node_that_is_healthy_for_a_moment_and_dies_waits_longer_each_time_if_it_has_to_prove_itself(stage):
    a = stage.remote("a")
    _, diary = stage.told(lambda: otp.run("a", a), backoff=otp.Backoff(jitter=0, reset_after=10.0))

    waits = []
    for _ in range(5):
        a.become_healthy()
        stage.clock.advance(9.0)
        waits.append(die_and_wait_out(stage, diary, a, "root.a"))
    assert waits == pytest.approx([0.5 * 1.5**n for n in range(5)])

    a.become_healthy()
    stage.clock.advance(10.0)
    assert die_and_wait_out(stage, diary, a, "root.a") == 0.5


def returns():
    otp.wait_canceled()


def leaves():
    otp.sleep(10 * MINUTE)


def raises():
    otp.wait_canceled()
    msg = "as `signal: killed` for a command that was killed on purpose"
    raise ConnectionError(msg)


@pytest.mark.parametrize(
    ("ends", "error"),
    [
        pytest.param(returns, None, marks=pytest.mark.defect("B9")),
        pytest.param(leaves, None, marks=pytest.mark.defect("B9")),
        pytest.param(raises, "ConnectionError", marks=pytest.mark.defect("B10")),
    ],
)
def test_whatever_ends_after_a_cancel_is_canceled_and_back_at_once(stage, ends, error):
    began, dying = stage.mark("a begins"), stage.remote("dying")
    log = stage.log()

    def a():
        began.set()
        ends()

    system, diary = stage.told(lambda: otp.run_group({"a": a, "dying": dying}))
    began.wait()
    dying.die()
    canceled = diary.wait(Canceled, "root.a")
    began.wait()

    assert diary.wait(Started, "root.a", 2).time == canceled.time
    assert (canceled.error or "").startswith(error or "")
    assert (canceled.error is None) == (error is None)
    system.stop()
    assert [event.dn for event in diary.wait_end() if isinstance(event, Died)] == ["root.dying"]
    warnings = [dn for dn, line in log.lines("WARNING") if "ConnectionError" in line]
    assert warnings == ([] if error is None else ["root.a", "root.a"])


@pytest.mark.defect("B11")
def test_no_member_of_a_group_starts_before_the_last_old_one_has_ended(stage):
    gate, census, running, lingers = stage.gate(), Census(), stage.mark("b runs"), stage.mark("b lingers")
    a = stage.remote("a")

    def b():
        with census.counted():
            running.set()
            otp.wait_canceled()
            lingers.set()
            gate.wait()

    quick = stage.mark("c is healthy")
    system, diary = stage.told(
        lambda: otp.run_group({"a": a, "b": b, "c": becomes_healthy(quick)}, strategy=otp.Strategy.ONE_FOR_ALL)
    )
    running.wait()
    quick.wait()
    a.die()
    lingers.wait()
    diary.wait(Canceled, "root.c")
    stage.clock.advance(diary.wait(Died, "root.a").restart_in)
    assert {node.name: node.state.upper() for node in system.tree().children} == {
        "a": "DEAD",
        "b": "NEW",
        "c": "CANCELED",
    }

    gate.set()
    quick.wait()
    lingering_is_over = diary.wait(Canceled, "root.b")
    again = [diary.wait(Started, f"root.{name}", 2) for name in "abc"]
    order = [diary.events.index(event) for event in (lingering_is_over, *again)]
    assert order == sorted(order)
    census.assert_one_each()


@pytest.mark.defect("B12")
def test_one_that_does_not_listen_is_named_and_its_parent_restarts_once_it_has_ended(stage):
    gate, log = stage.gate(), stage.log()
    parent, deaf = stage.remote("parent"), stage.mark("the deaf one runs")

    def does_not_listen():
        deaf.set()
        gate.wait()

    def start_and_obey():
        otp.run("deaf", does_not_listen, shutdown=3.0)
        parent()

    system, diary = stage.told(lambda: otp.run("parent", start_and_obey))
    deaf.wait()
    parent.die()
    diary.wait(Died, "root.parent")
    stage.clock.advance(2.9)
    assert not system.node("root.parent.deaf").stuck
    stage.clock.advance(0.2)

    assert system.node("root.parent.deaf").stuck
    stuck = diary.wait_for("Stuck", lambda event: isinstance(event, Stuck))
    assert [(node.dn, node.incarnation) for node in stuck.nodes] == [("root.parent.deaf", 1)]
    assert "in does_not_listen" in stuck.nodes[0].stack
    assert system.node("root.parent").state is otp.NodeState.DEAD
    gate.set()
    parent.wait_incarnation(2)
    system.stop()
    assert [dn for dn, line in log.lines("WARNING") if "root.parent.deaf" in line] == ["root.parent.deaf"]


@pytest.mark.defect("2b warning")
def test_what_holds_up_a_restart_is_told_once_and_with_everybody_who_does(stage):
    gate, log, running = stage.gate(), stage.log(), stage.mark("a blocker runs")
    parent = stage.remote("parent")

    def blocks():
        running.set()
        gate.wait()

    def start_and_obey():
        otp.run_group(dict.fromkeys(("x", "y", "z"), blocks))
        parent()

    system, diary = stage.told(lambda: otp.run("parent", start_and_obey))
    for _ in range(3):
        running.wait()
    parent.die()
    diary.wait(Died, "root.parent")
    for _ in range(10):
        stage.clock.advance(MINUTE)
        assert system.node("root.parent").state is otp.NodeState.DEAD
    gate.set()
    parent.wait_incarnation(2)
    system.stop()

    told = [line for _, line in log.lines("WARNING") if "stuck" in line]
    assert len(told) == 1
    assert all(f"root.parent.{name}" in told[0] for name in "xyz")
    assert len([event for event in diary.wait_end() if isinstance(event, Stuck)]) == 1


DEATHS = 8
QUICK = otp.Backoff(initial=0.02, jitter=0)


@pytest.mark.defect("2b")
def test_two_members_that_always_fail_wait_as_long_as_each_would_alone(stage):
    """On the real clock: nobody here decides when what happens."""

    def fails():
        msg = "always"
        raise ValueError(msg)

    system, diary = stage.told(lambda: otp.run_group({"a": fails, "b": fails}), real=True, backoff=QUICK)
    for dn in ("root.a", "root.b"):
        diary.wait_nth(Died, dn, DEATHS)
    system.stop()
    events = diary.wait_end()

    for dn in ("root.a", "root.b"):
        story = [event for event in events if isinstance(event, (Died, Started, Canceled)) and event.dn == dn]
        waits = [event.restart_in for event in story if isinstance(event, Died) and event.restart_in is not None]
        assert waits == pytest.approx([QUICK.initial * QUICK.multiplier**n for n in range(len(waits))])
        for event, following in pairwise(story):
            if isinstance(event, Died) and event.restart_in is not None and isinstance(following, Started):
                assert following.time >= event.time + event.restart_in - 1e-6
        counts = Counter(type(event) for event in story)
        # Each start ends by its own death, or by that of the other: never more than twice the deaths.
        assert counts[Started] <= 2 * (counts[Died] + 1)


@pytest.mark.defect("B21")
def test_a_child_may_be_told_never_or_only_after_failures_to_start_again(stage):
    temporary, transient = stage.remote("temporary"), stage.remote("transient")

    def start():
        otp.run("temporary", temporary, restart=otp.Restart.TEMPORARY)
        otp.run("transient", transient, restart=otp.Restart.TRANSIENT)

    system, diary = stage.told(start)
    temporary.die()
    diary.wait(Removed, "root.temporary")
    assert [node.name for node in system.tree().children] == ["transient"]

    transient.die()
    stage.clock.advance(diary.wait(Died, "root.transient").restart_in)
    transient.wait_incarnation(2)
    transient.leave()
    system.join(stage.patience)
    assert system.node("root.transient").state is otp.NodeState.DONE


@pytest.mark.defect("B21")
def test_one_node_may_be_restarted_from_outside_and_its_group_stays(stage):
    a, b = stage.remote("a"), stage.remote("b")
    system = stage.start(lambda: otp.run_group({"a": a, "b": b}))
    a.become_healthy()
    b.become_healthy()

    system.restart("root.a")
    a.wait_incarnation(2)

    assert [(node.name, node.incarnation, node.state) for node in system.tree().children] == [
        ("a", 2, otp.NodeState.NEW),
        ("b", 1, otp.NodeState.HEALTHY),
    ]
