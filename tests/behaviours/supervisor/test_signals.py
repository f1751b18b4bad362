"""Exit signals to supervisors: they trap exits, as OTP's do, and KILL cannot be trapped; and mail by their names."""

from __future__ import annotations

import threading

import pytest

import otp
from otp.backends.supervisor import SupervisorBackend
from otp.tree.backend import Job

from .stage import BoomError, Stage, counts, states

REASONS = [otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("enough"), "anything", BoomError()]


def in_child(stage: Stage, dn: str, what) -> None:
    """Have that child do it, and wait until it has."""
    stage.ref(dn).send(lambda: (what(), stage.note("done")))
    stage.until_noted("done")
    stage.life.remove("done")


@pytest.mark.parametrize("reason", REASONS)
def test_an_exit_signal_from_outside_is_nothing_to_a_supervisor(stage, reason):
    sup = stage.run(otp.Supervisor({"a": stage.part("a")()}))
    sup.ref.exit(reason)
    assert counts(sup.count_children()) == (1, 1, 0, 1)
    assert stage.life == ["+a"]
    assert stage.system.node("root.s").incarnation == 1


@pytest.mark.parametrize("reason", REASONS)
def test_nor_is_one_from_its_own_child_or_from_a_stranger(stage, reason):
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"a": a(), "i": otp.Supervisor({"b": b()})}))
    in_child(stage, "root.s.a", lambda: sup.ref.exit(reason))
    in_child(stage, "root.s.a", lambda: stage.ref("root.s.i").exit(reason))
    assert states(sup.which_children()) == {"a": "running", "i": "running"}
    assert stage.life == ["+a", "+b"]


def test_nor_is_the_end_of_who_is_linked_to_it(stage):
    a, b = stage.parts("ab")
    sup = stage.run(otp.Supervisor({"a": a(), "i": otp.Supervisor({"b": b()})}))
    in_child(stage, "root.s.a", lambda: otp.link(stage.ref("root.s.i")))
    stage.crash("root.s.a")
    assert states(sup.which_children()) == {"a": "running", "i": "running"}
    assert b.incarnations == [1]


@pytest.mark.parametrize("kind", [otp.Supervisor, otp.DynamicSupervisor])
def test_kill_ends_it_and_its_children_with_it(stage, kind):
    sup = stage.run(otp.Supervisor({"i": kind()}))
    inner = stage.asking("root.s.i", kind.ref_type)
    for part in stage.parts("ab"):
        arguments = (part(),) if kind is otp.DynamicSupervisor else (part.name, part())
        inner.start_child(*arguments)
    asked = inner.ref.send_request("what")
    inner.ref.exit(otp.Reason.KILL)
    with pytest.raises(otp.ServerExitError) as caught:
        asked.result(10)
    assert caught.value.reason is otp.Reason.KILLED
    stage.until_noted("-a")
    stage.until_noted("-b")
    stage.healthy()
    assert counts(inner.count_children()) == (0, 0, 0, 0)  # it has been started again, without them
    assert states(sup.which_children()) == {"i": "running"}
    assert stage.system.node("root.s.i").incarnation == 2


def test_kill_that_comes_together_with_a_cancel_ends_it_once():
    class Incarnation:
        mailbox = None
        ends = 0

        def spawn(self, children, strategy):
            assert children == ()

        def end(self, end):
            self.ends += 1

    incarnation = Incarnation()
    running = SupervisorBackend().start(incarnation, Job((), ()))
    running.cancel()
    running.cancel()
    assert incarnation.ends == 1


def test_kill_of_a_supervisor_below_a_plain_node_is_a_death_like_any_other(stage):
    a = stage.part("a")
    sup = stage.run(otp.Supervisor({"a": a()}))
    sup.ref.exit(otp.Reason.KILL)
    died = stage.until(otp.events.Died, "root.s")
    assert "killed" in died.error
    stage.until_noted("-a")
    with pytest.raises(otp.NoProcessError):
        sup.which_children()
    stage.clock.advance(1.0)
    stage.until_noted("+a", 2)


@pytest.mark.parametrize("reason", REASONS)
def test_nor_is_one_from_who_has_started_it_for_the_tree_sees_to_what_that_wants(threads, reason):
    a = threads.part("a")
    parent = threads.part("p", lambda: otp.run("s", otp.Supervisor({"a": a()})))
    threads.run(otp.Supervisor({"p": parent()}))
    in_child(threads, "root.s.p", lambda: threads.ref("root.s.p.s").exit(reason))
    assert states(threads.asking("root.s.p.s").which_children()) == {"a": "running"}
    assert threads.life == ["+p", "+a"]


def test_the_end_of_who_has_started_it_is_seen_to_by_the_tree_whether_they_are_linked_or_not(threads):
    parent = threads.part("p")
    a = threads.part("a")
    parent.always = lambda: otp.link(otp.run("s", otp.Supervisor({"a": a()})))
    threads.run(otp.Supervisor({"p": parent()}))
    threads.crash("root.s.p")
    kinds = {type(event) for event in threads.seen if getattr(event, "dn", None) == "root.s.p.s"}
    assert otp.events.Died not in kinds
    assert threads.life == ["+p", "+a", "-p", "-a", "+p", "+a"]


# --- nothing of the user's runs in the tree --------------------------------------------------------------------------


