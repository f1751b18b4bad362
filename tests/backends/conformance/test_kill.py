"""The engine's side of a forced kill: it comes at the deadline, once, and only where a backend can do it."""

from __future__ import annotations

import pytest

import otp
from otp.tree.mailbox import ThreadMailbox


class Handle:
    """Of a runnable that runs nowhere: it ends when it is told to."""

    def __init__(self, incarnation, seen):
        self.incarnation = incarnation
        self._seen = seen

    def cancel(self):
        self._seen.write(("cancel", self.incarnation.number))

    def kill(self):
        self._seen.write(("kill", self.incarnation.number))

    def stack(self):
        return "nowhere\n"


class ImaginaryBackend:
    name = "imaginary"
    makes_thread = False

    def __init__(self, seen, *, killable):
        self.killable = killable
        self._seen = seen
        self.handles = []

    def mailbox(self, dn):
        return ThreadMailbox(dn)

    def start(self, incarnation, job):
        handle = Handle(incarnation, self._seen)
        self.handles.append(handle)
        self._seen.write(("start", incarnation.number))
        return handle

    def close(self):
        pass

    def join(self, timeout):
        pass


@pytest.fixture
def imaginary(stage):
    def make(*, killable):
        async def script(life):
            raise AssertionError

        backend = ImaginaryBackend(stage.journal, killable=killable)
        child = stage.child(script, shutdown=3.0)
        child.runnable.backend = backend
        return backend, stage.play_group({"a": child})

    return make


def test_a_killable_runnable_is_killed_at_its_deadline_and_not_before(stage, imaginary):
    backend, system = imaginary(killable=True)
    assert stage.journal.next() == ("start", 1)
    system.restart("root.a")
    assert stage.journal.next() == ("cancel", 1)
    stage.clock.advance(2.9)
    system.tree()
    assert stage.journal.empty
    stage.clock.advance(0.1)
    assert stage.journal.next() == ("kill", 1)
    assert not system.node("root.a").stuck
    backend.handles[0].incarnation.end(otp.tree.decision.messages.End.RAISED)
    assert stage.journal.next() == ("start", 2)
    backend.handles[1].incarnation.end(otp.tree.decision.messages.End.RETURNED)


def test_a_killed_runnable_starts_anew_only_once_its_end_is_confirmed(stage, imaginary):
    backend, system = imaginary(killable=True)
    assert stage.journal.next() == ("start", 1)
    system.restart("root.a")
    assert stage.journal.next() == ("cancel", 1)
    stage.clock.advance(3.0)
    assert stage.journal.next() == ("kill", 1)
    stage.clock.advance(1000.0)
    assert system.node("root.a").incarnation == 1
    assert stage.journal.empty
    backend.handles[0].incarnation.end(otp.tree.decision.messages.End.RAISED)
    assert stage.journal.next() == ("start", 2)
    backend.handles[1].incarnation.end(otp.tree.decision.messages.End.RETURNED)


def test_what_cannot_be_killed_is_never_told_to_die(stage, imaginary):
    backend, system = imaginary(killable=False)
    assert stage.journal.next() == ("start", 1)
    system.restart("root.a")
    assert stage.journal.next() == ("cancel", 1)
    stage.clock.advance(3.0)
    stuck = stage.await_event(otp.events.Stuck, None)
    assert [(node.dn, node.stack) for node in stuck.nodes] == [("root.a", "nowhere\n")]
    assert system.node("root.a").stuck
    assert stage.journal.empty
    backend.handles[0].incarnation.end(otp.tree.decision.messages.End.RETURNED)
    assert stage.journal.next() == ("start", 2)
    backend.handles[1].incarnation.end(otp.tree.decision.messages.End.RETURNED)
