"""A start: the runnable gets its arguments and its context, or is never run."""

from __future__ import annotations

import pytest

import otp
from otp.tree.decision.messages import End, Ended


def test_a_runnable_finds_its_own_node_from_its_first_line_on(stage):
    async def script(life):
        me = otp.current()
        stage.journal.write((me.dn, me.name, me.incarnation, otp.canceled()))
        await life.until_canceled()

    stage.play(script)
    assert stage.journal.next() == ("root.a", "a", 1, False)


def test_a_runnable_gets_its_arguments(stage):
    async def script(life, *args):
        stage.journal.write(args)
        await life.until_canceled()

    stage.play(script, 1, "two", None)
    assert stage.journal.next() == (1, "two", None)


def test_a_runnable_gets_the_same_arguments_in_each_incarnation(stage):
    given = object()

    async def script(life, thing):
        stage.journal.write(thing)
        await life.until_canceled()

    system = stage.play(script, given)
    assert stage.journal.next() is given
    system.restart("root.a")
    assert stage.journal.next() is given


def test_the_tree_names_the_backend_and_shows_a_new_node(stage, adapter):
    async def script(life):
        stage.journal.write("here")
        await life.until_canceled()

    system = stage.play(script)
    assert stage.journal.next() == "here"
    node = system.node("root.a")
    assert (node.backend, node.state, node.incarnation) == (adapter.name, otp.NodeState.NEW, 1)


@pytest.mark.parametrize("woken", [True, False])
def test_a_runnable_canceled_before_it_began_never_runs_and_has_left(solo, woken):
    """The token is what counts; the handle's cancel only wakes."""
    ran: list[int] = []

    async def script(life):
        ran.append(1)

    incarnation = solo.incarnation()
    incarnation.cancel()
    handle = solo.start(incarnation, script)
    if woken:
        handle.cancel()
    event = solo.report().event
    assert isinstance(event, Ended)
    assert event.end is End.LEFT
    assert event.error is None
    assert ran == []


def test_a_runnable_reports_one_end(solo):
    async def script(life):
        return "anything"

    handle = solo.start(solo.incarnation(), script)
    assert solo.report().event.end is End.RETURNED
    handle.cancel()
    again = solo.incarnation(2)
    solo.start(again, script)
    assert solo.report().incarnation is again
    assert solo.silent


def test_an_end_comes_with_the_exception_itself_and_its_text(solo):
    async def script(life):
        message = "the disk is full"
        raise OSError(message)

    solo.start(solo.incarnation(), script)
    report = solo.report()
    assert isinstance(report.exception, OSError)
    assert report.event.error == "OSError: the disk is full"
    assert "in script" in str(report.event.traceback)
    assert "raise OSError(message)" in str(report.event.traceback)
