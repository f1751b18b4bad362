"""How supervisors stop their children; supervisor_SUITE 11 to 15 and 36."""

from __future__ import annotations

import pytest

import otp

from .stage import ABNORMAL, CLEAN

HOWS = {**CLEAN, **ABNORMAL}


def test_sup_stop_infinity_waits_for_as_long_as_it_takes(stage):
    a, b = stage.parts("ab")
    a.deaf = stage.gate()
    stage.run(otp.Supervisor({"a": a(shutdown=None), "b": b(shutdown=None)}))
    stopping = stage.later(stage.system.stop)
    stage.until(otp.events.Canceled, "root.s.b")
    stage.clock.advance(1_000_000.0)
    stage.system.tree()
    assert not stopping.done()
    a.deaf.set()
    assert stopping.result(10).unstopped == ()
    assert stage.life == ["+a", "+b", "-b", "-a"]


def test_sup_stop_timeout_one_that_takes_too_long_is_stuck_and_the_others_are_stopped(stage):
    a, b, c = stage.parts("abc")
    b.deaf = stage.gate()
    stage.run(otp.Supervisor({part.name: part(shutdown=1.0) for part in (a, b, c)}))
    stopping = stage.later(stage.system.stop)
    stage.until(otp.events.Canceled, "root.s.c")
    stage.clock.advance(1.0)
    assert [node.dn for node in stage.until(otp.events.Stuck).nodes] == ["root.s.b"]
    assert stopping.result(10).unstopped == ("root.s.b",)
    assert stage.life == ["+a", "+b", "+c", "-c", "-a"]


def test_sup_stop_timeout_dynamic_each_child_has_its_own_deadline(stage):
    a, b, c = stage.parts("abc")
    a.deaf = b.deaf = stage.gate()
    sup = stage.run(otp.DynamicSupervisor())
    for part, seconds in ((a, 1.0), (b, 9.0), (c, 9.0)):
        sup.start_child(part(shutdown=seconds), name=part.name)
    stopping = stage.later(stage.system.stop)
    stage.until(otp.events.Canceled, "root.s.c")
    stage.clock.advance(1.0)
    assert [node.dn for node in stage.until(otp.events.Stuck).nodes] == ["root.s.a"]
    stage.clock.advance(7.9)
    stage.system.tree()
    assert not stopping.done()
    a.deaf.set()
    stopping.result(10)
    assert set(stage.life[3:]) == {"-a", "-b", "-c"}


def test_sup_stop_brutal_kill_is_not_waited_for(stage):
    a, b = stage.parts("ab")
    a.deaf = stage.gate()
    stage.run(otp.Supervisor({"a": a(shutdown=otp.BRUTAL_KILL), "b": b()}))
    assert stage.stop().unstopped == ("root.s.a",)
    assert stage.life == ["+a", "+b", "-b"]


def test_sup_stop_brutal_kill_dynamic(stage):
    sup = stage.run(otp.DynamicSupervisor())
    a, b = stage.parts("ab")
    a.deaf = stage.gate()
    sup.start_child(a(shutdown=otp.BRUTAL_KILL), name="a")
    sup.start_child(b(), name="b")
    assert stage.stop().unstopped == ("root.s.a",)


@pytest.mark.parametrize("restart", list(otp.Restart))
@pytest.mark.parametrize("how", HOWS)
def test_sup_stop_race_children_that_end_in_all_ways_while_they_are_stopped(stage, restart, how):
    parts = stage.parts("abcd")
    stage.run(otp.Supervisor({part.name: part(restart=restart) for part in parts}, max_restarts=10**6))
    for part in parts:
        stage.ref(f"root.s.{part.name}").send(HOWS[how])
    assert stage.stop().unstopped == ()
    assert sorted(stage.life) == sorted(["+a", "+b", "+c", "+d", "-a", "-b", "-c", "-d", *_restarts(stage)])


@pytest.mark.parametrize("restart", list(otp.Restart))
@pytest.mark.parametrize("how", HOWS)
def test_sup_stop_non_shutdown_exit_dynamic(stage, restart, how):
    parts = stage.parts("abcd")
    sup = stage.run(otp.DynamicSupervisor(max_restarts=10**6))
    refs = [sup.start_child(part(restart=restart)) for part in parts]
    for ref in refs:
        ref.send(HOWS[how])
    assert stage.stop().unstopped == ()
    assert stage.life.count("+a") == stage.life.count("-a")


def _restarts(stage) -> list[str]:
    """Those that were restarted before the stop came to them."""
    return [text for name in "abcd" for text in (f"+{name}", f"-{name}") * (stage.life.count(f"+{name}") - 1)]


def test_simple_one_for_one_shutdown_children_are_asked_to_end_all_at_once(stage):
    sup = stage.run(otp.DynamicSupervisor())
    parts = stage.parts("abc")
    gate = stage.gate()
    for part in parts:
        part.deaf = gate
        sup.start_child(part(shutdown=5.0), name=part.name)
    stopping = stage.later(stage.system.stop)
    asked = stage.until(otp.events.Canceling)
    while "root.s.a" not in asked.dns and "root.s.c" not in asked.dns:
        asked = stage.until(otp.events.Canceling)
    stage.clock.advance(4.9)
    stage.system.tree()
    stage.clock.advance(0.1)  # not three times as long
    stage.until(otp.events.Stuck)
    assert set(stopping.result(10).unstopped) == {"root.s.a", "root.s.b", "root.s.c"}


def test_supervisors_below_each_other_stop_from_the_innermost_last_one(stage):
    a, b, c, d = stage.parts("abcd")
    inner = otp.Supervisor({"b": b(), "c": c()})
    stage.run(otp.Supervisor({"a": a(), "i": inner, "d": d()}))
    stage.stop()
    assert stage.life == ["+a", "+b", "+c", "+d", "-d", "-c", "-b", "-a"]


def test_a_stop_at_once_leaves_nothing(stage):
    sup = stage.run(otp.Supervisor({part.name: part() for part in stage.parts("abc")}))
    stage.system.request_stop(now=True)
    stage.system.join(10)
    assert sorted(stage.life) == ["+a", "+b", "+c", "-a", "-b", "-c"]
    with pytest.raises(otp.NoProcessError):
        sup.which_children()
