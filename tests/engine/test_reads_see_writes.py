"""A snapshot asked for after a call of the façade has returned shows what that call did."""

from __future__ import annotations

import queue
import threading

import pytest

import otp
from otp import NodeState


@pytest.mark.parametrize("depth", [0, 1, 20])
def test_a_signal_is_seen_as_soon_as_it_has_returned(stage, depth):
    seen = queue.SimpleQueue()

    def leaf():
        dn = otp.current().dn
        seen.put(system.node(dn).state)
        otp.signal(otp.Signal.HEALTHY)
        seen.put(system.node(dn).state)
        otp.wait_canceled()

    system = stage.system(stage.chain, depth, leaf)
    system.start()

    assert [seen.get(), seen.get()] == [NodeState.NEW, NodeState.HEALTHY]


@pytest.mark.parametrize("depth", [0, 1, 20])
def test_a_child_is_seen_as_soon_as_run_has_returned(stage, depth):
    seen = queue.SimpleQueue()

    def leaf():
        ref = otp.run("child", stage.serve)
        seen.put(system.node(ref.dn).dn)
        stage.serve()

    system = stage.system(stage.chain, depth, leaf)
    system.start()

    assert seen.get() == "root" + ".c" * depth + ".child"


def test_the_end_of_a_runnable_is_seen_once_its_thread_has_ended(stage):
    may_end = stage.gate()

    def leaf():
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)
        may_end.wait()

    system = stage.start(stage.parent_of(a=leaf))
    system.wait_healthy(5)
    thread = next(thread for thread in threading.enumerate() if thread.name == "root.a")
    assert system.node("root.a").state is NodeState.HEALTHY
    may_end.set()
    thread.join()

    assert system.node("root.a").state is NodeState.DONE


def test_reads_see_writes_while_the_tree_is_busy(stage):
    rounds = 60
    violations = []
    finished = threading.Event()

    def restless():
        """Dies as fast as it can, with a child, so that the loop always has something to do."""
        otp.run("kid", stage.serve)
        otp.signal(otp.Signal.HEALTHY)
        raise ValueError

    def checker():
        dn = otp.current().dn
        for number in range(rounds):
            ref = otp.run(f"kid{number}", stage.serve)
            try:
                system.node(ref.dn)
            except otp.NoSuchNodeError:
                violations.append(ref.dn)
        otp.signal(otp.Signal.HEALTHY)
        if system.node(dn).state is not NodeState.HEALTHY:
            violations.append(dn)
        finished.set()
        otp.wait_canceled()

    def root():
        for number in range(4):
            otp.run(f"restless{number}", restless)
        otp.run("deep", stage.chain, 20, checker)
        stage.serve()

    system = stage.system(root, backoff=otp.Backoff(initial=0))
    system.start()
    assert finished.wait(50)

    assert violations == []
    assert system.node("root.restless0").incarnation > 1


def test_a_restart_asked_for_is_seen_as_soon_as_it_has_returned(stage):
    may_end = stage.gate()

    def slow():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        may_end.wait()

    system, story = stage.watch(stage.parent_of(a=slow))
    system.wait_healthy(5)
    system.restart("root.a")
    with pytest.raises(TimeoutError, match="not settled"):
        system.wait_settled(0)
    may_end.set()
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert system.node("root.a").incarnation == 2