class HostileError(Exception):
    """It writes down which threads ask it for anything."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()

    def _seen(self) -> str:
        self.threads.add(threading.current_thread().name)
        return "hostile"

    __str__ = __repr__ = _seen

    def __hash__(self) -> int:
        self._seen()
        return 1

    def __eq__(self, other: object) -> bool:
        self._seen()
        return self is other


def test_an_error_that_ends_a_supervisor_is_not_asked_for_anything_by_the_tree(threads):
    error = HostileError()
    gate = threads.gate()

    def fail() -> None:
        gate.wait()
        raise error

    ref = threads.run(otp.Supervisor({"a": threads.part("a", fail)()}), wait=False).ref
    threads.until_noted("+a")
    asked = ref.send_request("what")
    gate.set()
    with pytest.raises(otp.ServerExitError) as caught:
        asked.result(10)
    assert threading.current_thread().name not in error.threads
    assert "could not be started" in str(caught.value)
    assert caught.value.reason.detail.reason is error
    assert not {name for name in error.threads if name.startswith("otp")}


def test_the_error_of_who_waits_for_a_reply_shows_its_reason_when_it_is_asked_to_and_not_before(threads):
    reason = HostileError()
    error = otp.ServerExitError(threads.run(otp.Supervisor()).ref, reason)
    assert error.reason is reason
    assert error.__cause__ is reason
    assert reason.threads == set()
    assert str(error) == "root.s has ended before it replied: HostileError: hostile"
    assert reason.threads == {threading.current_thread().name}


@pytest.mark.parametrize("how", ["start_child", "restart_child"])
def test_an_error_that_a_child_fails_to_start_by_is_not_asked_for_anything_by_the_tree(threads, how):
    error = HostileError()

    def fail() -> None:
        raise error

    a = threads.part("a", *([fail] if how == "start_child" else [lambda: None, fail]))
    sup = threads.run(otp.Supervisor())
    if how == "restart_child":
        sup.start_child("a", a())
        sup.terminate_child("a")
    with pytest.raises(otp.ChildStartError) as caught:
        sup.restart_child("a") if how == "restart_child" else sup.start_child("a", a())
    assert caught.value.reason is error
    assert "hostile" in str(caught.value)
    assert not {name for name in error.threads if name.startswith("otp")}


# --- by name ---------------------------------------------------------------------------------------------------------


def register(stage, **names) -> None:
    def manage() -> None:
        for name, dn in names.items():
            otp.register(name, stage.ref(dn))

    in_child(stage, "root.s.m", manage)


def test_a_supervisor_can_be_asked_by_its_registered_name_for_everything(stage):
    a = stage.part("a")
    stage.run(otp.Supervisor({"m": stage.part("m")()}))
    register(stage, office="root.s")
    sup = stage.asking("office")
    assert sup.ref == stage.system.ref("office", otp.SupervisorRef)
    ref = sup.start_child("a", a())
    assert ref == stage.ref("root.s.a")
    assert ref.is_alive()
    with pytest.raises(otp.ChildAlreadyStartedError) as caught:
        sup.start_child("a", a())
    assert caught.value.ref == ref
    assert sup.which_children()["a"].ref == ref
    assert counts(sup.count_children()) == (2, 2, 0, 2)
    assert sup.get_childspec("a").restart is otp.Restart.PERMANENT
    sup.terminate_child("a")
    assert sup.restart_child("a") == ref
    sup.terminate_child("a")
    sup.delete_child("a")
    assert states(sup.which_children()) == {"m": "running"}


def test_a_dynamic_supervisor_and_its_children_can_be_named(stage):
    stage.run(otp.Supervisor({"m": stage.part("m")(), "d": otp.DynamicSupervisor()}))
    register(stage, pool="root.s.d")
    pool = stage.asking("pool", otp.DynamicSupervisorRef)
    ref = pool.start_child(stage.serve, name="a")
    assert ref == stage.ref("root.s.d.a")
    register(stage, worker="root.s.d.a")
    assert [info.ref for info in pool.which_children()] == [ref]
    assert pool.count_children().active == 1
    pool.terminate_child(stage.system.ref("worker"))
    assert pool.which_children() == []
    with pytest.raises(otp.NoSuchChildError):
        pool.terminate_child(stage.system.ref("worker"))


def test_a_partition_supervisor_can_be_named(stage):
    stage.run(otp.Supervisor({"m": stage.part("m")(), "p": otp.PartitionSupervisor(stage.serve, partitions=2)}))
    register(stage, shards="root.s.p")
    shards = stage.asking("shards", otp.PartitionSupervisorRef)
    assert shards.ref.partition(3) == stage.ref("root.s.p.1")
    assert shards.count_children().active == 2


@pytest.mark.parametrize("name", ["nobody", "m"])
def test_a_name_that_no_supervisor_has_is_no_process(stage, name):
    stage.run(otp.Supervisor({"m": stage.part("m")()}))
    register(stage, m="root.s.m")
    for ref_type, calls in [
        (otp.SupervisorRef, [("which_children",), ("terminate_child", "a"), ("start_child", "a", stage.serve)]),
        (otp.DynamicSupervisorRef, [("count_children",), ("start_child", stage.serve)]),
        (otp.PartitionSupervisorRef, [("count_children",)]),
    ]:
        sup = stage.asking(name, ref_type)
        for call, *arguments in calls:
            with pytest.raises(otp.NoProcessError) as caught:
                getattr(sup, call)(*arguments)
            assert caught.value.ref is sup.ref
    with pytest.raises(otp.NoProcessError):
        stage.asking("nobody", otp.DynamicSupervisorRef).terminate_child(stage.ref("root.s.m"))
