"""The actor type by itself: what pykka expects of any actor holds, though none of pykka's own making is in it."""

from __future__ import annotations

import pykka
import pytest

from otp.tree.actor import Actor, ActorDeadError

from .helping import PATIENCE, Doer, Scene


@pytest.fixture
def scene(clock):
    scene = Scene(clock)
    yield scene
    scene.close()


def test_its_ref_is_a_pykka_ref_and_says_of_which_type_it_is(scene):
    assert isinstance(scene.doer, pykka.ActorRef)
    assert scene.doer.actor_class is Doer
    assert scene.doer.is_alive()
    assert str(scene.doer) == f"Doer ({scene.doer.actor_urn})"


def test_two_actors_are_told_from_each_other(scene):
    other = Doer.start(scene.loop, [])

    assert other != scene.doer
    assert other.actor_urn != scene.doer.actor_urn


def test_a_pykka_proxy_reaches_its_attributes(scene):
    scene.loop.start()
    proxy = scene.doer.proxy()
    scene.doer.tell("told")

    assert proxy.log.get(timeout=PATIENCE) == [("told", "the loop")]


@pytest.mark.parametrize("tell", ["tell", "tell_and_help"])
def test_what_has_stopped_is_told_nothing_and_answers_nothing(scene, tell):
    other = Doer.start(scene.loop, scene.log)
    scene.loop.start()
    assert other.stop(timeout=PATIENCE)

    assert not other.is_alive()
    with pytest.raises(ActorDeadError, match=r"^Doer \(urn:otp:\d+\) not found$"):
        getattr(other, tell)("late")
    with pytest.raises(ActorDeadError):
        other.ask("late", timeout=PATIENCE)
    assert scene.log == []


def test_what_pykka_would_make_for_it_is_never_made():
    """A pykka that asked for it would have called the constructor, or the loop, that this type has replaced."""
    with pytest.raises(AssertionError):
        Actor._create_actor_inbox()
    with pytest.raises(AssertionError):
        Actor._start_actor_loop(object.__new__(Actor))
