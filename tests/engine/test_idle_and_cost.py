"""What a tree costs: nothing while nothing happens, and else no more than what has changed."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

import otp
from otp.tree import supervisor
from otp.tree.loop import Loop

NODES = 1_000


def wake_ups():
    """How often each thread of this process has gone to sleep so far, but for this one."""
    found = {}
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            status = Path(f"/proc/self/task/{thread.native_id}/status").read_text(encoding="ascii")
            found[thread.name] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", status, re.MULTILINE)[1])
    return found


def quiet(system):
    """Whether the tree has come to rest: everything told, and everybody asleep."""
    system._engine.flush()
    system.tree()
    before = wake_ups()
    while (now := wake_ups()) != before:
        before = now
        threading.Event().wait(0.05)
    return now


@pytest.fixture
def big(stage):
    """A thousand nodes, some of them coroutines and some in a backoff of an hour."""

    def dies():
        raise ValueError

    def branch():
        for index in range(NODES // 10 - 3):
            otp.run(f"c{index}", stage.serve)
        otp.run("a", stage.serve_async)
        otp.run("d", dies, backoff=otp.Backoff(initial=3600, maximum=3600))
        stage.serve()

    system, story = stage.watch(stage.parent_of(**{f"b{index}": branch for index in range(10)}))
    healthy = 0
    died = 0
    for event in story.stream:
        healthy += isinstance(event, otp.events.Healthy)
        died += isinstance(event, otp.events.Died)
        if (healthy, died) == (NODES - 10 + 1, 10):
            break
    return system


def idle(system, seconds):
    """Who woke up in so many seconds, and how much time all of them took."""
    before = quiet(system)
    busy = time.process_time()
    threading.Event().wait(seconds)
    busy = time.process_time() - busy
    after = wake_ups()
    return {name: number - before[name] for name, number in after.items() if number != before[name]}, busy


def test_a_thousand_nodes_that_do_nothing_wake_nobody_up(big):
    woken, busy = idle(big, 2)

    assert sum(1 for _ in big.tree().walk()) == NODES + 1
    assert woken == {}
    assert busy < 0.01


@pytest.mark.slow
def test_a_thousand_nodes_that_do_nothing_for_ten_seconds_take_no_time(big):
    woken, busy = idle(big, 10)

    assert woken == {}
    assert busy < 0.05


@pytest.fixture
def work(monkeypatch):
    """Counts what the loop of a tree does: messages handled, and decisions taken."""
    counts = {"messages": 0, "decisions": 0}
    post, decide = Loop.post, supervisor.decide

    def counting_post(*posted):
        counts["messages"] += 1
        post(*posted)

    def counting_decide(tree, event):
        counts["decisions"] += 1
        return decide(tree, event)

    monkeypatch.setattr(Loop, "post", counting_post)
    monkeypatch.setattr(supervisor, "decide", counting_decide)
    return counts


def cost_of(work, do):
    before = dict(work)
    do()
    return {what: number - before[what] for what, number in work.items()}


def restart_of(story, system, dn):
    def restart():
        system.restart(dn)
        story.until(otp.events.Healthy, dn, incarnation=2)

    return restart


@pytest.mark.parametrize("strategy", list(otp.Strategy))
def test_a_restart_costs_the_same_however_many_siblings_there_are(stage, work, strategy):
    def costs(siblings):
        def root():
            otp.run_group(dict.fromkeys([f"c{index}" for index in range(siblings)], stage.serve), strategy=strategy)
            stage.serve()

        system, story = stage.watch(root)
        system.wait_healthy(20)
        return cost_of(work, restart_of(story, system, "root.c0"))

    assert costs(5) == costs(500)


def test_a_restart_costs_the_same_however_much_there_is_elsewhere_in_the_tree(stage, work):
    def costs(cousins):
        def branch():
            for index in range(cousins):
                otp.run(f"c{index}", stage.serve)
            stage.serve()

        system, story = stage.watch(stage.parent_of(a=stage.parent_of(x=stage.serve), b=branch))
        system.wait_healthy(20)
        return cost_of(work, restart_of(story, system, "root.a.x"))

    assert costs(5) == costs(500)


def test_a_message_costs_one_step_for_each_level(stage, work):
    def costs(depth):
        system, story = stage.watch(stage.chain, depth)
        system.wait_healthy(20)
        return cost_of(work, restart_of(story, system, "root" + ".c" * depth))

    shallow, deep = costs(10), costs(110)
    steps = 2  # of an incarnation: HEALTHY, and the end of the one before
    assert deep["messages"] - shallow["messages"] == steps * 100
    assert deep["decisions"] == shallow["decisions"]


def test_reading_takes_no_decision(stage, work):
    system = stage.start(stage.parent_of(**{f"c{index}": stage.serve for index in range(100)}))
    system.wait_healthy(20)

    assert cost_of(work, system.tree) == {"messages": 1, "decisions": 0}
