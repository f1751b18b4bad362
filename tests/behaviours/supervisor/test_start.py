"""How a supervisor starts, and what becomes of children that do not; supervisor_SUITE 1 to 9."""

from __future__ import annotations

import pytest

import otp

from .stage import BoomError, counts, crash, done, ignore, returns, shutdown, states


def test_sup_start_normal_without_children_it_is_healthy_at_once_and_stops_in_good_order(stage):
    sup = stage.run(otp.Supervisor())
    assert stage.system.node("root.s").state is otp.NodeState.HEALTHY
    assert counts(sup.count_children()) == (0, 0, 0, 0)
    assert sup.which_children() == {}
    assert stage.stop().unstopped == ()
    assert stage.system.node("root.s").state is otp.NodeState.CANCELED


def test_children_start_in_order_each_when_the_one_before_it_is_healthy(stage):
    gate = stage.gate()
    b, a = stage.part("b", gate.wait), stage.part("a")
    sup = stage.run(otp.Supervisor({"b": b(), "a": a()}), wait=False)
    stage.until_noted("+b")
    assert states(sup.which_children()) == {"b": "running", "a": "stopped"}
    assert stage.system.node("root.s").state is otp.NodeState.NEW
    assert stage.life == ["+b"]
    gate.set()
    stage.healthy()
    assert stage.life == ["+b", "+a"]
    assert list(sup.which_children()) == ["b", "a"]


@pytest.mark.parametrize("restart", [otp.Restart.PERMANENT, otp.Restart.TRANSIENT])
def test_sup_start_ignore_child_keeps_its_spec_without_a_ref(stage, restart):
    a, b = stage.part("a", ignore), stage.part("b")
    sup = stage.run(otp.Supervisor({"a": a(restart=restart), "b": b()}))
    assert states(sup.which_children()) == {"a": "stopped", "b": "running"}
    assert sup.which_children()["a"].ref is None
    assert counts(sup.count_children()) == (2, 1, 0, 2)
    assert sup.restart_child("a") == stage.ref("root.s.a")


def test_sup_start_ignore_temporary_child_does_not_keep_its_spec(stage):
    a, b = stage.part("a", ignore), stage.part("b")
    sup = stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TEMPORARY), "b": b()}))
    assert states(sup.which_children()) == {"b": "running"}


def test_sup_start_ignore_temporary_child_start_child_gives_none_and_keeps_nothing(stage):
    sup = stage.run(otp.Supervisor())
    assert sup.start_child("a", stage.part("a", ignore)(restart=otp.Restart.TEMPORARY)) is None
    assert sup.which_children() == {}


def test_start_child_that_is_ignored_gives_none_and_keeps_the_spec_of_a_permanent_one(stage):
    sup = stage.run(otp.Supervisor())
    a = stage.part("a", ignore, ignore)
    assert sup.start_child("a", a()) is None
    assert states(sup.which_children()) == {"a": "stopped"}
    assert sup.restart_child("a") is None
    assert sup.restart_child("a") == stage.ref("root.s.a")


def test_sup_start_ignore_temporary_child_start_child_simple(stage):
    sup = stage.run(otp.DynamicSupervisor())
    assert sup.start_child(stage.part("a", ignore)()) is None
    assert sup.which_children() == []
    assert counts(sup.count_children()) == (0, 0, 0, 0)


@pytest.mark.parametrize("how", [crash, shutdown, returns])
def test_sup_start_fail_stops_in_reverse_what_was_started_and_the_supervisor_ends(stage, how):
    a, b, c, d = stage.part("a"), stage.part("b"), stage.part("c", how), stage.part("d")
    sup = stage.run(otp.Supervisor({"a": a(), "b": b(), "c": c(), "d": d()}), wait=False)
    stage.gone("root.s")
    assert stage.life == ["+a", "+b", "+c", "-c", "-b", "-a"]
    with pytest.raises(otp.NoProcessError):
        sup.which_children()


def test_sup_start_error_return_ends_a_root_with_the_name_of_the_child_and_the_reason(stage):
    c = stage.part("c", crash)
    stage.run_as_root(otp.Supervisor({"a": stage.part("a")(), "c": c()}), wait=False)
    with pytest.raises(otp.SupervisorExitError) as caught:
        stage.system.join(10)
    assert isinstance(caught.value.reason, otp.Shutdown)
    failed = caught.value.reason.detail
    assert isinstance(failed, otp.ChildStartError)
    assert failed.name == "c"
    assert isinstance(failed.reason, BoomError)
    assert failed.__cause__ is failed.reason
    assert caught.value.__cause__ is failed


def test_a_child_that_has_done_its_work_at_once_has_been_started(stage):
    a, b = stage.part("a", returns), stage.part("b")
    sup = stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TRANSIENT), "b": b()}))
    assert states(sup.which_children()) == {"a": "stopped", "b": "running"}


@pytest.mark.parametrize("how", [crash, shutdown, returns])
def test_sup_start_child_returns_error_keeps_no_spec(stage, how):
    sup = stage.run(otp.Supervisor())
    a = stage.part("a", how)
    with pytest.raises(otp.ChildStartError) as caught:
        sup.start_child("a", a())
    assert caught.value.name == "a"
    assert sup.which_children() == {}
    assert sup.start_child("a", a()) == stage.ref("root.s.a")


@pytest.mark.parametrize("how", [crash, shutdown, returns])
def test_sup_start_child_returns_error_simple(stage, how):
    sup = stage.run(otp.DynamicSupervisor())
    with pytest.raises(otp.ChildStartError):
        sup.start_child(stage.part("a", how)())
    assert sup.which_children() == []


