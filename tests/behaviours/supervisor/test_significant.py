"""Supervisors that end with their significant children; supervisor_SUITE 45 to 47."""

from __future__ import annotations

import pytest

import otp

from .stage import ABNORMAL, CLEAN, counts, crash, done, states

ANY, EVERY = otp.AutoShutdown.ANY_SIGNIFICANT, otp.AutoShutdown.ALL_SIGNIFICANT
TEMPORARY, TRANSIENT = otp.Restart.TEMPORARY, otp.Restart.TRANSIENT


@pytest.mark.parametrize("auto_shutdown", [ANY, EVERY])
@pytest.mark.parametrize("restart", [TEMPORARY, TRANSIENT])
def test_nonsignificant_temporary_and_nonsignificant_transient_end_and_the_supervisor_lives(
    stage, restart, auto_shutdown
):
    a, b = stage.parts("ab")
    children = {"a": a(restart=restart), "b": b(restart=TRANSIENT, significant=True)}
    sup = stage.run(otp.Supervisor(children, auto_shutdown=auto_shutdown))
    stage.end("root.s.a", done)
    assert sup.count_children().active == 1
    assert stage.life == ["+a", "+b", "-a"]


@pytest.mark.parametrize("how", [*CLEAN, *ABNORMAL])
def test_significant_temporary_ends_the_supervisor_however_it_ends(stage, how):
    a, b = stage.parts("ab")
    children = {"a": a(), "b": b(restart=TEMPORARY, significant=True)}
    stage.run_as_root(otp.Supervisor(children, auto_shutdown=ANY))
    stage.ref("root.b").send({**CLEAN, **ABNORMAL}[how])
    stage.system.join(10)
    assert stage.life == ["+a", "+b", "-b", "-a"]


@pytest.mark.parametrize("how", CLEAN)
def test_significant_transient_ends_the_supervisor_when_it_ends_well(stage, how):
    a, b = stage.parts("ab")
    children = {"a": a(), "b": b(restart=TRANSIENT, significant=True)}
    stage.run_as_root(otp.Supervisor(children, auto_shutdown=ANY))
    stage.ref("root.b").send(CLEAN[how])
    stage.system.join(10)
    assert stage.life == ["+a", "+b", "-b", "-a"]


def test_significant_transient_that_crashes_is_restarted(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"a": a(restart=TRANSIENT, significant=True)}, auto_shutdown=ANY))
    stage.crash("root.s.a")
    assert stage.life == ["+a", "-a", "+a"]


def test_all_significant_waits_for_the_last_of_them(stage):
    a, b, c = stage.parts("abc")
    significant = {"a": a(restart=TRANSIENT, significant=True), "b": b(restart=TEMPORARY, significant=True)}
    sup = stage.run_as_root(otp.Supervisor({**significant, "c": c()}, auto_shutdown=EVERY))
    stage.end("root.a", done)
    assert counts(sup.count_children()) == (3, 2, 0, 3)
    stage.ref("root.b").send(crash)
    stage.system.join(10)
    assert stage.life == ["+a", "+b", "+c", "-a", "-b", "-c"]


@pytest.mark.parametrize("how", [*CLEAN, *ABNORMAL])
@pytest.mark.parametrize("auto_shutdown", [ANY, EVERY])
@pytest.mark.parametrize("restart", [TEMPORARY, TRANSIENT])
def test_significant_temporary_and_significant_transient_end_it_exactly_by_the_rule(stage, restart, auto_shutdown, how):
    a, b, c = stage.parts("abc")
    both = {part.name: part(restart=restart, significant=True) for part in (a, b)}
    sup = stage.run_as_root(otp.Supervisor({**both, "c": c()}, auto_shutdown=auto_shutdown))
    counting = restart is TEMPORARY or how in CLEAN
    stage.end("root.a", {**CLEAN, **ABNORMAL}[how])
    if counting and auto_shutdown is EVERY:
        assert sup.count_children().active == 2  # b is still there
        stage.ref("root.b").send({**CLEAN, **ABNORMAL}[how])
    if counting:
        stage.system.join(10)
        assert stage.life[-1:] == ["-c"] if auto_shutdown is EVERY else stage.life[-2:] == ["-c", "-b"]
    else:
        stage.healthy()
        assert stage.life == ["+a", "+b", "+c", "-a", "+a"]
        assert counts(sup.count_children()) == (3, 3, 0, 3)


