"""Sinks of users that block or raise: the log suffers, the tree does not."""

from __future__ import annotations

import threading

import loguru
import pytest

import otp


@pytest.fixture
def sinks():
    """Adds sinks to loguru; taken out again when the tree has gone. Before `stage` in the arguments of a test."""
    loguru.logger.enable("otp")
    added = []

    def add(sink, **options):
        added.append(loguru.logger.add(sink, **options))

    yield add
    for number in added:
        loguru.logger.remove(number)


@pytest.fixture
def hook(monkeypatch):
    """The exceptions that were handed to `threading.excepthook`."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    return seen


def dies():
    raise ValueError


def lives(story, number):
    """Waits until the node has died that often."""
    return story.until(otp.events.Died, "root.a", incarnation=number)


def test_a_sink_that_blocks_does_not_stop_the_tree(sinks, stage):
    gate, blocked = stage.gate(), threading.Event()

    def sink(_message):
        blocked.set()
        gate.wait()

    sinks(sink)
    system, story = stage.watch(stage.parent_of(a=dies, b=stage.serve), backoff=otp.Backoff(initial=0))
    assert blocked.wait(5)
    lives(story, 100)
    system.restart("root.b")
    story.until(otp.events.Healthy, "root.b", incarnation=2)

    assert system.stop().unstopped == ()
    assert not gate.is_set()


def test_what_a_blocked_sink_cannot_take_is_lost_and_counted(sinks, stage, monkeypatch):
    gate, blocked = stage.gate(), threading.Event()

    def sink(_message):
        blocked.set()
        gate.wait()

    sinks(sink)
    monkeypatch.setattr("otp.engine._LOG_BOUND", 10)
    system, story = stage.watch(stage.parent_of(a=dies), backoff=otp.Backoff(initial=0))
    assert blocked.wait(5)
    lives(story, 50)

    assert system._engine._log.lost >= 50
    assert system._engine._log._queue.qsize() <= 10


def test_a_sink_that_raises_what_loguru_catches_does_not_stop_the_tree_nor_the_log(sinks, stage, capsys):
    lines = []

    def sink(message):
        lines.append(message)
        raise ValueError

    sinks(sink)
    system, story = stage.watch(stage.parent_of(a=dies), backoff=otp.Backoff(initial=0))
    lives(story, 5)

    assert system.stop().unstopped == ()
    assert len([line for line in lines if "died" in line]) >= 5
    assert "Logging error in Loguru Handler" in capsys.readouterr().err


@pytest.mark.parametrize("exception", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_sink_that_raises_what_nobody_catches_does_not_stop_the_tree_nor_the_log(sinks, stage, hook, exception):
    lines = []

    def sink(message):
        lines.append(message)
        raise exception

    sinks(sink, catch=False)
    system, story = stage.watch(stage.parent_of(a=dies), backoff=otp.Backoff(initial=0))
    lives(story, 5)

    assert system.stop().unstopped == ()
    assert len([line for line in lines if "died" in line]) >= 5
    assert set(hook) == {exception}


def test_a_hook_for_exceptions_that_raises_does_not_end_the_log(sinks, stage, monkeypatch):
    def refuse(*_args):
        raise SystemExit

    lines = []

    def sink(message):
        lines.append(message)
        raise ValueError

    monkeypatch.setattr(threading, "excepthook", refuse)
    sinks(sink, catch=False)
    system, story = stage.watch(stage.parent_of(a=dies), backoff=otp.Backoff(initial=0))
    lives(story, 5)

    assert system.stop().unstopped == ()
    assert len([line for line in lines if "died" in line]) >= 5


def test_a_sink_may_ask_the_system_what_is_going_on(sinks, stage):
    seen = []

    def sink(message):
        if message.record["extra"].get("dn") == "root.a":
            seen.append(system.node("root.a").dn)

    sinks(sink)
    system = stage.system(stage.parent_of(a=dies))
    story = stage.story(system)
    system.start()
    lives(story, 1)
    system.stop()

    assert set(seen) == {"root.a"}


def test_a_sink_that_stops_the_system_stops_it(sinks, stage):
    def sink(message):
        if "died" in message:
            system.request_stop()

    sinks(sink)
    system = stage.system(stage.parent_of(a=dies))
    system.start()
    system.join(10)

    assert system.tree().state is otp.NodeState.CANCELED


@pytest.mark.parametrize("exception", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_sink_that_raises_at_the_last_line_of_a_runnable_does_not_hide_its_end(sinks, stage, exception):
    def sink(message):
        if "no newline" in message:
            raise exception

    def writes():
        if otp.current().incarnation == 1:
            otp.raw_logger().write("no newline at the end")
            raise RuntimeError
        stage.serve()

    sinks(sink, catch=False)
    _, story = stage.watch(stage.parent_of(a=writes), backoff=otp.Backoff(initial=0))

    assert story.until(otp.events.Died, "root.a").error == "RuntimeError"
    assert story.until(otp.events.Healthy, "root.a").incarnation == 2


def test_braces_and_markup_in_an_error_are_text(sinks, stage):
    lines = []

    def hostile_text():
        text = "{0} {dn} {} </red> \x1b[31m %s"
        raise ValueError(text)

    sinks(lines.append, format="{message}", colorize=True)
    system, story = stage.watch(stage.parent_of(a=hostile_text))
    lives(story, 1)
    system.stop()

    assert any("ValueError: {0} {dn} {} </red>" in line for line in lines), lines