def test_the_error_of_a_failed_start_has_its_reason(stage):
    sup = stage.run(otp.Supervisor())
    errors = {}
    for name, how in {"crash": crash, "returns": returns}.items():
        with pytest.raises(otp.ChildStartError) as caught:
            sup.start_child(name, stage.part(name, how)())
        errors[name] = caught.value
    assert isinstance(errors["crash"].reason, BoomError)
    assert errors["crash"].__cause__ is errors["crash"].reason
    assert isinstance(errors["returns"].reason, otp.UnexpectedReturnError)
    assert "root.s.crash" in str(errors["crash"])


def test_a_child_that_ends_itself_by_shutdown_while_it_starts_is_not_taken_for_one_that_took_too_long(stage):
    sup = stage.run(otp.Supervisor())
    with pytest.raises(otp.ChildStartError) as caught:
        sup.start_child("a", stage.part("a", shutdown)())
    assert caught.value.reason is otp.Reason.SHUTDOWN
    assert caught.value.__cause__ is None


def test_a_child_that_raises_when_its_start_took_too_long_is_told_as_one_that_took_too_long(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor())
    asked = stage.later(sup.start_child, "a", otp.Child(stage.raises_when_canceled(a), start_timeout=7.0))
    stage.until_noted("+a")
    stage.clock.advance(7.0)
    with pytest.raises(otp.ChildStartError) as caught:
        asked.result(10)
    assert caught.value.reason is otp.Reason.TIMEOUT
    assert stage.life == ["+a", "-a"]


@pytest.mark.parametrize("levels", [1, 2])
def test_a_supervisor_that_could_not_be_started_is_told_with_the_child_that_was_the_reason(stage, levels):
    supervisor = otp.Supervisor({"a": stage.part("a", crash)()})
    for _ in range(levels - 1):
        supervisor = otp.Supervisor({"i": supervisor})
    sup = stage.run(otp.Supervisor())
    with pytest.raises(otp.ChildStartError) as caught:
        sup.start_child("s", supervisor)
    error = caught.value
    for name in [*["i"] * (levels - 1), "a"]:
        assert isinstance(error.reason, otp.Shutdown)
        error = error.reason.detail
        assert isinstance(error, otp.ChildStartError)
        assert error.name == name
    assert isinstance(error.reason, BoomError)


def test_sup_start_restart_child_returns_error_and_the_child_stays_stopped(stage):
    a = stage.part("a", lambda: None, crash)
    sup = stage.run(otp.Supervisor({"a": a()}))
    sup.terminate_child("a")
    with pytest.raises(otp.ChildStartError) as caught:
        sup.restart_child("a")
    assert isinstance(caught.value.reason, BoomError)
    assert states(sup.which_children()) == {"a": "stopped"}
    assert sup.restart_child("a") == stage.ref("root.s.a")


def test_sup_start_map_fills_in_the_defaults(stage):
    sup = stage.run(otp.Supervisor({"a": stage.serve, "s": otp.Supervisor(), "d": otp.DynamicSupervisor()}))
    a, s, d = (sup.get_childspec(name) for name in "asd")
    assert (a.runnable, a.args) == (stage.serve, ())
    assert (a.restart, a.shutdown, a.significant, a.start_timeout) == (otp.Restart.PERMANENT, 5.0, False, None)
    assert (s.restart, s.shutdown, s.start_timeout) == (otp.Restart.PERMANENT, None, None)
    assert (d.restart, d.shutdown, d.start_timeout) == (otp.Restart.PERMANENT, None, None)
    assert [info.type.value for info in sup.which_children().values()] == ["worker", "supervisor", "supervisor"]
    with pytest.raises(otp.NoSuchChildError) as caught:
        sup.get_childspec("b")
    assert caught.value.name == "b"


def test_get_childspec_gives_the_very_child_that_was_written(stage):
    a, b = stage.part("a")(1, 2, shutdown=1.0), stage.part("b")()
    sup = stage.run(otp.Supervisor({"a": a}))
    assert sup.get_childspec("a") is a
    sup.start_child("b", b)
    assert sup.get_childspec("b") is b
    sup.terminate_child("b")
    assert sup.get_childspec("b") is b


def test_start_timeout_a_child_that_takes_too_long_is_canceled_and_its_start_has_failed(stage):
    sup = stage.run(otp.Supervisor())
    a = stage.never_healthy(stage.part("a"))
    asked = stage.later(sup.start_child, "a", otp.Child(a, start_timeout=7.0))
    stage.until_noted("+a")
    stage.clock.advance(6.9)
    stage.system.tree()
    assert not asked.done()
    stage.clock.advance(0.2)
    with pytest.raises(otp.ChildStartError) as caught:
        asked.result(10)
    assert caught.value.reason is otp.Reason.TIMEOUT
    assert stage.life == ["+a", "-a"]
    assert sup.which_children() == {}


def test_start_timeout_of_an_initial_child_ends_the_supervisor(stage):
    a = stage.never_healthy(stage.part("a"))
    stage.run_as_root(otp.Supervisor({"a": otp.Child(a, start_timeout=7.0)}), wait=False)
    stage.until_noted("+a")
    stage.clock.advance(7.0)
    with pytest.raises(otp.SupervisorExitError) as caught:
        stage.system.join(10)
    assert caught.value.reason.detail.reason is otp.Reason.TIMEOUT


def test_a_permanent_child_that_is_done_is_started_again(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor())
    assert sup.start_child("a", a()) == stage.ref("root.s.a")
    stage.end("root.s.a", done)
    stage.healthy()
    assert stage.life == ["+a", "-a", "+a"]
