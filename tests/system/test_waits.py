"""`wait_healthy`, `wait_settled` and `join`: until when they wait, and whom they name when they give up."""

from __future__ import annotations

import pytest

import otp


def dies():
    message = "boom"
    raise ValueError(message)


def test_health_is_waited_for_until_every_node_is_healthy_or_done(workshop):
    gate = workshop.gate()

    def done():
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    def late():
        gate.wait()
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    def root():
        otp.run("done", done)
        otp.run("late", late)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.start(root)
    with pytest.raises(TimeoutError) as caught:
        system.wait_healthy(timeout=0.05)
    assert str(caught.value) == "not every node is healthy within 0.05 s: root.late is NEW"
    gate.set()
    system.wait_healthy(timeout=30)
    assert system.node("root.late").state is otp.NodeState.HEALTHY


def test_who_is_dead_or_asked_to_end_is_named(workshop, serve):
    gate = workshop.gate()

    def deaf():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    def root():
        otp.run("dead", dies)
        otp.run("deaf", deaf)
        otp.run("well", serve)
        serve()

    system = workshop.make(root)
    events = system.events()
    system.start()
    next(event for event in events if isinstance(event, otp.events.Died))
    system.restart("root.deaf")
    expected = "root.dead is DEAD, root.deaf is asked to end"
    with pytest.raises(TimeoutError) as caught:
        system.wait_healthy(timeout=0.05)
    assert str(caught.value) == f"not every node is healthy within 0.05 s: {expected}"
    with pytest.raises(TimeoutError) as caught:
        system.wait_settled(timeout=0.05)
    assert str(caught.value) == f"the tree has not settled within 0.05 s: {expected}"
    workshop.clock.advance(1.0)  # the dead one starts again, and dies again
    next(event for event in events if isinstance(event, otp.events.Died))
    workshop.clock.advance(4.0)
    next(event for event in events if isinstance(event, otp.events.Stuck))
    with pytest.raises(TimeoutError, match=r"root\.deaf is stuck"):
        system.wait_settled(timeout=0.05)


def test_a_new_node_counts_as_settled_and_is_not_named(workshop, family):
    system = workshop.start(family("new", child=otp.wait_canceled))
    system.wait_settled(timeout=30)
    with pytest.raises(TimeoutError, match=r"within 0.05 s: root\.new is NEW$"):
        system.wait_healthy(timeout=0.05)


def test_a_tree_settles_when_the_restart_is_over(workshop, family):
    def once():
        if otp.current().incarnation == 1:
            dies()
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.make(family("a", child=once))
    events = system.events()
    system.start()
    next(event for event in events if isinstance(event, otp.events.Died))
    with pytest.raises(TimeoutError, match=r"root\.a is DEAD$"):
        system.wait_settled(timeout=0.05)
    workshop.clock.advance(1.0)
    system.wait_settled(timeout=30)
    system.wait_healthy(timeout=30)
    assert system.node("root.a").restarts == 1


def test_a_join_that_gives_up_names_what_runs(workshop, family):
    system = workshop.start(family("a", "b"))
    system.wait_healthy(timeout=30)
    with pytest.raises(TimeoutError) as caught:
        system.join(timeout=0.05)
    assert str(caught.value) == (
        "the system has not stopped within 0.05 s: root is HEALTHY, root.a is HEALTHY, root.b is HEALTHY"
    )


def test_of_many_nodes_ten_are_named(workshop, family):
    system = workshop.start(family(*(f"n{number}" for number in range(15)), child=otp.wait_canceled))
    with pytest.raises(TimeoutError, match=r"root\.n8 is NEW, root\.n9 is NEW and 5 more$"):
        system.wait_healthy(timeout=0.2)


def test_a_wait_that_gave_up_leaves_nothing_behind(workshop, family):
    system = workshop.start(family("a", child=otp.wait_canceled))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            system.wait_healthy(timeout=0.01)
    system.stop()
    assert system.tree().state is otp.NodeState.CANCELED


def test_a_node_that_is_not_there_is_named(workshop, family):
    system = workshop.start(family("a"))
    for dn in ("root.b", "a", "", "root.a.b", "root.", "..", "ROOT"):
        with pytest.raises(otp.NoSuchNodeError) as caught:
            system.node(dn)
        assert str(caught.value) == f"the tree has no node {dn!r}"
        with pytest.raises(otp.NoSuchNodeError):
            system.restart(dn)
    assert issubclass(otp.NoSuchNodeError, LookupError)
