"""The node actor by itself, between a parent that remembers and a backend that can kill."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace

import pytest

from otp.tree.actor import Actor
from otp.tree.backend import Job
from otp.tree.clock import SystemClock
from otp.tree.decision.messages import Cancel, End, Ended, Kill, Signal, Signaled, Start, Stuck
from otp.tree.decision.policy import Policy
from otp.tree.directory import Directory
from otp.tree.incarnation import Lifecycle, Spec
from otp.tree.loop import Loop
from otp.tree.mailbox import ThreadMailbox
from otp.tree.node import Expose, Gathering, Node, Retire, World


class Parent(Actor):
    def __init__(self, loop, told):
        super().__init__(loop)
        self.told = told

    def on_receive(self, message):
        if message == "close":
            self.loop.close()
        else:
            self.told.append(message)


class Backend:
    """Runs nothing, and can kill it."""

    name = "fake"
    killable = True
    makes_thread = False

    def __init__(self):
        self.handles = []
        self.error = None

    def mailbox(self, dn):
        return ThreadMailbox(dn)

    def start(self, incarnation, job):
        if self.error is not None:
            raise self.error
        self.handles.append(Handle(incarnation, job))
        return self.handles[-1]


class Handle:
    def __init__(self, incarnation, job):
        self.incarnation = incarnation
        self.job = job
        self.done = []

    def cancel(self):
        self.done.append("cancel")

    def kill(self):
        self.done.append("kill")


class Scene:
    """A node `root.a` of the id 7, and its surroundings."""

    def __init__(self, clock):
        self.garbage, self.told = [], []
        self.backend = Backend()
        self.loop = Loop(clock, "the loop", self.garbage.extend)
        self.loop.faults = []
        self.loop.on_fault = self.loop.faults.append
        world = World(
            loop=self.loop,
            clock=clock,
            draw=lambda: 0.25,
            births=itertools.count(100).__next__,
            fencing_token=itertools.count(1000).__next__,
            system=SimpleNamespace(directory=Directory(SystemClock())),
        )
        self.parent = Parent.start(self.loop, self.told)
        self.spec = Spec(7, "a", Policy(), Job(print, ("argument",)), self.backend)
        self.node = Node.start(world, self.spec, "root.a", self.parent, ThreadMailbox("root.a"))
        self.loop.start()

    def tell(self, *messages):
        """Has them handled by the node, and returns what came of it at the parent."""
        self.node.ask(Kill(7, -1), timeout=5)
        self.told.clear()
        for message in messages:
            self.node.tell(message)
        self.node.ask(Kill(7, -1), timeout=5)
        return list(self.told)

    @property
    def handle(self):
        return self.backend.handles[-1]


@pytest.fixture
def scene(clock):
    scene = Scene(clock)
    yield scene
    scene.parent.tell("close")
    scene.loop.join()
    assert scene.loop.faults == []


def test_a_start_gives_the_job_to_the_backend_in_a_new_incarnation(scene, clock):
    scene.tell(Start(7, 3))
    incarnation = scene.handle.incarnation

    assert scene.handle.job is scene.spec.job
    assert (incarnation.node, incarnation.dn, incarnation.name, incarnation.number) == (7, "root.a", "a", 3)
    assert incarnation.fencing_token == 1000
    assert not incarnation.is_canceled


def test_each_incarnation_has_a_higher_fencing_token(scene):
    for number in range(1, 4):
        scene.tell(Start(7, number))
        scene.handle.incarnation.end(End.RETURNED)

    assert [handle.incarnation.fencing_token for handle in scene.backend.handles] == [1000, 1001, 1002]


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError(), OSError()])
def test_a_start_that_fails_is_told_as_an_end(scene, error):
    scene.backend.error = error
    (told,) = scene.tell(Start(7, 1))

    assert (told.event.node, told.event.incarnation, told.event.end) == (7, 1, End.RAISED)
    assert told.event.error.startswith(type(error).__name__)
    assert told.exception is error
    assert told.event.draw == 0.25


def test_after_a_start_that_failed_the_next_one_is_tried(scene):
    scene.backend.error = MemoryError()
    scene.tell(Start(7, 1))
    scene.backend.error = None
    scene.tell(Start(7, 2))

    assert scene.handle.incarnation.number == 2


def test_a_cancel_sets_the_token_and_is_passed_to_the_backend(scene):
    scene.tell(Start(7, 1), Cancel(7, 1))

    assert scene.handle.incarnation.is_canceled
    assert scene.handle.done == ["cancel"]


def test_a_kill_is_passed_to_the_backend(scene):
    scene.tell(Start(7, 1), Cancel(7, 1), Kill(7, 1))

    assert scene.handle.done == ["cancel", "kill"]


@pytest.mark.parametrize("command", [Cancel(7, 1), Kill(7, 1)])
def test_a_command_to_an_earlier_incarnation_does_nothing(scene, command):
    scene.tell(Start(7, 1))
    scene.handle.incarnation.end(End.RETURNED)
    scene.tell(Start(7, 2), command)

    assert scene.handle.incarnation.number == 2
    assert not scene.handle.incarnation.is_canceled
    assert [handle.done for handle in scene.backend.handles] == [[], []]


@pytest.mark.parametrize("command", [Cancel(7, 1), Kill(7, 1)])
def test_a_command_to_what_has_ended_does_nothing(scene, command):
    scene.tell(Start(7, 1))
    scene.handle.incarnation.end(End.RETURNED)
    scene.tell()

    assert scene.tell(command) == []
    assert scene.handle.done == []


def test_what_the_runnable_tells_goes_to_the_parent(scene):
    scene.tell(Start(7, 1))
    scene.handle.incarnation.signal(Signal.HEALTHY)
    scene.handle.incarnation.end(End.RETURNED)
    scene.node.ask(Kill(7, -1), timeout=5)

    assert [type(message.event) for message in scene.told] == [Signaled, Ended]


def test_what_an_earlier_incarnation_tells_is_dropped_elsewhere(scene):
    scene.tell(Start(7, 1))
    stale = scene.handle.incarnation
    stale.end(End.RETURNED)
    scene.tell(Start(7, 2))
    late = Lifecycle(Signaled(7, 1, Signal.HEALTHY, 0.0), stale)

    assert scene.tell(late) == []
    assert late in scene.garbage


def test_a_number_alone_makes_no_incarnation_the_current_one(scene):
    """Below a parent that was restarted the numbers begin anew."""
    scene.tell(Start(7, 1))
    stale = scene.handle.incarnation
    stale.end(End.RETURNED)
    scene.tell(Start(7, 1))

    assert scene.tell(Lifecycle(Ended(7, 1, End.RETURNED, 0.0), stale)) == []


def test_what_comes_from_below_goes_up_whatever_its_incarnation(scene):
    below = Lifecycle(Signaled(8, 1, Signal.HEALTHY, 0.0), None)

    assert scene.tell(below) == [below]


def test_an_end_lets_go_of_incarnation_and_handle_elsewhere(scene):
    scene.tell(Start(7, 1))
    incarnation, handle = scene.handle.incarnation, scene.handle
    incarnation.end(End.RETURNED)
    scene.node.ask(Kill(7, -1), timeout=5)

    assert scene.garbage == [incarnation, handle]


def test_who_is_stuck_hands_in_its_handle_and_who_has_ended_nothing(scene):
    running, ended = (Gathering(Stuck(((7, "root.a", 1),), 0.0), (Policy(),)) for _ in range(2))
    scene.tell(Start(7, 1), Expose(running))
    scene.handle.incarnation.end(End.RETURNED)
    scene.tell(Expose(ended))

    assert running.handles == {7: scene.handle}
    assert ended.handles == {7: None}


def test_a_node_that_has_left_the_tree_lets_go_of_the_users_objects_elsewhere(scene):
    actor = scene.node._actor_weakref()
    scene.node.tell(Retire())
    scene.parent.ask("anything", timeout=5)
    assert not scene.node.is_alive()

    assert scene.spec in scene.garbage
    assert actor.spec is None


def test_a_start_after_it_has_left_starts_nothing(scene):
    actor = scene.node._actor_weakref()
    handled = threading.Event()

    class Late(Actor):
        def on_receive(self, _message):
            actor.on_receive(Retire())
            actor.on_receive(Start(7, 1))
            handled.set()

    Late.start(scene.loop).tell("now")

    assert handled.wait(5)
    assert scene.backend.handles == []
