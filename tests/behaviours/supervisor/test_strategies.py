"""Whom the end of a child takes along; supervisor_SUITE 27 to 34 and 43."""

from __future__ import annotations

import pytest

import otp

from .stage import counts, crash, states

ALL, REST, ONE = otp.Strategy.ONE_FOR_ALL, otp.Strategy.REST_FOR_ONE, otp.Strategy.ONE_FOR_ONE


def run(stage, names, **flags):
    parts = stage.parts(names)
    sup = stage.run(otp.Supervisor({part.name: part() for part in parts}, **flags))
    stage.life.clear()
    return (sup, *parts)


def test_one_for_one_a_crash_leaves_the_sibling_and_the_third_one_is_the_end(stage):
    sup, a, b = run(stage, "ab", max_restarts=2, max_seconds=3600.0)
    stage.crash("root.s.a")
    assert stage.life == ["-a", "+a"]
    assert b.incarnations == [1]
    assert counts(sup.count_children()) == (2, 2, 0, 2)
    stage.crash("root.s.a")
    stage.end("root.s.b", crash)
    stage.gone("root.s")
    assert stage.life == ["-a", "+a", "-a", "+a", "-b", "-a"]
    assert a.incarnations == [1, 2, 3]


def test_one_for_one_escalation_a_restart_that_keeps_failing_ends_the_supervisor_and_the_siblings(stage):
    _, a, _ = run(stage, "ab", max_restarts=4, max_seconds=3600.0)
    a.always = crash
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert stage.life == ["-a"] + ["+a", "-a"] * 4 + ["-b"]


def test_one_for_all_everybody_is_new_and_the_third_crash_is_the_end(stage):
    sup, *parts = run(stage, "abc", strategy=ALL, max_restarts=2, max_seconds=3600.0)
    stage.crash("root.s.b")
    assert stage.life == ["-b", "-c", "-a", "+a", "+b", "+c"]
    assert [part.incarnations for part in parts] == [[1, 2]] * 3
    assert counts(sup.count_children()) == (3, 3, 0, 3)
    stage.crash("root.s.c")
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert stage.life[-3:] == ["-a", "-c", "-b"]


def test_one_for_all_escalation_a_sibling_that_cannot_be_started_again_is_the_end(stage):
    _, _, b = run(stage, "ab", strategy=ALL, max_restarts=3, max_seconds=3600.0)
    b.always = crash
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert stage.life == ["-a", "-b"] + ["+a", "+b", "-b", "-a"] * 3


def test_one_for_all_other_child_fails_restart_and_those_started_before_it_are_restarted_again(stage):
    _, a, b, c = run(stage, "abc", strategy=ALL)
    b.starts.append(crash)
    stage.crash("root.s.a")
    assert stage.life == ["-a", "-c", "-b", "+a", "+b", "-b", "-a", "+a", "+b", "+c"]
    assert (a.incarnations, b.incarnations, c.incarnations) == ([1, 2, 3], [1, 2, 3], [1, 2])


def test_rest_for_one_leaves_the_earlier_and_replaces_the_later(stage):
    sup, a, *_ = run(stage, "abc", strategy=REST)
    stage.crash("root.s.b")
    assert stage.life == ["-b", "-c", "+b", "+c"]
    assert a.incarnations == [1]
    assert states(sup.which_children()) == dict.fromkeys("abc", "running")


def test_rest_for_one_escalation_a_later_child_that_cannot_be_started_again_is_the_end(stage):
    _, _, b = run(stage, "ab", strategy=REST, max_restarts=2, max_seconds=3600.0)
    b.always = crash
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert stage.life == ["-a", "-b", "+a", "+b", "-b", "+b", "-b", "-a"]


def test_rest_for_one_other_child_fails_restart_and_only_it_and_the_later_ones_are_tried_again(stage):
    _, a, b, c = run(stage, "abc", strategy=REST)
    b.starts.append(crash)
    stage.crash("root.s.a")
    assert stage.life == ["-a", "-c", "-b", "+a", "+b", "-b", "+b", "+c"]
    assert (a.incarnations, b.incarnations, c.incarnations) == ([1, 2], [1, 2, 3], [1, 2])


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_what_terminate_child_had_stopped_is_started_anew_by_its_siblings_crash(stage, strategy):
    sup, *_ = run(stage, "abc", strategy=strategy)
    sup.terminate_child("b")
    stage.life.clear()
    stage.crash("root.s.a")
    assert stage.life == ["-a", "-c", "+a", "+b", "+c"]
    assert states(sup.which_children()) == dict.fromkeys("abc", "running")


def test_what_terminate_child_had_stopped_stays_stopped_when_only_later_ones_restart(stage):
    sup, *_ = run(stage, "abc", strategy=REST)
    sup.terminate_child("a")
    stage.crash("root.s.b")
    assert states(sup.which_children()) == {"a": "stopped", "b": "running", "c": "running"}


def test_order_of_children_is_that_of_their_start_whatever_they_are_called(stage):
    sup, *_ = run(stage, "cab")
    sup.start_child("0", stage.part("0")())
    assert list(sup.which_children()) == ["c", "a", "b", "0"]
    sup.terminate_child("a")
    sup.restart_child("a")
    assert list(sup.which_children()) == ["c", "a", "b", "0"]
    assert [node.name for node in stage.system.node("root.s").children] == ["c", "a", "b", "0"]
    stage.life.clear()
    stage.stop()
    assert stage.life == ["-0", "-b", "-a", "-c"]


def test_order_of_children_of_a_part_of_them_is_kept_in_the_restart(stage):
    run(stage, "54321", strategy=REST)
    stage.crash("root.s.2")
    assert stage.life == ["-2", "-1", "+2", "+1"]


def test_order_of_children_is_that_of_a_partial_stop_and_of_the_full_one(stage):
    sup, *_ = run(stage, "12345")
    for name in "54":
        sup.terminate_child(name)
    assert stage.life == ["-5", "-4"]
    stage.stop()
    assert stage.life == ["-5", "-4", "-3", "-2", "-1"]


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_siblings_that_end_while_a_group_is_restarted_are_restarted_once(stage, strategy):
    sup, a, b, c = run(stage, "abc", strategy=strategy, max_restarts=1)
    gate = stage.gate()
    a.starts.append(gate.wait)
    stage.ref("root.s.a").send(crash)
    stage.until_noted("+a")
    for name in "bc":
        stage.ref(f"root.s.{name}").send(crash)  # to nobody: they have been stopped
    gate.set()
    stage.healthy()
    assert [part.incarnations for part in (a, b, c)] == [[1, 2]] * 3
    assert stage.system.node("root.s").incarnation == 1
    assert counts(sup.count_children()) == (3, 3, 0, 3)
