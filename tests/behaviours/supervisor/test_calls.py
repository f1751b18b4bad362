"""What can be asked of whom, from where; and what is told by supervisors that are not there."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from concurrent.futures import Future

import pytest

import otp
from otp.tree.administration import Administer, Inspect
from otp.tree.decision.messages import TerminateChild

from .stage import PATIENCE, BoomError, crash, states, twins_of

SUPERVISOR = {
    "start_child": ("a", lambda: None),
    "terminate_child": ("a",),
    "restart_child": ("a",),
    "delete_child": ("a",),
    "which_children": (),
    "count_children": (),
    "get_childspec": ("a",),
}
DYNAMIC = {"start_child": (lambda: None,), "which_children": (), "count_children": ()}


def every_call(dn, system):
    for ref_type, calls in ((otp.SupervisorRef, SUPERVISOR), (otp.DynamicSupervisorRef, DYNAMIC)):
        ref = ref_type(dn, system)
        for name, args in calls.items():
            yield ref, name, args
    yield ref, "terminate_child", (otp.Ref(f"{dn}.a", system),)


def test_each_method_that_waits_has_a_twin_with_the_same_parameters():
    assert twins_of(otp.SupervisorRef) >= set(SUPERVISOR)
    assert twins_of(otp.DynamicSupervisorRef) >= {*DYNAMIC, "terminate_child"}
    for ref_type in (otp.SupervisorRef, otp.DynamicSupervisorRef):
        for name in twins_of(ref_type):
            blocking, twin = getattr(ref_type, name), getattr(ref_type, f"a{name}")
            assert inspect.iscoroutinefunction(twin)
            assert inspect.signature(blocking) == inspect.signature(twin)


def test_every_blocking_form_refuses_to_block_an_event_loop_and_does_nothing(threads):
    sup = threads.run(otp.Supervisor())

    async def ask() -> None:
        for ref, name, args in every_call("root.s", threads.system):
            with pytest.raises(otp.BlockingCallError, match=f"a{name}"):
                getattr(ref, name)(*args)

    asyncio.run(ask())
    assert sup.which_children() == {}


@pytest.mark.parametrize("dn", ["root", "root.nobody", "root.s.a", "root.s.a.b", "nonsense"])
def test_whoever_is_no_supervisor_is_no_process(threads, dn):
    threads.run(otp.Supervisor({"a": threads.serve}))
    for ref, name, args in every_call(dn, threads.system):
        with pytest.raises(otp.NoProcessError) as caught:
            getattr(ref, name)(*args)
        assert caught.value.ref is ref
        with pytest.raises(otp.NoProcessError) as caught:
            asyncio.run(getattr(ref, f"a{name}")(*args))
        assert caught.value.ref is ref


def test_a_supervisor_that_waits_for_its_backoff_is_no_process(threads):
    threads.run(otp.Supervisor({"a": threads.part("a")()}, max_restarts=0))
    threads.end("root.s.a", crash)
    threads.gone("root.s")
    for ref, name, args in every_call("root.s", threads.system):
        with pytest.raises(otp.NoProcessError):
            getattr(ref, name)(*args)


def test_in_a_system_that_has_stopped_there_is_no_process(threads):
    threads.run_as_root(otp.Supervisor({"a": threads.serve}))
    threads.stop()
    for dn in ("root", "root.a"):
        for ref, name, args in every_call(dn, threads.system):
            with pytest.raises(otp.NoProcessError):
                getattr(ref, name)(*args)
            with pytest.raises(otp.NoProcessError):
                asyncio.run(getattr(ref, f"a{name}")(*args))


def test_in_a_system_that_has_never_been_started_there_is_no_process():
    system = otp.System(otp.Supervisor())

    async def ask() -> None:
        for ref, name, args in every_call("root", system):
            with pytest.raises(otp.NoProcessError):
                await asyncio.wait_for(getattr(ref, f"a{name}")(*args), 1.0)

    asyncio.run(ask())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, in a process that has threads
def test_in_a_forked_process_there_is_no_process(threads):
    threads.run(otp.Supervisor({"a": threads.serve}))
    child = os.fork()
    if child == 0:
        signal.alarm(int(PATIENCE))  # what would wait for ever is ended by it
        told = []
        for ref, name, args in every_call("root.s", threads.system):
            try:
                getattr(ref, name)(*args)
            except BaseException as error:  # noqa: BLE001 - the parent shall know
                told.append(type(error))
        os._exit(0 if told == [otp.NoProcessError] * len([*every_call("root.s", threads.system)]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_twins_serve_in_a_runnable_on_the_trees_own_event_loop(threads):
    told = []
    part = threads.part("b")

    async def manager() -> None:
        sup = otp.SupervisorRef("root.s", threads.system)
        otp.signal(otp.Signal.HEALTHY)
        await otp.areceive()
        told.append(await sup.astart_child("b", part()))
        told.append(await sup.acount_children())
        await sup.aterminate_child("b")
        told.append(states(await sup.awhich_children()))
        told.append((await sup.aget_childspec("b")).restart)
        told.append(await sup.arestart_child("b"))
        await sup.aterminate_child("b")
        await sup.adelete_child("b")
        threads.note("done")
        await otp.areceive()

    threads.run(otp.Supervisor({"m": manager}))
    threads.ref("root.s.m").send("go")
    threads.until_noted("done")
    b = threads.ref("root.s.b")
    assert told == [
        b,
        otp.ChildCounts(specs=2, active=2, supervisors=0, workers=2),
        {"m": "running", "b": "stopped"},
        otp.Restart.PERMANENT,
        b,
    ]


def test_a_twin_that_is_canceled_leaves_what_it_asked_for_to_be_done(threads):
    gate = threads.gate()
    slow = threads.part("slow", gate.wait)
    sup = threads.run(otp.Supervisor())

    async def give_up() -> None:
        task = asyncio.ensure_future(sup.ref.astart_child("slow", slow()))
        await asyncio.to_thread(threads.until_noted, "+slow")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    gate.set()
    threads.healthy()
    assert states(sup.which_children()) == {"slow": "running"}


@pytest.mark.parametrize("dn", ["root.s", "root.nobody"])
@pytest.mark.parametrize("stopped", [False, True])
def test_an_answer_that_nobody_waits_for_any_more_harms_nobody(threads, dn, stopped):
    sup = threads.run(otp.Supervisor())
    if stopped:
        threads.stop()
    for asked in (Inspect(dn, Future()), Administer(TerminateChild, dn, "a", Future())):
        asked.answer.cancel()
        threads.system.administer(asked)
    if not stopped:
        assert sup.which_children() == {}


def test_an_event_loop_that_is_closed_before_the_answer_comes_harms_nobody(threads, caplog):
    gate = threads.gate()
    slow = threads.part("slow", gate.wait)
    sup = threads.run(otp.Supervisor())
    loop = asyncio.new_event_loop()
    task = loop.create_task(sup.ref.astart_child("slow", slow()))
    loop.run_until_complete(asyncio.sleep(0))
    threads.until_noted("+slow")
    loop.close()
    gate.set()
    threads.healthy()
    assert states(sup.which_children()) == {"slow": "running"}
    assert caplog.records == []
    task._log_destroy_pending = False  # it is what the test wants
    task.get_coro().close()


# --- mail ------------------------------------------------------------------------------------------------------------


def test_a_supervisor_takes_no_calls_they_run_into_their_timeouts(threads):
    ref = threads.run(otp.Supervisor()).ref
    asked = threads.later(ref.call, "what", 5.0)
    threads.clock.wait_for_sleepers(1, 10)
    threads.clock.advance(5.0)
    with pytest.raises(otp.CallTimeoutError):
        asked.result(10)
    ref.cast("what")
    ref.send("what")
    assert ref.is_alive()
    assert ref.which_children() == {}


def test_whoever_calls_a_supervisor_that_gives_up_is_told_that_it_shut_down(threads):
    ref = threads.run(otp.Supervisor({"a": threads.part("a")()}, max_restarts=0)).ref
    asked = ref.send_request("what")
    threads.end("root.s.a", crash)
    with pytest.raises(otp.ServerExitError) as caught:
        asked.result(10)
    assert caught.value.reason is otp.Reason.SHUTDOWN


def test_whoever_calls_a_supervisor_that_cannot_start_is_told_the_child_and_its_reason(threads):
    gate = threads.gate()

    def start() -> None:
        gate.wait()
        raise BoomError

    ref = threads.run(otp.Supervisor({"a": threads.part("a", start)()}), wait=False).ref
    threads.until_noted("+a")
    asked = ref.send_request("what")
    gate.set()
    with pytest.raises(otp.ServerExitError) as caught:
        asked.result(10)
    reason = caught.value.reason
    assert isinstance(reason, otp.Shutdown)
    assert isinstance(reason.detail, otp.ChildStartError)
    assert (reason.detail.name, type(reason.detail.reason)) == ("a", BoomError)


def test_whoever_calls_a_supervisor_that_is_stopped_is_told_that_it_shut_down(threads):
    ref = threads.run(otp.Supervisor({"a": threads.serve})).ref
    asked = ref.send_request("what")
    threads.stop()
    with pytest.raises(otp.ServerExitError) as caught:
        asked.result(10)
    assert caught.value.reason is otp.Reason.SHUTDOWN
    with pytest.raises(otp.NoProcessError):
        ref.call("what")
