"""How messages travel: lifecycle goes up node by node and reaches the root supervisor last; actions go straight."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pykka
import pytest

import otp
from otp.tree.actor import Address
from otp.tree.decision.messages import Cancel, Ended, Signaled, Spawned, Start
from otp.tree.incarnation import Lifecycle
from otp.tree.loop import Loop
from otp.tree.node import Node
from otp.tree.supervisor import Supervisor

SUPERVISOR = "(supervisor)"


@dataclass(frozen=True)
class Letter:
    """What was told or asked: to whom, what, where the answer goes, and whether from within the tree."""

    actor: pykka.Actor
    message: object
    reply_to: object
    inside: bool


@pytest.fixture
def letters(monkeypatch):
    """All messages, in the order in which they were sent."""
    log: list[Letter] = []
    post = Loop.post

    def recording(loop, actor, message, reply_to=None):
        log.append(Letter(actor, message, reply_to, loop.inside))
        post(loop, actor, message, reply_to)

    monkeypatch.setattr(Loop, "post", recording)
    return log


def place(actor):
    return actor.dn if isinstance(actor, Node) else SUPERVISOR


def way_of(letters, event_type, dn):
    """Whose inboxes the first lifecycle message of that kind from `dn` went through."""
    first = next(
        letter.message
        for letter in letters
        if isinstance(letter.message, Lifecycle)
        and isinstance(letter.message.event, event_type)
        and letter.message.incarnation.dn == dn
    )
    return [place(letter.actor) for letter in letters if letter.message is first]


def three_levels(stage, leaf):
    return stage.parent_of(a=stage.parent_of(b=leaf))


@pytest.mark.parametrize("event_type", [Spawned, Signaled, Ended])
def test_a_lifecycle_message_climbs_level_by_level_and_the_root_supervisor_gets_it_last(stage, letters, event_type):
    def leaf():
        otp.run("d", stage.serve)
        stage.serve()

    system = stage.start(three_levels(stage, leaf))
    system.wait_healthy(5)
    system.stop()

    assert way_of(letters, event_type, "root.a.b") == ["root.a.b", "root.a", "root", SUPERVISOR]


def test_every_level_is_told_through_its_pykka_ref(stage, monkeypatch):
    told = []
    tell = Address.tell

    def recording(address, message):
        told.append(place(address._actor))
        tell(address, message)

    monkeypatch.setattr(Address, "tell", recording)
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.stop()

    assert set(told) == {"root", "root.a", "root.a.b", SUPERVISOR}
    assert issubclass(Address, pykka.ActorRef)


def test_every_node_and_the_supervisor_is_a_pykka_actor(stage, letters):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.stop()

    actors = {letter.actor for letter in letters}
    assert len(actors) == 4
    assert all(isinstance(actor, pykka.Actor) for actor in actors)
    assert all(isinstance(actor.actor_ref, pykka.ActorRef) for actor in actors)
    assert [type(actor) for actor in actors].count(Supervisor) == 1


@pytest.mark.parametrize("action_type", [Start, Cancel])
def test_an_action_goes_straight_to_the_node_it_concerns(stage, letters, action_type):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.stop()

    told = [(letter.actor, letter.message) for letter in letters if isinstance(letter.message, action_type)]
    assert sorted(place(actor) for actor, _ in told) == ["root", "root.a", "root.a.b"]
    assert all(actor._id == message.node for actor, message in told)


def test_no_node_asks_another_one(stage, letters):
    system = stage.start(three_levels(stage, stage.serve))
    system.wait_healthy(5)
    system.restart("root.a")
    system.wait_healthy(5)
    system.stop()

    from_inside = [letter.reply_to for letter in letters if letter.inside]
    assert from_inside
    assert set(from_inside) == {None}


def test_a_restart_of_the_root_supervisor_s_child_comes_from_the_root_supervisor_alone(stage, letters):
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
        (place(letter.actor), letter.message.incarnation) for letter in letters if isinstance(letter.message, Start)
    ]
    assert starts[-1] == ("root.a.b", 2)
