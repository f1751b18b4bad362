"""How messages travel: lifecycle goes up node by node and reaches the root supervisor last; actions go straight."""

from __future__ import annotations

import threading

import pykka
import pytest
from pykka._envelope import Envelope

import otp
from otp.tree.actor import Inbox
from otp.tree.decision.messages import Cancel, Ended, Signaled, Spawned, Start
from otp.tree.incarnation import Lifecycle
from otp.tree.node import Node
from otp.tree.supervisor import Supervisor

SUPERVISOR = "(supervisor)"


@pytest.fixture
def post(monkeypatch):
    """All envelopes, in the order in which they were put into inboxes: (who gets it, envelope, in which thread)."""
    log: list[tuple[pykka.Actor, Envelope, str]] = []
    put = Inbox.put

    def recording(inbox, envelope):
        log.append((inbox._actor, envelope, threading.current_thread().name))
        put(inbox, envelope)

    monkeypatch.setattr(Inbox, "put", recording)
    return log


def place(actor):
    return actor.dn if isinstance(actor, Node) else SUPERVISOR


def way_of(post, event_type, dn):
    """Whose inboxes the first lifecycle message of that kind from `dn` went through."""
    first = next(
        envelope.message
        for _, envelope, _ in post
        if isinstance(envelope.message, Lifecycle)
        and isinstance(envelope.message.event, event_type)
        and envelope.message.incarnation.dn == dn
    )
    return [place(actor) for actor, envelope, _ in post if envelope.message is first]


def three_levels(stage, leaf):
    return stage.parent_of(a=stage.parent_of(b=leaf))


@pytest.mark.parametrize("event_type", [Spawned, Signaled, Ended])
def test_a_lifecycle_message_climbs_level_by_level_and_the_root_supervisor_gets_it_last(stage, post, event_type):
    def leaf():
        otp.run("d", stage.serve)
        stage.serve()

    system = stage.start(three_levels(stage, leaf))
    system.wait_healthy(5)
    system.stop()

    assert way_of(post, event_type, "root.a.b") == ["root.a.b", "root.a", "root", SUPERVISOR]


def test_what_travels_is_a_pykka_envelope_at_every_level(stage, post):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.stop()

    assert {type(envelope) for _, envelope, _ in post} == {Envelope}
    assert {place(actor) for actor, _, _ in post} == {"root", "root.a", "root.a.b", SUPERVISOR}


def test_every_node_and_the_supervisor_is_a_pykka_actor(stage, post):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.stop()

    actors = {actor for actor, _, _ in post}
    assert len(actors) == 4
    assert all(isinstance(actor, pykka.Actor) for actor in actors)
    assert all(isinstance(actor.actor_ref, pykka.ActorRef) for actor in actors)
    assert [type(actor) for actor in actors].count(Supervisor) == 1


@pytest.mark.parametrize("action_type", [Start, Cancel])
def test_an_action_goes_straight_to_the_node_it_concerns(stage, post, action_type):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.stop()

    told = [(actor, envelope.message) for actor, envelope, _ in post if isinstance(envelope.message, action_type)]
    assert sorted(place(actor) for actor, _ in told) == ["root", "root.a", "root.a.b"]
    assert all(actor._id == message.node for actor, message in told)


def test_no_node_asks_another_one(stage, post):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.restart("root.a")
    system.wait_healthy(5)
    system.stop()

    from_inside = [envelope for _, envelope, thread in post if thread == "otp: supervisor"]
    assert from_inside
    assert [envelope.reply_to for envelope in from_inside] == [None] * len(from_inside)


def test_a_restart_of_the_root_supervisor_s_child_comes_from_the_root_supervisor_alone(stage, post):
    died = threading.Event()

    def leaf():
        if not died.is_set():
            died.set()
            raise ValueError
        stage.serve()

    system = stage.start(three_levels(stage, leaf), backoff=otp.Backoff(initial=0))
    assert died.wait(5)
    system.wait_healthy(5)

    starts = [
        (place(actor), envelope.message.incarnation)
        for actor, envelope, thread in post
        if isinstance(envelope.message, Start) and thread == "otp: supervisor"
    ]
    assert starts[-1] == ("root.a.b", 2)
