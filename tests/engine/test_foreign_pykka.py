"""Users have pykka actors of their own: what becomes of those does not touch the tree, nor the other way round."""

from __future__ import annotations

import threading

import pykka
import pytest

import otp


class Foreign(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, stopped):
        super().__init__()
        self.stopped = stopped

    def on_stop(self):
        self.stopped.set()

    def on_receive(self, message):
        raise message


@pytest.fixture
def foreign():
    stopped = threading.Event()
    ref = Foreign.start(stopped)
    yield ref, stopped
    ref.stop()


def test_the_tree_is_not_in_the_registry_of_actors(stage, foreign):
    ref, _ = foreign
    system = stage.start(stage.parent_of(a=stage.parent_of(b=stage.serve)))
    system.wait_healthy(5)

    assert pykka.ActorRegistry.get_all() == [ref]


def test_stopping_all_actors_does_not_stop_the_tree(stage, foreign):
    _, stopped = foreign
    system, story = stage.watch(stage.parent_of(a=stage.serve, b=stage.serve_async))
    system.wait_healthy(5)
    pykka.ActorRegistry.stop_all()
    assert stopped.is_set()
    system.restart("root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)
    system.wait_healthy(5)

    assert [node.incarnation for node in system.tree().children] == [2, 1]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_foreign_actor_that_takes_all_actors_down_with_it_does_not_take_the_tree(stage, foreign, exception):
    ref, stopped = foreign
    system, story = stage.watch(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    ref.tell(exception())
    assert stopped.wait(5)
    system.restart("root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert pykka.ActorRegistry.get_all() == []
    assert system.tree().incarnation == 1


def test_a_runnable_may_use_actors_and_stop_them(stage):
    stopped = threading.Event()

    def uses_actors():
        ref = Foreign.start(stopped)
        stage.serve()
        ref.stop()

    system = stage.start(stage.parent_of(a=uses_actors))
    system.wait_healthy(5)
    system.stop()

    assert stopped.is_set()


def test_the_end_of_a_tree_leaves_foreign_actors_alone(stage, foreign):
    ref, stopped = foreign
    system = stage.start(stage.parent_of(a=stage.serve))
    system.wait_healthy(5)
    system.stop()

    assert ref.is_alive()
    assert not stopped.is_set()
