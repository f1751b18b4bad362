"""The harness: what it starts, settles and stops, and what it does not let pass."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

import pytest

import otp
from otp.testing import Harness, HarnessError, VirtualClock

HEALTHY, DONE = otp.Signal.HEALTHY, otp.Signal.DONE


@pytest.fixture
def gate():
    """Opened at the end of the test, so that nothing waits for it for ever."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def short(monkeypatch):
    """A harness without patience, for what never ends."""
    monkeypatch.setattr("otp.testing.harness._STOP", 0.1)
    return Harness()


def serve():
    otp.signal(HEALTHY)
    otp.wait_canceled()


def dies():
    message = "boom"
    raise ValueError(message)


def family(**children):
    def root():
        for name, child in children.items():
            otp.run_group({name: child})
        serve()

    return root


def problems_of(harness):
    with pytest.raises(HarnessError) as caught:
        harness.stop()
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def await_death(system, dn="root.a"):
    """Wait until the node has died; its event may have come before the stream, so the tree is asked too."""
    events = system.events()
    dead = [node for node in system.tree().walk() if node.dn == dn and node.state is otp.NodeState.DEAD]
    assert dead or any(isinstance(event, otp.events.Died) and event.dn == dn for event in events)


# --- a tree in which nothing goes wrong ---


def test_a_tree_in_which_nothing_goes_wrong_passes():
    with Harness() as harness:
        system = harness.start(family(a=serve, b=serve))
        system.wait_healthy(timeout=30)
    assert system.tree().state is otp.NodeState.CANCELED


def test_root_arguments_and_options_are_passed_on():
    seen = []

    def root(*args):
        seen.append(args)
        serve()

    with Harness() as harness:
        backoff = otp.Backoff(initial=7.0)
        system = harness.start(root, 1, 2, clock=VirtualClock(), backoff=backoff)
        system.wait_healthy(timeout=30)
        assert system.backoff is backoff
    assert seen == [(1, 2)]


def test_a_harness_that_started_nothing_has_nothing_to_stop():
    harness = Harness()
    assert harness.stop() is None
    with pytest.raises(RuntimeError, match=r"the harness runs nothing: call start\(root\) first"):
        harness.settle()
    with pytest.raises(RuntimeError, match="the harness runs nothing"):
        harness.advance(1)


def test_a_harness_runs_one_tree():
    with Harness() as harness:
        harness.start(serve)
        with pytest.raises(RuntimeError, match="a harness runs one tree"):
            harness.start(serve)


def test_a_root_that_is_none_leaves_the_harness_as_it_was():
    harness = Harness()
    with pytest.raises(TypeError, match="a runnable is a callable"):
        harness.start(None)
    assert harness.stop() is None


def test_a_tree_that_has_stopped_by_itself_passes():
    def root():
        otp.signal(HEALTHY)
        otp.signal(DONE)

    with Harness() as harness:
        harness.start(root).join(timeout=30)
    assert harness.stop() is None


# --- deaths ---


def test_a_death_that_was_not_declared_is_named_with_its_traceback():
    harness = Harness()
    await_death(harness.start(family(a=dies), clock=VirtualClock()))
    (problem,) = problems_of(harness)
    assert problem.startswith("root.a, incarnation 1, died, which the test has not declared:\nTraceback")
    assert "in dies" in problem
    assert problem.endswith("ValueError: boom")


def test_a_death_without_an_exception_is_named_too():
    harness = Harness()
    await_death(harness.start(family(a=int), clock=VirtualClock()))
    (problem,) = problems_of(harness)
    assert problem.endswith("has not declared:\nreturned without having signaled DONE")


@pytest.mark.parametrize("match", [None, "boom", r"^ValueError: b.*m$"])
def test_a_death_that_was_declared_passes(match):
    with Harness() as harness:
        harness.expect_death("root.a", match=match)
        system = harness.start(family(a=dies), clock=VirtualClock())
        await_death(system)
    assert system.node("root.a").last_error == "ValueError: boom"


def test_a_death_may_be_declared_afterwards_and_happen_more_than_once():
    with Harness() as harness:
        system = harness.start(family(a=dies), clock=VirtualClock(), backoff=otp.Backoff(initial=1.0, jitter=0.0))
        await_death(system)
        events = system.events()
        harness.advance_to_next()
        assert any(isinstance(event, otp.events.Died) and event.incarnation == 2 for event in events)
        harness.expect_death("root.a")


@pytest.mark.parametrize(("dn", "match"), [("root.b", None), ("root.a", "another error"), ("root", "boom")])
def test_a_declaration_that_does_not_fit_is_two_problems(dn, match):
    harness = Harness()
    harness.expect_death(dn, match=match)
    await_death(harness.start(family(a=dies, b=serve), clock=VirtualClock()))
    undeclared, missing = problems_of(harness)
    assert undeclared.startswith("root.a, incarnation 1, died")
    assert missing.startswith(f"declared, but it did not happen: the death of {dn}")
    assert match is None or repr(match) in missing


def test_after_its_problems_have_been_told_a_harness_has_no_more():
    harness = Harness()
    harness.start(serve)
    harness.expect_death("root")
    assert len(problems_of(harness)) == 1
    assert harness.stop() is None


