"""Defects of the seed and of its upstream around what is told: to the log, to those who watch, and to the dice."""

from __future__ import annotations

import random

import pytest

import otp
from otp.events import Canceled, Died, Done, Healthy, Started, Stopped, Stopping

from .cast import becomes_healthy, spawns_more
from .stage import run_python

JITTER = """
import random
import sys
import otp
from loguru import logger

logger.remove()
if len(sys.argv) > 1:
    random.seed(sys.argv[1])
system = otp.System(lambda: None, backoff=otp.Backoff(initial=1000.0, maximum=1000.0))
events = system.events()
with system:
    print(next(event.restart_in for event in events if isinstance(event, otp.events.Died)))
"""


@pytest.mark.defect("B24")
@pytest.mark.parametrize("seed", [(), ("7",)], ids=["unseeded", "seeded"])
def test_the_jitter_differs_between_processes_whatever_they_do_to_the_global_dice(seed):
    waits = [float(run_python(JITTER, *seed)) for _ in range(2)]

    assert waits[0] != waits[1]
    assert all(500.0 <= wait <= 1500.0 for wait in waits)


@pytest.mark.defect("B24")
def test_the_jitter_takes_nothing_from_the_global_dice(stage):
    state = random.getstate()
    a = stage.remote("a")
    _, diary = stage.told(lambda: otp.run("a", a))
    a.die()
    diary.wait(Died, "root.a")

    assert random.getstate() == state


@pytest.mark.defect("B25")
def test_a_death_and_the_restart_after_it_are_logged_at_the_node_that_died(stage):
    log, a = stage.log(), stage.remote("a")

    def start_and_obey():
        otp.run("a", a)
        otp.wait_canceled()

    system, diary = stage.told(lambda: otp.run("parent", start_and_obey))
    a.die()
    stage.clock.advance(diary.wait(Died, "root.parent.a").restart_in)
    a.wait_incarnation(2)
    system.stop()

    (error,) = log.lines("ERROR")
    assert error[0] == "root.parent.a"
    assert "OnRequestError: died on request" in error[1]
    assert [dn for dn, line in log.lines("INFO") if "started again" in line] == ["root.parent.a"]


@pytest.mark.defect("2b metrics")
def test_a_node_that_its_reborn_parent_has_not_started_is_gone_from_every_view(stage):
    parent = stage.remote("parent")
    children = iter([["one", "two"], ["one"]])

    def start_and_obey():
        for name in next(children):
            otp.run(name, becomes_healthy())
        parent()

    system, diary = stage.told(lambda: otp.run("parent", start_and_obey))
    parent.become_healthy()
    diary.wait(Healthy, "root.parent.two")
    parent.die()
    stage.clock.advance(diary.wait(Died, "root.parent").restart_in)
    parent.become_healthy()
    system.wait_healthy(stage.patience)

    assert [node.dn for node in system.tree().walk()] == ["root", "root.parent", "root.parent.one"]
    with pytest.raises(otp.NoSuchNodeError):
        system.node("root.parent.two")
    system.stop()
    # Who folds the events knows it too: all below a node are gone when that starts again.
    assert folded(diary.wait_end()) == {node.dn: node.state for node in system.tree().walk()}


def folded(events) -> dict[str, otp.NodeState]:
    """The tree that the events tell of."""
    states = {
        Started: otp.NodeState.NEW,
        Healthy: otp.NodeState.HEALTHY,
        Done: otp.NodeState.DONE,
        Died: otp.NodeState.DEAD,
        Canceled: otp.NodeState.CANCELED,
    }
    tree: dict[str, otp.NodeState] = {}
    for event in events:
        if isinstance(event, Started):
            tree = {dn: state for dn, state in tree.items() if not dn.startswith(f"{event.dn}.")}
        if type(event) in states:
            tree[event.dn] = states[type(event)]
    return tree


BEFORE = {
    Started: (None, Died, Canceled),
    Healthy: (Started,),
    Done: (Healthy,),
    Died: (Started, Healthy),
    Canceled: (None, Started, Healthy, Done),
}
"""What the last event about a node may have been before each of these; `None`: there was none."""


@pytest.mark.defect("2b order")
def test_the_events_of_each_node_come_in_order_however_many_signal_at_once(stage):
    two, backoff = stage.remote("two"), otp.Backoff(1.0, multiplier=1.0, jitter=0)
    system, diary = stage.told(lambda: otp.run_group({"one": spawns_more(levels=5), "two": two}), backoff=backoff)
    for incarnation in range(1, 6):
        two.wait_incarnation(incarnation)
        two.die()  # while the tree below `one` is still being started
        diary.wait(Died, "root.two", incarnation)
        diary.wait(Started, "root.one", incarnation + 1)
        stage.clock.advance(1.0)
    two.become_healthy()
    system.wait_healthy(stage.patience)
    system.stop()

    last: dict[str, type | None] = {}
    for event in diary.wait_end():
        if type(event) in BEFORE:
            before = last.get(event.dn)
            if event.incarnation == 0 or (isinstance(event, Started) and event.incarnation == 1):
                before = None  # it is another node, whose parent is reborn
            assert before in BEFORE[type(event)], f"{event} after {before}"
            last[event.dn] = type(event)
    assert folded(diary.events) == {node.dn: node.state for node in system.tree().walk()}


@pytest.mark.defect("2b stop")
def test_a_stop_is_told_to_the_end(stage):
    system, diary = stage.told(lambda: otp.run_group({"a": becomes_healthy(), "b": becomes_healthy()}))
    system.wait_healthy(stage.patience)
    system.stop()

    events = diary.wait_end()
    (begin,) = [number for number, event in enumerate(events) if isinstance(event, Stopping)]
    ended = [event.dn for event in events[begin:] if isinstance(event, Canceled)]
    assert sorted(ended) == ["root.a", "root.b"]
    assert isinstance(events[-1], Stopped)
    assert folded(events) == {node.dn: node.state for node in system.tree().walk()}


@pytest.mark.defect("2b root")
def test_a_root_that_returns_without_done_runs_once_and_fails_where_deaths_are_propagated(stage):
    runs = stage.mark("the root runs")
    system = stage.start_root(runs.set, propagate=True)

    with pytest.raises(otp.UnexpectedReturnError, match="root returned without having signaled DONE"):
        system.join(stage.patience)
    runs.wait()
    assert runs.pending == 0


@pytest.mark.defect("2b root")
def test_a_root_that_returns_without_done_is_otherwise_a_death_like_any(stage):
    runs = stage.mark("the root runs")
    system = stage.system(runs.set)
    diary = stage.diary(system)
    system.start()
    runs.wait()
    died = diary.wait(Died, "root")

    assert died.error == "returned without having signaled DONE"
    assert died.traceback is None
    assert system.node("root").state is otp.NodeState.DEAD
    stage.clock.advance(died.restart_in)
    runs.wait()
    assert diary.wait(Started, "root", 2)
