"""What snapshots and logs show of supervisors, and what they hold on to; supervisor_SUITE 41."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import Future

import pytest
from loguru import logger

import otp
from otp.testing.leaks import Belongings
from otp.tree.administration import Inspect

from .stage import crash, done, states


class Thing:
    """Something of the user's that must not be kept."""


def is_released(reference: weakref.ref) -> bool:
    """Whether it goes away; what is released goes to another thread first."""
    gone = threading.Event()
    weakref.finalize(reference(), gone.set) if reference() is not None else gone.set()
    gc.collect()
    return gone.wait(10)


@pytest.fixture
def thing():
    """A thing, as a weak reference, and a list that has it as long as the test wants."""
    held = [Thing()]
    return weakref.ref(held[0]), held


def test_a_supervisor_is_shown_with_its_backend_and_without_children_that_are_stopped(stage):
    sup = stage.run(otp.Supervisor({"a": stage.serve, "b": stage.serve, "i": otp.DynamicSupervisor()}))
    shown = stage.system.node("root.s")
    assert (shown.backend, shown.state) == ("supervisor", otp.NodeState.HEALTHY)
    assert [(child.name, child.backend) for child in shown.children] == [
        ("a", stage.kind),
        ("b", stage.kind),
        ("i", "supervisor"),
    ]
    sup.terminate_child("a")
    assert [child.name for child in stage.system.node("root.s").children] == ["b", "i"]
    assert stage.system.tree().children[0].dn == "root.s"
    sup.restart_child("a")
    assert [child.name for child in stage.system.node("root.s").children] == ["a", "b", "i"]
    assert stage.system.node("root.s.a").incarnation == 2


def test_a_tree_with_a_stopped_child_is_healthy_and_settled(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a(restart=otp.Restart.TRANSIENT), "b": stage.part("b")()}))
    stage.end("root.s.a", done)
    sup.terminate_child("b")
    stage.system.wait_settled(10)
    stage.healthy()
    assert {name: info.state for name, info in sup.which_children().items()} == dict.fromkeys(
        "ab", otp.ChildState.STOPPED
    )


def test_a_supervisor_takes_no_thread(threads):
    before = threading.active_count()
    with otp.System(otp.Supervisor({f"s{each}": otp.Supervisor() for each in range(50)})) as system:
        system.wait_healthy(10)
        with_many = threading.active_count()
    assert with_many - before < 10


def test_do_not_save_start_parameters_what_a_deleted_child_had_is_released(stage, thing):
    reference, held = thing
    sup = stage.run(otp.Supervisor())
    sup.start_child("a", stage.part("a")(held.pop()))
    sup.terminate_child("a")
    assert reference() is not None  # it can be restarted with it
    stage.system.tree()
    sup.delete_child("a")
    assert is_released(reference)


def test_do_not_save_start_parameters_of_dynamic_children(stage, thing):
    reference, held = thing
    sup = stage.run(otp.DynamicSupervisor())
    sup.terminate_child(sup.start_child(stage.part("a")(held.pop())))
    assert is_released(reference)


def test_child_specs_for_temporary_children_are_released_when_they_end(stage, thing):
    reference, held = thing
    stage.run(otp.Supervisor({"a": stage.part("a")(held.pop(), restart=otp.Restart.TEMPORARY)}))
    stage.end("root.s.a", done)
    stage.until(otp.events.Removed, "root.s.a")
    # The `Supervisor` itself has been written with it, and is kept for its next incarnation.
    assert reference() is not None
    sup = stage.asking("root.s")
    reference = start_temporary(stage, sup)
    stage.end("root.s.b", done)
    stage.until(otp.events.Removed, "root.s.b")
    assert is_released(reference)


def start_temporary(stage, sup):
    thing = Thing()
    sup.start_child("b", stage.part("b")(thing, restart=otp.Restart.TEMPORARY))
    return weakref.ref(thing)


def test_what_a_child_had_that_could_not_be_started_is_released(stage, thing):
    reference, held = thing
    sup = stage.run(otp.Supervisor())
    with pytest.raises(otp.ChildStartError):
        sup.start_child("a", stage.part("a", crash)(held.pop()))
    assert is_released(reference)


def test_what_a_refused_child_had_is_released(stage, thing):
    reference, held = thing
    sup = stage.run(otp.Supervisor({"a": stage.serve}))
    with pytest.raises(otp.ChildAlreadyStartedError):
        sup.start_child("a", stage.part("a")(held.pop()))
    assert is_released(reference)


