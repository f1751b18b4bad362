"""Children that are added, stopped, started again and forgotten while their supervisor runs; supervisor_SUITE 17, 37, 42."""

from __future__ import annotations

import pytest

import otp
from otp.tree.incarnation import current

from .stage import counts, crash, done, states


def test_child_adm_the_whole_life_of_a_child(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor())
    ref = sup.start_child("a", a())
    assert ref == stage.ref("root.s.a")
    assert ref.is_alive()
    with pytest.raises(otp.ChildAlreadyStartedError) as already:
        sup.start_child("a", a())
    assert (already.value.name, already.value.ref) == ("a", ref)
    with pytest.raises(otp.ChildRunningError) as running:
        sup.restart_child("a")
    assert running.value.name == "a"
    with pytest.raises(otp.ChildRunningError):
        sup.delete_child("a")

    assert sup.terminate_child("a") is None
    assert stage.life == ["+a", "-a"]
    assert not ref.is_alive()
    assert sup.terminate_child("a") is None
    assert counts(sup.count_children()) == (1, 0, 0, 1)
    with pytest.raises(otp.ChildAlreadyPresentError) as present:
        sup.start_child("a", a())
    assert present.value.name == "a"

    assert sup.restart_child("a") == ref
    assert a.incarnations == [1, 2]
    sup.terminate_child("a")
    assert sup.delete_child("a") is None
    assert sup.which_children() == {}
    for call in (sup.terminate_child, sup.restart_child, sup.delete_child, sup.get_childspec):
        with pytest.raises(otp.NoSuchChildError) as missing:
            call("a")
        assert missing.value.name == "a"
    assert sup.start_child("a", a()) == ref
    assert a.incarnations == [1, 2, 1]


def test_child_adm_of_an_initial_child_is_the_same(stage):
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"a": a(), "b": b()}))
    sup.terminate_child("a")
    assert states(sup.which_children()) == {"a": "stopped", "b": "running"}
    sup.restart_child("a")
    assert states(sup.which_children()) == {"a": "running", "b": "running"}
    sup.terminate_child("a")
    sup.delete_child("a")
    assert states(sup.which_children()) == {"b": "running"}


def test_a_temporary_child_that_is_terminated_is_forgotten(stage):
    sup = stage.run(otp.Supervisor({"a": stage.part("a")(restart=otp.Restart.TEMPORARY)}))
    sup.terminate_child("a")
    assert sup.which_children() == {}
    with pytest.raises(otp.NoSuchChildError):
        sup.terminate_child("a")


def test_nothing_that_is_asked_for_counts_as_a_restart(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a()}, max_restarts=0))
    for _ in range(3):
        sup.terminate_child("a")
        sup.restart_child("a")
    stage.system.restart("root.s.a")
    stage.until_noted("+a", 5)
    stage.healthy()
    assert stage.system.node("root.s").incarnation == 1


def test_restart_of_one_child_by_the_system_leaves_its_siblings(stage):
    a, b = stage.parts("ab")
    stage.run(otp.Supervisor({"a": a(), "b": b()}, strategy=otp.Strategy.ONE_FOR_ALL, max_restarts=0))
    stage.system.restart("root.s.a")
    stage.until_noted("+a", 2)
    stage.healthy()
    assert stage.life == ["+a", "+b", "-a", "+a"]
    assert a.incarnations == [1, 2]


def test_restart_of_the_supervisor_by_the_system_starts_it_anew_without_what_was_added(stage):
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"a": a()}))
    sup.start_child("b", b())
    sup.terminate_child("a")
    stage.system.restart("root.s")
    stage.until_noted("+a", 2)
    stage.healthy()
    assert states(sup.which_children()) == {"a": "running"}
    assert stage.system.node("root.s").incarnation == 2


def test_child_unlink_one_that_traps_exits_is_terminated_all_the_same(stage):
    def trap() -> None:
        current.get().mailbox.trap_exit = True

    sup = stage.run(otp.Supervisor({"a": stage.part("a", trap)()}))
    sup.terminate_child("a")
    assert stage.life == ["+a", "-a"]


def test_a_stuck_child_does_not_hold_up_who_terminates_it_and_runs_until_it_ends(stage):
    a = stage.part("a")
    a.deaf = stage.gate()
    sup = stage.run(otp.Supervisor({"a": a(shutdown=3.0)}))
    asked = stage.later(sup.terminate_child, "a")
    stage.until(otp.events.Canceling)
    stage.clock.advance(2.9)
    stage.system.tree()
    assert not asked.done()
    stage.clock.advance(0.1)
    assert asked.result(10) is None
    assert stage.system.node("root.s.a").stuck
    with pytest.raises(otp.ChildRunningError):
        sup.restart_child("a")
    with pytest.raises(otp.ChildRunningError):
        sup.delete_child("a")
    a.deaf.set()
    stage.until(otp.events.Canceled, "root.s.a")
    assert states(sup.which_children()) == {"a": "stopped"}
    assert sup.restart_child("a") == stage.ref("root.s.a")


def test_a_child_can_terminate_its_siblings_and_start_others(threads):
    a, b, c = threads.parts("abc")
    sup = threads.run(otp.Supervisor({"a": a(), "b": b()})).ref

    def manage() -> None:
        sup.terminate_child("b")
        sup.start_child("c", c())

    threads.ref("root.s.a").send(manage)
    threads.until_noted("+c")
    threads.healthy()
    assert states(sup.which_children()) == {"a": "running", "b": "stopped", "c": "running"}


