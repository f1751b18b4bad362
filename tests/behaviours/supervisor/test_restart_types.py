"""What becomes of a child that ends by itself: its type and the reason decide; supervisor_SUITE 21 to 26."""

from __future__ import annotations

import pytest

import otp

from .stage import ABNORMAL, CLEAN, counts, crash, returns, states

ALL = {**CLEAN, **ABNORMAL}
STRATEGIES = [otp.Strategy.ONE_FOR_ALL, otp.Strategy.REST_FOR_ONE]


@pytest.mark.parametrize("how", ALL)
def test_permanent_normal_permanent_shutdown_permanent_abnormal_is_restarted_every_time(stage, how):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a()}))
    stage.end("root.s.a", ALL[how])
    stage.healthy()
    assert stage.life == ["+a", "-a", "+a"]
    assert a.incarnations == [1, 2]
    assert counts(sup.count_children()) == (1, 1, 0, 1)


@pytest.mark.parametrize("how", CLEAN)
def test_transient_normal_transient_shutdown_is_not_restarted_and_its_spec_is_kept(stage, how):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TRANSIENT)}))
    stage.end("root.s.a", CLEAN[how])
    assert counts(sup.count_children()) == (1, 0, 0, 1)
    assert states(sup.which_children()) == {"a": "stopped"}
    assert sup.which_children()["a"].ref is None
    assert sup.restart_child("a") == stage.ref("root.s.a")
    assert stage.life == ["+a", "-a", "+a"]


def test_transient_abnormal_is_restarted(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TRANSIENT)}))
    stage.crash("root.s.a")
    assert stage.life == ["+a", "-a", "+a"]


@pytest.mark.parametrize("how", ALL)
def test_temporary_normal_temporary_shutdown_temporary_abnormal_is_gone(stage, how):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TEMPORARY)}))
    stage.end("root.s.a", ALL[how])
    stage.until(otp.events.Removed, "root.s.a")
    assert counts(sup.count_children()) == (0, 0, 0, 0)
    with pytest.raises(otp.NoSuchChildError):
        sup.get_childspec("a")
    with pytest.raises(otp.NoSuchNodeError):
        stage.system.node("root.s.a")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_temporary_bystander_is_stopped_and_not_restarted_and_the_supervisor_lives(stage, strategy):
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"a": a(), "b": b(restart=otp.Restart.TEMPORARY)}, strategy=strategy))
    stage.crash("root.s.a")
    assert stage.life == ["+a", "+b", "-a", "-b", "+a"]
    assert states(sup.which_children()) == {"a": "running"}
    assert stage.system.node("root.s").state is otp.NodeState.HEALTHY
    assert stage.system.node("root.s").incarnation == 1


def test_multiple_restarts_slower_than_the_intensity_are_survived(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"a": a()}, max_restarts=1, max_seconds=1.0))
    for _ in range(5):
        stage.crash("root.s.a")
        stage.clock.advance(1.001)
    assert len(a.incarnations) == 6
    assert stage.system.node("root.s").incarnation == 1


def test_as_many_restarts_as_there_may_be_are_survived_and_the_next_one_within_the_seconds_inclusive_is_not(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"a": a()}, max_restarts=2, max_seconds=1.0))
    stage.crash("root.s.a")
    stage.crash("root.s.a")
    stage.clock.advance(1.0)
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert stage.life == ["+a", "-a", "+a", "-a", "+a", "-a"]


def test_with_no_restarts_the_first_crash_is_the_end(stage):
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"a": a(), "b": b()}, max_restarts=0))
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert stage.life == ["+a", "+b", "-a", "-b"]
    with pytest.raises(otp.NoProcessError):
        sup.count_children()


def test_a_transient_child_that_returns_without_a_word_has_ended_well(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TRANSIENT)}))
    stage.end("root.s.a", returns)
    assert states(sup.which_children()) == {"a": "stopped"}


def test_there_is_no_backoff_below_a_supervisor_even_if_one_was_asked_for(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"a": a(backoff=otp.Backoff(initial=60.0))}))
    stage.crash("root.s.a")  # and no time has passed
    assert a.incarnations == [1, 2]
