"""`restart(dn)`: that node alone, without backoff, in whatever state it is; and snapshots."""

from __future__ import annotations

import threading

import pytest

import otp

HEALTHY, DONE = otp.Signal.HEALTHY, otp.Signal.DONE


@pytest.fixture
def started(workshop):
    """A system with `first` at root.a, beside a sibling in its group; `born` counts starts of root.a."""
    born = threading.Semaphore(0)

    def start(first):
        def child():
            born.release()
            if otp.current().incarnation == 1:
                first()
            else:
                otp.signal(HEALTHY)
                otp.wait_canceled()

        def sibling():
            otp.signal(HEALTHY)
            otp.wait_canceled()

        def root():
            otp.run_group({"a": child, "sibling": sibling}, strategy=otp.Strategy.ONE_FOR_ONE)
            otp.signal(HEALTHY)
            otp.wait_canceled()

        system = workshop.make(root)
        events = system.events()
        system.start()
        assert born.acquire(timeout=30)
        return system, events

    def again(system):
        system.restart("root.a")
        assert born.acquire(timeout=30)
        system.wait_healthy(timeout=30)
        node = system.node("root.a")
        assert (node.incarnation, node.restarts, node.state) == (2, 1, otp.NodeState.HEALTHY)
        assert system.node("root.sibling").incarnation == 1
        assert system.tree().incarnation == 1

    return start, again


def test_a_new_node(started):
    start, again = started
    system, _ = start(otp.wait_canceled)
    assert system.node("root.a").state is otp.NodeState.NEW
    again(system)


def test_a_healthy_node(started):
    start, again = started

    def healthy():
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system, _ = start(healthy)
    system.wait_healthy(timeout=30)
    again(system)


def test_a_node_that_is_done(started):
    start, again = started

    def done():
        otp.signal(HEALTHY)
        otp.signal(DONE)

    system, events = start(done)
    next(event for event in events if isinstance(event, otp.events.Done))
    again(system)


def test_a_dead_node_in_its_backoff(workshop, started):
    start, again = started

    def dead():
        raise ValueError

    system, events = start(dead)
    next(event for event in events if isinstance(event, otp.events.Died))
    node = system.node("root.a")
    assert node.next_restart == workshop.clock.time() + 1.0
    assert node.last_error == "ValueError"
    again(system)
    assert system.node("root.a").next_restart is None


def test_a_node_that_has_been_asked_to_end_already(started, workshop):
    start, again = started
    gate = workshop.gate()

    def slow():
        otp.signal(HEALTHY)
        gate.wait()

    system, events = start(slow)
    system.restart("root.a")
    system.restart("root.a")
    gate.set()
    next(event for event in events if isinstance(event, otp.events.Canceled))
    system.wait_healthy(timeout=30)
    assert system.node("root.a").incarnation == 2
    del again


def test_a_canceled_node_that_waits_for_the_members_of_its_group(workshop, serve):
    gate, go = workshop.gate(), workshop.gate()

    def deaf():
        otp.signal(HEALTHY)
        if otp.current().incarnation == 1:
            gate.wait()
        else:
            otp.wait_canceled()

    def dies():
        if otp.current().incarnation == 1:
            otp.signal(HEALTHY)
            go.wait()
            raise ValueError
        serve()

    def root():
        otp.run_group({"quick": serve, "deaf": deaf, "dies": dies})
        serve()

    system = workshop.start(root)
    events = system.events()
    system.wait_healthy(timeout=30)
    go.set()
    next(event for event in events if isinstance(event, otp.events.Canceled) and event.dn == "root.quick")
    system.restart("root.quick")
    assert system.node("root.quick").state is otp.NodeState.CANCELED, "the exit barrier holds it"
    gate.set()
    next(event for event in events if isinstance(event, otp.events.Canceled) and event.dn == "root.deaf")
    workshop.clock.advance(1.0)
    system.wait_healthy(timeout=30)
    assert [node.incarnation for node in system.tree().children] == [2, 2, 2]


def test_the_root(workshop, family):
    system = workshop.start(family("a"))
    system.wait_healthy(timeout=30)
    system.restart("root")
    system.wait_healthy(timeout=30)
    assert system.tree().incarnation == 2
    assert system.node("root.a").incarnation == 1, "children of a reborn parent count anew"


def test_a_temporary_node_too(workshop, serve):
    def root():
        otp.run("a", serve, restart=otp.Restart.TEMPORARY)
        serve()

    system = workshop.start(root)
    system.wait_healthy(timeout=30)
    system.restart("root.a")
    system.wait_healthy(timeout=30)
    assert system.node("root.a").incarnation == 2


def test_a_snapshot_is_of_its_moment_and_shows_the_tree_below(workshop):
    def child():
        otp.signal(HEALTHY)
        otp.wait_canceled()

    def parent():
        otp.run("y", child)
        otp.run("x", child)
        child()

    def root():
        otp.run("p", parent)
        child()

    system = workshop.start(root)
    system.wait_healthy(timeout=30)
    tree = system.tree()
    assert [node.dn for node in tree.walk()] == ["root", "root.p", "root.p.y", "root.p.x"]
    assert [node.name for node in system.node("root.p").children] == ["y", "x"]
    node = system.node("root.p.x")
    assert (node.parent, node.backend, node.stuck, node.last_error, node.next_restart, node.children) == (
        "root.p",
        "thread",
        False,
        None,
        None,
        (),
    )
    assert node.since == workshop.clock.time()
    assert tree.parent is None
    with pytest.raises(AttributeError):
        node.state = otp.NodeState.DEAD
    system.restart("root.p")
    system.wait_healthy(timeout=30)
    assert tree.children[0].incarnation == 1
    assert system.node("root.p").incarnation == 2
