"""Runnables that fork: the tree is in the parent alone, and what the child does there does not touch it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import traceback

import pytest

import otp
from otp import NodeState

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

PATIENCE = 10
"""Seconds after which a child that hangs is killed."""


class Child:
    """A child process, as its parent sees it."""

    def __init__(self):
        self.forked = threading.Event()
        self._read, self._write = os.pipe()
        self.pid = 0

    def fork(self):
        """Whether this is the child."""
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            return True
        self.pid = pid
        self.forked.set()
        return False

    def run(self, do):
        """In the child: do something, tell what came of it."""
        try:
            told = do()
        except BaseException:  # noqa: BLE001 - the parent shall know
            told = traceback.format_exc()
        os.write(self._write, repr(told).encode())

    def end(self):
        """How it ended, and what it told."""
        assert self.forked.wait(PATIENCE)
        os.close(self._write)
        with os.fdopen(self._read, "rb") as pipe:
            told = pipe.read().decode()
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), told


def outcome(call):
    """What a call does: the name of what it raises, or of what it returns."""
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - which is what is asked for
        return type(error).__name__
    return repr(result)


def test_the_facade_raises_in_the_child(stage):
    child = Child()
    calls = {
        "run": lambda: otp.run("a", stage.serve),
        "run_group": lambda: otp.run_group({"a": stage.serve}),
        "signal": lambda: otp.signal(otp.Signal.HEALTHY),
        "canceled": otp.canceled,
        "wait_canceled": otp.wait_canceled,
        "sleep": lambda: otp.sleep(60),
        "current": otp.current,
        "logger": otp.logger,
        "bind": lambda: otp.bind(stage.serve),
    }

    def forks():
        if child.fork():
            child.run(lambda: {name: outcome(call) for name, call in calls.items()})
            return
        stage.serve()

    system = stage.start(forks)
    system.wait_healthy(5)

    assert child.end() == (0, repr(dict.fromkeys(calls, "NotInRunnableError")))


def test_what_a_system_is_asked_in_the_child_it_answers_at_once(stage):
    child = Child()

    def forks():
        if child.fork():
            calls = {
                "stop": system.stop,
                "request_stop": system.request_stop,
                "tree": system.tree,
                "node": lambda: system.node("root"),
                "restart": lambda: system.restart("root"),
                "wait_healthy": system.wait_healthy,
                "wait_settled": system.wait_settled,
                "join": system.join,
                "astop": lambda: asyncio.run(system.astop()),
                "await_healthy": lambda: asyncio.run(system.await_healthy()),
                "new events": system.events,
                "events of the parent": lambda: list(story.stream),
            }
            child.run(lambda: {name: outcome(call) for name, call in calls.items()})
            return
        stage.serve()

    system = stage.system(forks)
    story = stage.story(system)
    system.start()
    system.wait_healthy(5)

    answers = {
        "stop": "StopReport(unstopped=())",
        "request_stop": "None",
        "tree": "SystemNotRunningError",
        "node": "SystemNotRunningError",
        "restart": "SystemNotRunningError",
        "wait_healthy": "BlockingCallError",
        "wait_settled": "BlockingCallError",
        "join": "BlockingCallError",
        "astop": "StopReport(unstopped=())",
        "await_healthy": "SystemNotRunningError",
        "new events": "SystemNotRunningError",
        "events of the parent": "[]",
    }
    assert child.end() == (0, repr(answers))
    assert system.node("root").state is NodeState.HEALTHY


def leave(how):
    if how == "raising":
        raise ValueError
    if how == "exiting":
        raise SystemExit(3)


@pytest.mark.parametrize("how", ["returning", "raising", "exiting"])
def test_the_child_leaves_the_runnable_and_the_parent_does_not_notice(stage, how):
    child = Child()

    def forks():
        if otp.current().incarnation == 1 and child.fork():
            leave(how)
            return
        stage.serve()

    system, story = stage.watch(stage.parent_of(a=forks, b=stage.serve))
    system.wait_healthy(5)
    assert child.end() == (0, "")
    system.restart("root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)
    system.stop()

    assert [type(event) for event in story.rest() if getattr(event, "dn", "") == "root.a"] == [
        otp.events.Started,
        otp.events.Healthy,
        otp.events.Canceled,
        otp.events.Started,
        otp.events.Healthy,
        otp.events.Canceled,
    ]


@pytest.mark.parametrize("how", ["returning", "raising", "exiting", "awaiting"])
def test_a_coroutine_leaves_the_event_loop_to_the_parent(stage, how):
    """The two share its selector, so a child that went on with the loop would take the parent's wake-ups."""
    child = Child()

    async def forks():
        if otp.current().incarnation == 1 and child.fork():
            if how == "awaiting":
                await asyncio.sleep(60)
            leave(how)
            return
        await stage.serve_async()

    system, story = stage.watch(stage.parent_of(a=forks, b=stage.serve_async))
    system.wait_healthy(5)
    assert child.end() == (0, "")
    for incarnation in range(2, 10):
        system.restart("root.b")
        story.until(otp.events.Healthy, "root.b", incarnation=incarnation)
    system.restart("root.a")
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert story.of(otp.events.Died) == []


def test_a_system_made_before_a_fork_is_started_in_the_child(stage):
    system = stage.system(stage.parent_of(a=stage.serve, b=stage.serve_async))
    child = Child()
    if child.fork():

        def whole_life():
            system.start()
            system.wait_healthy(5)
            return len(list(system.tree().walk())), system.stop()

        child.run(whole_life)
        os._exit(0)

    assert child.end() == (0, "(3, StopReport(unstopped=()))")