def test_an_exception_of_the_block_passes_on_with_the_trees_problems_as_a_note():
    def block():
        with Harness() as harness:
            harness.expect_death("root.a")
            harness.start(family(a=serve)).wait_healthy(timeout=30)
            message = "of the test"
            raise LookupError(message)

    with pytest.raises(LookupError, match="of the test") as caught:
        block()
    assert caught.value.__notes__ == ["declared, but it did not happen: the death of root.a"]


def test_without_an_exception_of_the_block_the_problems_are_raised():
    def block():
        with Harness() as harness:
            harness.expect_death("root")
            harness.start(serve)

    with pytest.raises(HarnessError, match="the death of root"):
        block()


# --- hangs ---


@pytest.mark.parametrize("clock", [None, VirtualClock()])
def test_a_runnable_that_does_not_end_is_named_with_its_stack(short, gate, clock):
    def deaf():
        otp.signal(HEALTHY)
        gate.wait()

    system = short.start(family(a=deaf, b=serve), clock=clock)
    system.wait_healthy(timeout=30)
    (problem,) = problems_of(short)
    assert problem.startswith("did not end within 0.1 s of being asked to, or within their own deadline:\nroot.a,")
    assert "in deaf" in problem
    assert "root.b" not in problem


def test_a_runnable_past_a_deadline_of_its_own_is_a_hang_although_the_stop_was_quick(gate):
    def deaf():
        otp.signal(HEALTHY)
        gate.wait()

    harness = Harness()
    system = harness.start(family(a=otp.Child(deaf, shutdown=otp.BRUTAL_KILL)), clock=VirtualClock())
    system.wait_healthy(timeout=30)
    (problem,) = problems_of(harness)
    assert "root.a, incarnation 1:\n" in problem
    assert "in deaf" in problem


def test_a_tree_that_stops_only_when_all_are_asked_at_once_did_not_stop_in_order(short):
    """`b`, the last one started, waits for `a`, whose turn would come after it."""
    over = threading.Event()

    def a():
        serve()
        over.set()

    def b():
        otp.signal(HEALTHY)
        over.wait()

    short.start(family(a=a, b=b)).wait_healthy(timeout=30)
    (problem,) = problems_of(short)
    assert problem.startswith("the tree did not stop in order within 0.1 s")


# --- leaks ---


def test_a_thread_left_behind_is_named_with_its_stack(gate, monkeypatch):
    monkeypatch.setattr("otp.testing.leaks._PATIENCE", 0.05)

    def linger():
        gate.wait()

    def child():
        threading.Thread(target=linger, name="straggler", daemon=True).start()
        serve()

    harness = Harness()
    harness.start(family(a=child)).wait_healthy(timeout=30)
    (problem,) = problems_of(harness)
    assert problem.startswith("left behind: thread 'straggler':\n")
    assert "in linger" in problem


def test_a_thread_that_is_about_to_end_is_waited_for():
    go = threading.Event()

    def child():
        threading.Thread(target=go.wait, name="quick", daemon=True).start()
        otp.signal(HEALTHY)
        otp.wait_canceled()
        go.set()

    with Harness() as harness:
        harness.start(family(a=child)).wait_healthy(timeout=30)
    assert go.is_set()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are read from /proc")
def test_a_descriptor_left_behind_is_named():
    kept = []

    def child():
        kept.append(socket.socket())
        serve()

    harness = Harness()
    harness.start(family(a=child)).wait_healthy(timeout=30)
    (problem,) = problems_of(harness)
    assert problem.startswith(f"left behind: file descriptor {kept[0].fileno()} (socket:[")
    kept.pop().close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are read from /proc")
def test_a_descriptor_that_only_the_collector_can_close_is_none():
    class Holder:
        def __init__(self):
            self.me = self
            self.reader, self.writer = map(os.fdopen, os.pipe())

    def child():
        Holder()
        serve()

    with pytest.warns(ResourceWarning), Harness() as harness:
        harness.start(family(a=child)).wait_healthy(timeout=30)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are read from /proc")
def test_a_process_left_behind_is_named():
    kept = []

    def child():
        command = [sys.executable, "-c", "input()"]
        kept.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        serve()

    harness = Harness()
    harness.start(family(a=child)).wait_healthy(timeout=30)
    descriptor, process = problems_of(harness)
    assert descriptor.startswith("left behind: file descriptor")
    assert process == f"left behind: process {kept[0].pid} ({sys.executable} -c input())"
    kept[0].communicate()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are read from /proc")
def test_a_process_that_nobody_waited_for_is_named():
    kept = []

    def child():
        kept.append(subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE))
        assert kept[0].stdout.read() == b""  # it has ended, or is about to
        os.waitid(os.P_PID, kept[0].pid, os.WEXITED | os.WNOWAIT)
        kept[0].stdout.close()
        serve()

    harness = Harness()
    harness.start(family(a=child)).wait_healthy(timeout=30)
    (problem,) = problems_of(harness)
    assert problem == f"left behind: process {kept[0].pid} (ended, but nobody has waited for it)"
    kept[0].wait()


def test_where_there_is_no_proc_threads_are_looked_at_all_the_same(monkeypatch, tmp_path, gate):
    monkeypatch.setattr("otp.testing.leaks._PROC", tmp_path / "nowhere")
    monkeypatch.setattr("otp.testing.leaks._PATIENCE", 0.05)

    def child():
        threading.Thread(target=gate.wait, name="straggler", daemon=True).start()
        serve()

    harness = Harness()
    harness.start(family(a=child)).wait_healthy(timeout=30)
    (problem,) = problems_of(harness)
    assert "straggler" in problem
