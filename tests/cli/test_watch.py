"""When `otp run` shows the tree: the events are played by the test, and what is shown is what `system.tree()` says then."""

from __future__ import annotations

import queue
import threading

import pytest

from otp import events
from otp.cli import watch as watching
from otp.streams import EventStream
from otp.tree.decision.model import NodeState
from otp.tree.snapshot import Row, snapshot

FOREVER = 1_000_000.0
SOON = 0.01


class Scene:
    """A tree, its events, and what of it has been shown."""

    def __init__(self, monkeypatch) -> None:
        self.shown: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.looks: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.stream = EventStream()
        self._row = ("root", -1, NodeState.NEW, 1, 0.0, None, None, "thread", False)
        monkeypatch.setattr(watching, "_print", self.shown.put)
        self._thread = threading.Thread(target=watching.watch, args=(self, self.stream), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tree(self):
        """What the watcher asks the system for."""
        self.looks.put(None)
        return snapshot([Row(*self._row)], 0.0)["root"]

    def change(self, state: NodeState, incarnation: int = 1) -> None:
        """The node changes; the event that tells of it follows."""
        self._row = ("root", -1, state, incarnation, 0.0, None, None, "thread", False)
        self.stream.push(events.Healthy(dn="root", incarnation=incarnation, time=0.0))

    def looked(self) -> None:
        """Wait until the watcher has asked for the tree."""
        self.looks.get(timeout=10)

    def shows(self) -> str:
        """Wait for what is shown next."""
        return self.shown.get(timeout=10)

    def end(self) -> None:
        self.stream.end()
        if self._thread.ident is not None:
            self._thread.join(10)


@pytest.fixture
def scene(monkeypatch):
    scene = Scene(monkeypatch)
    yield scene
    scene.end()


def test_a_tree_at_rest_is_shown_as_it_is(scene, monkeypatch):
    monkeypatch.setattr(watching, "_REST", SOON)
    scene.start()

    scene.change(NodeState.NEW)

    assert scene.shows() == "root  NEW       thread\n"


def test_a_tree_that_finds_no_rest_is_shown_nevertheless(scene, monkeypatch):
    monkeypatch.setattr(watching, "_REST", FOREVER)
    monkeypatch.setattr(watching, "_PATIENCE", SOON)
    scene.start()

    scene.change(NodeState.HEALTHY)

    assert scene.shows() == "root  HEALTHY   thread\n"


def test_what_looks_the_same_is_shown_once(scene, monkeypatch):
    monkeypatch.setattr(watching, "_REST", SOON)
    scene.start()

    scene.change(NodeState.HEALTHY)
    scene.looked()
    scene.change(NodeState.HEALTHY)
    scene.looked()
    scene.change(NodeState.DEAD)

    assert [scene.shows(), scene.shows()] == ["root  HEALTHY   thread\n", "root  DEAD      thread\n"]


def test_that_a_dead_node_has_died_once_more_is_no_news(scene, monkeypatch):
    monkeypatch.setattr(watching, "_REST", SOON)
    scene.start()

    for incarnation in (1, 2, 3):
        scene.change(NodeState.DEAD, incarnation)
        scene.looked()
    scene.change(NodeState.HEALTHY, 4)

    assert scene.shows() == "root  DEAD      thread\n"
    assert scene.shows() == "root  HEALTHY   thread, incarnation 4\n"


def test_a_tree_that_stops_is_shown_no_more(scene, monkeypatch):
    monkeypatch.setattr(watching, "_REST", SOON)
    scene.stream.push(events.Healthy(dn="root", incarnation=1, time=0.0))
    scene.stream.push(events.Stopping(time=0.0))
    scene.stream.push(events.Healthy(dn="root", incarnation=1, time=0.0))
    scene.stream.push(events.Stopped(unstopped=(), time=0.0))
    scene.start()
    scene.end()

    assert scene.shows().startswith("otp: stopping")
    assert scene.shows() == "otp: stopped\n"
    assert scene.shown.empty()
    assert scene.looks.empty()


def test_a_reader_who_has_gone_ends_the_watch_quietly(scene, monkeypatch):
    def refuse(_text: str) -> None:
        asked.set()
        raise BrokenPipeError

    asked = threading.Event()
    monkeypatch.setattr(watching, "_REST", SOON)
    monkeypatch.setattr(watching, "_print", refuse)
    scene.start()

    scene.change(NodeState.HEALTHY)

    assert asked.wait(10)
    scene.end()
    assert scene.shown.empty()
