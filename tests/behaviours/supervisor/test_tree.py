"""Supervisors below and above others, and at the root; supervisor_SUITE 38."""

from __future__ import annotations

import pytest

import otp

from .stage import BoomError, crash, done, states


def test_tree_the_end_of_an_inner_supervisor_renews_all_and_what_was_added_to_it_is_lost(stage):
    a, b, c, x = stage.parts("abcx")
    inner = otp.Supervisor({"b": b(), "c": c()}, max_restarts=1, max_seconds=1000.0)
    middle = otp.Supervisor({"inner": inner})
    stage.run(otp.Supervisor({"a": a(), "middle": middle}, strategy=otp.Strategy.ONE_FOR_ALL, max_restarts=0))
    below = stage.asking("root.s.middle.inner")
    below.start_child("x", x())
    stage.crash("root.s.middle.inner.b")
    assert states(below.which_children()) == {"b": "running", "c": "running", "x": "running"}
    stage.life.clear()
    stage.end("root.s.middle.inner.b", crash)
    stage.gone("root.s.middle.inner")
    stage.healthy()
    assert stage.life == ["-b", "-x", "-c", "+b", "+c"]
    assert states(below.which_children()) == {"b": "running", "c": "running"}
    assert stage.system.node("root.s.middle.inner").incarnation == 2
    assert a.incarnations == [1]


def test_tree_a_top_that_is_one_for_all_takes_all_along(stage):
    a, b, d = stage.parts("abd")
    inner = otp.Supervisor({"b": b()}, max_restarts=0)
    stage.run(otp.Supervisor({"a": a(), "i": inner, "d": d()}, strategy=otp.Strategy.ONE_FOR_ALL))
    stage.end("root.s.i.b", crash)
    stage.gone("root.s.i")
    stage.healthy()
    assert stage.life == ["+a", "+b", "+d", "-b", "-d", "-a", "+a", "+b", "+d"]


def test_a_transient_inner_supervisor_that_gave_up_is_not_restarted(stage):
    b = stage.part("b")
    inner = otp.Child(otp.Supervisor({"b": b()}, max_restarts=0), restart=otp.Restart.TRANSIENT)
    sup = stage.run(otp.Supervisor({"i": inner}))
    stage.end("root.s.i.b", crash)
    stage.gone("root.s.i")
    assert states(sup.which_children()) == {"i": "stopped"}


def test_below_a_plain_node_one_that_gave_up_waits_for_its_backoff(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"a": a()}, max_restarts=0))
    stage.end("root.s.a", crash)
    died = stage.until(otp.events.Died, "root.s")
    assert died.restart_in == 1.0
    assert "gave up" in died.error
    assert stage.life == ["+a", "-a"]
    stage.clock.advance(1.0)
    stage.until(otp.events.Healthy, "root.s")
    assert stage.life == ["+a", "-a", "+a"]


def test_a_child_of_a_supervisor_can_run_children_by_the_plain_rules(threads):
    def parent() -> None:
        otp.run_group({"x": threads.part("x")()})
        otp.signal(otp.Signal.HEALTHY)
        otp.receive()()

    threads.run(otp.Supervisor({"p": otp.Child(parent)}))
    threads.end("root.s.p.x", crash)
    threads.clock.advance(1.0)
    threads.until_noted("+x", 2)
    threads.ref("root.s.p").send(crash)
    threads.until_noted("+x", 3)
    threads.healthy()
    assert threads.system.node("root.s.p").incarnation == 2


# --- at the root -----------------------------------------------------------------------------------------------------


def test_a_root_that_gives_up_stops_the_system_and_join_raises(stage):
    a, b = stage.parts("ab")
    sup = stage.run_as_root(otp.Supervisor({"a": a(), "b": b()}, max_restarts=0))
    stage.ref("root.a").send(crash)
    with pytest.raises(otp.SupervisorExitError, match="root") as caught:
        stage.system.join(10)
    assert caught.value.reason is otp.Reason.SHUTDOWN
    assert caught.value.__cause__ is None
    assert stage.life == ["+a", "+b", "-a", "-b"]
    assert stage.system.node("root").state is otp.NodeState.DEAD
    with pytest.raises(otp.NoProcessError):
        sup.count_children()


def test_whoever_waits_for_a_root_that_gives_up_is_told_why(stage):
    stage.run_as_root(otp.Supervisor({"a": stage.part("a", crash)()}), wait=False)
    with pytest.raises(otp.SystemNotRunningError) as caught:
        stage.healthy()
    assert isinstance(caught.value.__cause__, otp.SupervisorExitError)


def test_auto_shutdown_of_the_root_is_a_stop_in_good_order(stage):
    a = stage.part("a")
    child = a(restart=otp.Restart.TRANSIENT, significant=True)
    stage.run_as_root(otp.Supervisor({"a": child}, auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT))
    stage.ref("root.a").send(done)
    stage.system.join(10)
    assert stage.system.stop().unstopped == ()


def test_a_root_that_is_stopped_raises_nothing(stage):
    stage.run_as_root(otp.Supervisor({"a": stage.part("a")()}))
    assert stage.stop().unstopped == ()
    stage.system.join(10)
    assert stage.life == ["+a", "-a"]


def test_a_dynamic_supervisor_at_the_root(stage):
    sup = stage.run_as_root(otp.DynamicSupervisor(max_restarts=0))
    ref = sup.start_child(stage.part("a")())
    ref.send(crash)
    with pytest.raises(otp.SupervisorExitError):
        stage.system.join(10)


def fails() -> None:
    raise BoomError


def ends() -> None:
    otp.signal(otp.Signal.HEALTHY)
    otp.signal(otp.Signal.DONE)


def test_main_returns_1_when_the_root_gives_up(capsys):
    assert otp.main(otp.Supervisor({"a": fails})) == 1
    said = capsys.readouterr().err
    assert "otp: the root gave up: SupervisorExitError" in said


def test_main_returns_0_when_the_root_shuts_itself_down():
    child = otp.Child(ends, restart=otp.Restart.TRANSIENT, significant=True)
    assert otp.main(otp.Supervisor({"a": child}, auto_shutdown=otp.AutoShutdown.ALL_SIGNIFICANT)) == 0