def test_a_child_that_terminates_itself_is_told_at_its_deadline(threads):
    a = threads.part("a")
    sup = threads.run(otp.Supervisor({"a": a(shutdown=3.0)})).ref
    threads.ref("root.s.a").send(lambda: sup.terminate_child("a"))
    threads.until(otp.events.Canceling)
    threads.clock.advance(3.0)
    threads.until(otp.events.Canceled, "root.s.a")
    assert states(sup.which_children()) == {"a": "stopped"}


STRATEGIES = [otp.Strategy.ONE_FOR_ONE, otp.Strategy.REST_FOR_ONE, otp.Strategy.ONE_FOR_ALL]


@pytest.fixture(params=STRATEGIES)
def looping(request, stage):
    """A supervisor whose child `a` crashes whenever it is started again; it stands that for ever."""
    a = stage.part("a", lambda: None)
    supervisor = otp.Supervisor({"a": a(), "b": stage.part("b")()}, strategy=request.param, max_restarts=10**9)
    sup = stage.run(supervisor)
    a.always = crash
    stage.ref("root.s.a").send(crash)
    stage.until_noted("+a", 3)
    sup.part = a
    return sup


def test_hanging_restart_loop_the_supervisor_serves_and_says_so(stage, looping):
    assert states(looping.which_children())["a"] == "restarting"
    assert looping.which_children()["a"].ref is None
    assert looping.count_children().specs == 2
    for call, error in [
        (lambda: looping.start_child("a", stage.serve), otp.ChildAlreadyPresentError),
        (lambda: looping.restart_child("a"), otp.ChildRestartingError),
        (lambda: looping.delete_child("a"), otp.ChildRestartingError),
    ]:
        with pytest.raises(error) as caught:
            call()
        assert caught.value.name == "a"
    assert looping.start_child("c", stage.serve) == stage.ref("root.s.c")


def test_hanging_restart_loop_rest_for_one_is_ended_by_terminate_child(stage, looping):
    assert looping.terminate_child("a") is None
    assert states(looping.which_children())["a"] == "stopped"
    looping.part.always = None
    assert looping.restart_child("a") == stage.ref("root.s.a")
    assert states(looping.which_children())["a"] == "running"


def test_hanging_restart_loop_is_ended_by_delete_after_terminate(looping):
    looping.terminate_child("a")
    looping.delete_child("a")
    assert "a" not in looping.which_children()


def test_hanging_restart_loop_ends_with_the_supervisor(stage, looping):
    assert stage.stop().unstopped == ()
    with pytest.raises(otp.NoProcessError):
        looping.which_children()


def test_hanging_restart_loop_is_over_when_the_child_can_be_started(stage, looping):
    looping.part.always = None
    stage.healthy()
    assert set(states(looping.which_children()).values()) == {"running"}


def test_what_is_asked_while_the_supervisor_is_busy_is_done_in_order_afterwards(stage):
    gate = stage.gate()
    slow = stage.part("slow", gate.wait)
    sup = stage.run(otp.Supervisor())
    first = stage.later(sup.start_child, "slow", slow())
    stage.until_noted("+slow")
    second = stage.later(sup.terminate_child, "slow")
    stage.system.tree()
    assert states(sup.which_children()) == {"slow": "running"}  # whoever only looks is answered at once
    assert not first.done()
    assert not second.done()
    gate.set()
    assert first.result(10) == stage.ref("root.s.slow")
    assert second.result(10) is None


def test_what_was_asked_is_told_no_process_when_the_supervisor_is_stopped_meanwhile(stage):
    slow = stage.never_healthy(stage.part("slow"))
    sup = stage.run(otp.Supervisor())
    asked = [stage.later(sup.start_child, "slow", otp.Child(slow, start_timeout=None))]
    stage.until_noted("+slow")
    asked += [stage.later(sup.terminate_child, "slow"), stage.later(sup.start_child, "b", stage.serve)]
    stage.stop()
    for each in asked:
        with pytest.raises(otp.NoProcessError) as caught:
            each.result(10)
        assert caught.value.ref == sup.ref


def test_a_child_that_ended_well_can_be_deleted(stage):
    sup = stage.run(otp.Supervisor({"a": stage.part("a")(restart=otp.Restart.TRANSIENT)}))
    stage.end("root.s.a", done)
    sup.delete_child("a")
    assert sup.which_children() == {}


def test_refs_are_of_the_kind_that_the_child_wants(stage):
    class CounterRef(otp.Ref):
        __slots__ = ()

    class Counter(otp.GenServer):
        ref_type = CounterRef

    sup = stage.run(otp.Supervisor({"a": Counter, "s": otp.Supervisor(), "d": otp.DynamicSupervisor()}))
    kinds = [type(info.ref) for info in sup.which_children().values()]
    assert kinds == [CounterRef, otp.SupervisorRef, otp.DynamicSupervisorRef]
    assert type(sup.start_child("b", otp.Child(Counter))) is CounterRef
    assert type(sup.start_child("t", otp.Supervisor())) is otp.SupervisorRef


def test_refs_of_children_that_are_there_already_are_of_their_own_kind(stage):
    class CounterRef(otp.Ref):
        __slots__ = ()

    class Counter(otp.GenServer):
        ref_type = CounterRef

    sup = stage.run(otp.Supervisor({"a": Counter}))
    with pytest.raises(otp.ChildAlreadyStartedError) as caught:
        sup.start_child("a", otp.Supervisor())
    assert type(caught.value.ref) is CounterRef
    sup.terminate_child("a")
    assert type(sup.restart_child("a")) is CounterRef