class Fragile:
    """It tells which thread it is dropped by."""

    def __init__(self, told: Future) -> None:
        self._told = told

    def __del__(self) -> None:
        self._told.set_result(threading.current_thread().name)


@pytest.mark.parametrize(("dn", "significant"), [("root.nobody", False), ("root.a", False), ("root.s", True)])
def test_what_a_child_had_that_was_refused_is_not_dropped_by_the_loop_of_the_tree(threads, dn, significant):
    threads.run(otp.Supervisor())
    busy, go_on = threading.Event(), threads.gate()
    look = Inspect("root.s", Future())
    look.answer.add_done_callback(lambda _answer: (busy.set(), go_on.wait()))
    threads.system.administer(look)
    assert busy.wait(10)  # the loop of the tree is; it will be the last to have what comes now
    told: Future = Future()
    child = threads.part("a")(Fragile(told), restart=otp.Restart.TRANSIENT, significant=significant)
    threads.system.administer(otp.SupervisorRef(dn, threads.system)._start("a", child).message)
    del child
    go_on.set()
    assert told.result(10) == "otp: release"


def test_why_a_start_failed_is_kept_no_longer_than_it_is_asked_for(stage):
    class FailureError(Exception):
        pass

    references = []

    def fail() -> None:
        error = FailureError()
        references.append(weakref.ref(error))
        raise error

    sup = stage.run(otp.Supervisor())
    with pytest.raises(otp.ChildStartError):
        sup.start_child("a", stage.part("a", fail)())
    assert is_released(references[0])
    sup.start_child("b", stage.part("b", lambda: None, fail)())
    sup.terminate_child("b")
    with pytest.raises(otp.ChildStartError):
        sup.restart_child("b")
    sup.restart_child("b")
    assert is_released(references[1])


def test_extra_arguments_are_released_with_their_supervisor(stage, thing):
    reference, held = thing
    sup = stage.run(otp.Supervisor())
    sup.start_child("d", otp.DynamicSupervisor(extra_arguments=(held.pop(),)))
    inner = stage.asking("root.s.d", otp.DynamicSupervisorRef)
    a = stage.part("a")
    inner.start_child(a())
    sup.terminate_child("d")
    sup.delete_child("d")
    a.given.clear()
    assert is_released(reference)


def test_a_system_of_supervisors_leaves_nothing_behind(threads):
    before = Belongings.now()
    a, b = threads.parts("ab")
    with otp.System(
        otp.Supervisor({"a": a(), "i": otp.Supervisor({"b": b()}), "d": otp.DynamicSupervisor()})
    ) as system:
        system.wait_healthy(10)
        otp.DynamicSupervisorRef("root.d", system).start_child(threads.serve)
    assert before.left_behind() == []


def test_the_log_says_who_died_and_why_the_supervisor_gave_up(threads):
    logger.enable("otp")
    threads.run(otp.Supervisor({"a": threads.part("a")()}, max_restarts=0))
    threads.end("root.s.a", crash)
    threads.gone("root.s")
    threads.stop()
    lines = {entry.dn: entry.message.splitlines()[0] for entry in threads.system.logs.read("root")}
    assert "BoomError" in lines["root.s.a"]
    assert "gave up" in lines["root.s"]


@pytest.mark.parametrize("restart", list(otp.Restart))
def test_the_log_says_of_any_child_that_leaves_for_good_that_it_was_removed_and_of_none_what_it_is_not(
    threads, restart
):
    logger.enable("otp")
    sup = threads.run(otp.DynamicSupervisor())
    ref = sup.start_child(threads.part("a")(restart=restart), name="a")
    if restart is otp.Restart.PERMANENT:
        sup.terminate_child(ref)
    else:
        threads.end(ref.dn, done)
    threads.until(otp.events.Removed, ref.dn)
    threads.stop()
    lines = [entry.message.splitlines()[0] for entry in threads.system.logs.read("root") if entry.dn == ref.dn]
    assert lines[-1] == "ended for good and was removed"


def test_a_stopped_child_is_no_node_but_a_child(stage):
    sup = stage.run(otp.Supervisor({"a": stage.serve}))
    sup.terminate_child("a")
    with pytest.raises(otp.NoSuchNodeError):
        stage.system.node("root.s.a")
    with pytest.raises(otp.NoSuchNodeError):
        stage.system.restart("root.s.a")
    assert states(sup.which_children()) == {"a": "stopped"}