@pytest.mark.parametrize("auto_shutdown", [ANY, EVERY])
def test_significant_escalation_goes_up_through_as_many_levels_as_are_significant(stage, auto_shutdown):
    child = stage.part("a")(restart=TRANSIENT, significant=True)
    for _ in range(3):
        inner = otp.Supervisor({"x": child}, auto_shutdown=auto_shutdown)
        child = otp.Child(inner, restart=TRANSIENT, significant=True)
    stage.run_as_root(otp.Supervisor({"x": child, "b": stage.part("b")()}, auto_shutdown=auto_shutdown))
    stage.ref("root.x.x.x.x").send(done)
    stage.system.join(10)
    assert stage.life == ["+a", "+b", "-a", "-b"]


def test_significant_escalation_ends_where_a_supervisor_is_not_significant(stage):
    inner = otp.Supervisor({"a": stage.part("a")(restart=TRANSIENT, significant=True)}, auto_shutdown=ANY)
    outer = {"i": otp.Child(inner, restart=TRANSIENT), "b": stage.part("b")(restart=TRANSIENT, significant=True)}
    sup = stage.run(otp.Supervisor(outer, auto_shutdown=ANY))
    stage.end("root.s.i.a", done)
    stage.gone("root.s.i")
    assert states(sup.which_children()) == {"i": "stopped", "b": "running"}


def test_a_significant_child_that_is_terminated_does_not_count(stage):
    a, b = stage.parts("ab")
    children = {"a": a(restart=TRANSIENT, significant=True), "b": b()}
    sup = stage.run(otp.Supervisor(children, auto_shutdown=ANY))
    sup.terminate_child("a")
    assert counts(sup.count_children()) == (2, 1, 0, 2)


@pytest.mark.parametrize("strategy", [otp.Strategy.ONE_FOR_ALL, otp.Strategy.REST_FOR_ONE])
@pytest.mark.parametrize("restart", [TEMPORARY, TRANSIENT])
def test_significant_bystander_that_is_stopped_by_its_siblings_restart_does_not_count(stage, strategy, restart):
    a, b = stage.parts("ab")
    children = {"a": a(), "b": b(restart=restart, significant=True)}
    stage.run(otp.Supervisor(children, strategy=strategy, auto_shutdown=ANY))
    stage.crash("root.s.a")
    assert stage.life[:5] == ["+a", "+b", "-a", "-b", "+a"]
    assert stage.system.node("root.s").incarnation == 1


def test_significant_simple_there_are_none_below_a_dynamic_supervisor(stage):
    sup = stage.run(otp.DynamicSupervisor())
    with pytest.raises(ValueError, match="significant"):
        sup.start_child(otp.Child(stage.serve, restart=TRANSIENT, significant=True))


def test_significant_escalation_the_end_of_an_inner_supervisor_ends_the_outer(stage):
    a, b = stage.parts("ab")
    inner = otp.Supervisor({"b": b(restart=TRANSIENT, significant=True)}, auto_shutdown=ANY)
    outer = {"a": a(), "i": otp.Child(inner, restart=TRANSIENT, significant=True)}
    stage.run_as_root(otp.Supervisor(outer, auto_shutdown=ANY))
    stage.ref("root.i.b").send(done)
    stage.system.join(10)
    assert stage.life == ["+a", "+b", "-b", "-a"]


def test_a_permanent_inner_supervisor_that_shut_itself_down_is_restarted(stage):
    b = stage.part("b")
    inner = otp.Supervisor({"b": b(restart=TRANSIENT, significant=True)}, auto_shutdown=ANY)
    stage.run(otp.Supervisor({"i": inner}))
    stage.end("root.s.i.b", done)
    stage.until_noted("+b", 2)
    stage.healthy()
    assert stage.system.node("root.s.i").incarnation == 2


def test_one_that_was_started_later_is_significant_too(stage):
    sup = stage.run_as_root(otp.Supervisor({}, auto_shutdown=ANY))
    sup.start_child("a", stage.part("a")(restart=TRANSIENT, significant=True))
    stage.ref("root.a").send(done)
    stage.system.join(10)
