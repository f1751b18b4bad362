"""`Ref.stop` of supervisors: as of servers, after their children, and by the reason that is given."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

import otp

from .stage import PATIENCE, BoomError, crash, states

BOOM = BoomError("enough")
CLEAN = [otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("enough")]
ABNORMAL = ["anything", BOOM]


def inner(stage, restart=otp.Restart.TRANSIENT, **more):
    """A supervisor `i` of children `a` and `b` below another one."""
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"i": otp.Child(otp.Supervisor({"a": a(), "b": b()}), restart=restart, **more)}))
    return sup, stage.asking("root.s.i")


def test_its_children_end_in_reverse_and_then_it_does(stage):
    sup, i = inner(stage)
    i.stop()
    assert stage.life == ["+a", "+b", "-b", "-a"]
    assert not i.ref.is_alive()
    assert states(sup.which_children()) == {"i": "stopped"}


def test_it_is_found_by_its_name_and_by_the_plainest_ref(stage):
    sup, i = inner(stage)
    stage.asking("root.s.i", otp.Ref).stop()
    assert states(sup.which_children()) == {"i": "stopped"}
    sup.restart_child("i")
    stage.ref("root.s.i.a").send(lambda: (otp.register("shop", i.ref), stage.note("named")))
    stage.until_noted("named")
    stage.asking("shop", otp.Ref).stop()
    assert states(sup.which_children()) == {"i": "stopped"}


def test_a_dynamic_one_stops_all_its_children(stage):
    sup = stage.run(otp.DynamicSupervisor(), restart=otp.Restart.TEMPORARY)
    for part in stage.parts("abc"):
        sup.start_child(part())
    sup.stop(otp.Reason.SHUTDOWN)
    assert sorted(stage.life) == ["+a", "+b", "+c", "-a", "-b", "-c"]
    assert not sup.ref.is_alive()


def test_and_so_does_one_of_partitions(stage):
    part = stage.part("p")
    sup = stage.run(otp.PartitionSupervisor(part(), partitions=2))
    sup.stop()
    assert stage.life == ["+p", "+p", "-p", "-p"]
    assert stage.system.node("root.s").state is otp.NodeState.DONE


@pytest.mark.parametrize("reason", [*CLEAN, *ABNORMAL])
def test_who_is_tied_to_it_sees_the_reason(threads, reason):
    sup, i = inner(threads)
    seen = []

    def watch() -> None:
        otp.trap_exit(True)  # noqa: FBT003 - as Erlang's flag
        otp.monitor(i.ref)
        otp.link(i.ref)
        otp.signal(otp.Signal.HEALTHY)
        seen.extend([otp.receive(), otp.receive()])
        threads.note("seen")
        otp.wait_canceled()

    sup.start_child("w", watch)
    i.stop(reason)
    threads.until_noted("seen")
    assert {type(each): each.reason for each in seen} == {otp.Down: reason, otp.Exit: reason}


@pytest.mark.parametrize("reason", [*CLEAN, *ABNORMAL])
@pytest.mark.parametrize("restart", list(otp.Restart))
def test_whether_a_supervisor_above_starts_it_again_is_said_by_the_reason(stage, restart, reason):
    sup, i = inner(stage, restart)
    i.stop(reason)
    stage.healthy()
    if restart is otp.Restart.PERMANENT or (restart is otp.Restart.TRANSIENT and reason in ABNORMAL):
        assert stage.life == ["+a", "+b", "-b", "-a", "+a", "+b"]
        assert stage.system.node("root.s.i").incarnation == 2
    else:
        assert states(sup.which_children()) == ({"i": "stopped"} if restart is otp.Restart.TRANSIENT else {})


def test_a_significant_one_takes_along_whoever_is_above_it(stage):
    a, b = stage.parts("ab")
    child = otp.Child(otp.Supervisor({"a": a()}), restart=otp.Restart.TRANSIENT, significant=True)
    children = {"b": b(), "i": child}
    stage.run_as_root(otp.Supervisor(children, auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT))
    stage.asking("root.i").stop()
    stage.system.join(PATIENCE)
    assert stage.life == ["+b", "+a", "-a", "-b"]


def test_a_normal_end_below_a_plain_parent_is_for_good(stage):
    sup = stage.run(otp.Supervisor({"a": stage.part("a")()}))
    sup.stop()
    assert stage.system.node("root.s").state is otp.NodeState.DONE
    stage.clock.advance(100.0)
    assert stage.life == ["+a", "-a"]


def test_any_other_below_a_plain_parent_has_it_started_again_after_its_backoff(stage):
    sup = stage.run(otp.Supervisor({"a": stage.part("a")()}))
    sup.stop("anything")
    node = stage.system.node("root.s")
    assert (node.state, node.last_error) == (otp.NodeState.DEAD, "stopped: anything")
    with pytest.raises(otp.NoProcessError):
        sup.stop()
    stage.clock.advance(1.0)
    stage.healthy()
    assert stage.life == ["+a", "-a", "+a"]


@pytest.mark.parametrize("reason", CLEAN)
def test_at_the_root_the_system_stops(stage, reason):
    sup = stage.run_as_root(otp.Supervisor({"a": stage.part("a")()}))
    sup.stop(reason)
    stage.system.join(PATIENCE)
    assert stage.life == ["+a", "-a"]


@pytest.mark.parametrize("reason", ABNORMAL)
def test_at_the_root_a_reason_that_is_a_failure_is_raised_by_join(stage, reason):
    sup = stage.run_as_root(otp.Supervisor({"a": stage.part("a")()}))
    sup.stop(reason)
    with pytest.raises(otp.SupervisorExitError, match="the supervisor root has been stopped") as caught:
        stage.system.join(PATIENCE)
    assert caught.value.reason is reason
    assert caught.value.__cause__ is (reason if reason is BOOM else None)


def test_it_is_stopped_after_it_has_started(stage):
    gate, part = stage.gate(), stage.part("a", lambda: gate.wait(PATIENCE))
    sup = stage.run(otp.Supervisor({"a": part()}), wait=False)
    stage.until_noted("+a")
    asked = stage.later(sup.stop)
    gate.set()
    asked.result(PATIENCE)
    assert stage.life == ["+a", "-a"]


def test_a_stop_that_takes_too_long_goes_on(threads):
    part = threads.part("a")
    part.deaf = threads.gate()
    sup = threads.run(otp.Supervisor({"a": part(shutdown=None)}))
    asked = threads.later(sup.ref.stop, timeout=1.0)
    threads.until(otp.events.Canceling)
    threads.clock.wait_for_sleepers(1, PATIENCE)
    threads.clock.advance(1.0)
    with pytest.raises(otp.CallTimeoutError):
        asked.result(PATIENCE)
    part.deaf.set()
    threads.until(otp.events.Done, "root.s")
    assert threads.life == ["+a", "-a"]


def test_what_is_asked_while_it_stops_finds_nobody(threads):
    part = threads.part("a")
    part.deaf = threads.gate()
    sup = threads.run(otp.Supervisor({"a": part(shutdown=None)}))
    first = threads.later(sup.ref.stop)
    threads.until(otp.events.Canceling)
    with pytest.raises(otp.NoProcessError):
        sup.start_child("b", threads.part("b")())
    second = threads.later(sup.ref.stop, otp.Reason.SHUTDOWN)
    part.deaf.set()
    first.result(PATIENCE)
    with pytest.raises(otp.OtpError) as caught:  # whether it was still there to be asked is nowhere said
        second.result(PATIENCE)
    assert isinstance(caught.value, otp.NoProcessError | otp.ServerExitError)


def test_who_asked_is_told_when_somebody_above_ends_it_meanwhile(threads):
    part = threads.part("a")
    part.deaf = threads.gate()
    sup = threads.run(otp.Supervisor({"a": part(shutdown=None)}))
    asked = threads.later(sup.ref.stop)
    threads.until(otp.events.Canceling)
    threads.system.request_stop()
    part.deaf.set()
    with pytest.raises(otp.ServerExitError) as caught:
        asked.result(PATIENCE)
    assert caught.value.reason is otp.Reason.SHUTDOWN


def test_a_crash_meanwhile_restarts_nothing(threads):
    a, b = threads.parts("ab")
    b.deaf = threads.gate()
    sup = threads.run(otp.Supervisor({"a": a(), "b": b(shutdown=None)}))
    asked = threads.later(sup.ref.stop)
    threads.until(otp.events.Canceling)
    threads.ref("root.s.a").send(crash)
    threads.until_noted("-a")
    b.deaf.set()
    asked.result(PATIENCE)
    assert threads.life == ["+a", "+b", "-a", "-b"]


def test_a_child_that_stops_its_supervisor_ends_before_it(threads):
    ended = []

    def child() -> None:
        otp.signal(otp.Signal.HEALTHY)
        otp.receive()
        try:
            otp.ref("root.s").stop()
        except otp.Canceled as error:
            ended.append(str(error))
            raise

    sup = threads.run(otp.Supervisor({"c": otp.Child(child, shutdown=None)}))
    threads.ref("root.s.c").send("go")
    threads.until(otp.events.Done, "root.s")
    assert ended == ["root.s.c is to end before root.s, whose end it waits for"]
    assert not sup.ref.is_alive()


def test_one_that_waits_for_its_own_start_is_asked_already(threads):
    asked = []

    def root() -> None:
        ref = otp.run("s", otp.Supervisor({"a": threads.part("a")()}))
        asked.append(threads.later(ref.stop, otp.Reason.SHUTDOWN))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    threads._start(root, "root", otp.Supervisor(), wait=False)
    threads.until(otp.events.Died, "root.s")
    asked[0].result(PATIENCE)
    assert threads.life in (["+a", "-a"], [])


def test_stops_crashes_and_cancels_race_and_every_one_who_asked_is_told(threads):
    parts = threads.parts("ab")
    sup = threads.run(otp.Supervisor({"i": otp.Supervisor({part.name: part() for part in parts})}, max_restarts=10**6))
    asked = []
    for turn in range(40):
        asked += [threads.later(otp.Ref("root.s.i", threads.system).stop, f"turn {turn}") for _ in range(2)]
        threads.ref("root.s.i.a").send(crash)
        if turn % 4 == 0:
            sup.terminate_child("i")
            sup.restart_child("i")
    for future in asked:
        with suppress(otp.NoProcessError, otp.ServerExitError):
            future.result(PATIENCE)
    assert states(sup.which_children())["i"] in {"running", "restarting"}


def test_no_event_loop_is_blocked_and_no_reason_is_made_up(threads):
    sup = threads.run(otp.Supervisor({"a": threads.part("a")()}))

    async def stop() -> None:
        sup.ref.stop()

    with pytest.raises(otp.BlockingCallError):
        asyncio.run(stop())
    with pytest.raises(TypeError, match="an exit reason is a Reason"):
        sup.ref.stop(7)
    assert sup.ref.is_alive()


def test_what_a_reason_says_of_itself_is_asked_in_the_thread_of_whoever_gives_it(threads):
    asked_in = set()

    class TellingError(Exception):
        def __str__(self) -> str:
            asked_in.add(threading.current_thread())
            return "told"

    sup = threads.run(otp.Supervisor({"a": threads.part("a")()}))
    sup.ref.stop(TellingError())
    assert threads.system.node("root.s").last_error.endswith("TellingError: told")
    assert asked_in == {threading.current_thread()}


def test_a_stuck_child_runs_and_so_it_cannot_be_started(threads):
    part = threads.part("a")
    part.deaf = threads.gate()
    sup = threads.run(otp.Supervisor({"a": part(shutdown=1.0)}))
    asked = threads.later(sup.terminate_child, "a")
    threads.until(otp.events.Canceling)
    threads.system.tree()  # reads see writes: the deadline is set by now
    threads.clock.advance(1.0)
    asked.result(PATIENCE)
    assert states(sup.which_children()) == {"a": "running"}
    with pytest.raises(otp.ChildAlreadyStartedError) as caught:
        sup.start_child("a", part())
    assert caught.value.ref == threads.ref("root.s.a")
