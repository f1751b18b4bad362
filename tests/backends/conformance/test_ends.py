"""Every kind of end, under every restart type (R3, R5)."""

from __future__ import annotations

import asyncio

import pytest

import otp

PERMANENT, TRANSIENT, TEMPORARY = otp.Restart


class Weird(BaseException):
    pass


def hostile_exception():
    class HostileError(Exception):
        def __str__(self):
            raise Weird

    return HostileError()


@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT])
def test_a_return_after_done_is_done(stage, restart):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    system = stage.play(script, restart=restart)
    stage.await_event(otp.events.Done)
    assert system.node("root.a").state is otp.NodeState.DONE
    assert system.node("root.a").last_error is None


def test_a_permanent_child_that_returns_without_done_is_dead(stage):
    async def script(life):
        otp.signal(otp.Signal.HEALTHY)

    system = stage.play(script)
    died = stage.await_event(otp.events.Died)
    assert (died.error, died.traceback) == ("returned without having signaled DONE", None)
    assert system.node("root.a").state is otp.NodeState.DEAD


def test_a_transient_child_that_returns_without_done_is_done(stage):
    async def script(life):
        return 17

    system = stage.play(script, restart=TRANSIENT)
    stage.await_event(otp.events.Done)
    assert system.node("root.a").state is otp.NodeState.DONE


def test_a_temporary_child_that_returns_is_done_and_stays(stage):
    async def script(life):
        pass

    system = stage.play(script, restart=TEMPORARY)
    stage.await_event(otp.events.Done)
    assert system.node("root.a").state is otp.NodeState.DONE


def test_a_temporary_child_that_dies_is_removed(stage):
    async def script(life):
        raise ValueError

    system = stage.play(script, restart=TEMPORARY)
    assert stage.await_event(otp.events.Died).restart_in is None
    stage.await_event(otp.events.Removed)
    with pytest.raises(otp.NoSuchNodeError, match=r"root\.a"):
        system.node("root.a")


@pytest.mark.parametrize("restart", [PERMANENT, TRANSIENT])
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: ValueError("no"), "ValueError: no"),
        (lambda: KeyError("a"), "KeyError: 'a'"),
        (lambda: SystemExit(3), "SystemExit: 3"),
        (SystemExit, "SystemExit"),
        (KeyboardInterrupt, "KeyboardInterrupt"),
        (GeneratorExit, "GeneratorExit"),
        (lambda: Weird("odd"), "Weird: odd"),
        (lambda: ExceptionGroup("both", [ValueError(1), OSError(2)]), "ExceptionGroup: both (2 sub-exceptions)"),
        (MemoryError, "MemoryError"),
        (hostile_exception, "hostile_exception.<locals>.HostileError: (its message could not be made)"),
    ],
)
def test_whatever_a_runnable_raises_is_its_death_and_it_starts_again(stage, restart, make, error):
    async def script(life):
        stage.journal.write(otp.current().incarnation)
        if otp.current().incarnation == 1:
            raise make()
        await life.until_canceled()

    system = stage.play(script, restart=restart)
    died = stage.await_event(otp.events.Died)
    assert (died.dn, died.incarnation, died.error) == ("root.a", 1, error)
    assert died.traceback is not None
    assert died.restart_in == 1.0
    stage.clock.advance(1.0)
    stage.await_event(otp.events.Started)
    assert [stage.journal.next(), stage.journal.next()] == [1, 2]
    node = system.node("root.a")
    assert (node.state, node.restarts, node.last_error) == (otp.NodeState.NEW, 1, error)


@pytest.mark.parametrize("kind", [otp.Canceled, asyncio.CancelledError])
def test_to_leave_as_if_canceled_without_having_been_is_a_death(stage, kind):
    async def script(life):
        raise kind

    system = stage.play(script)
    died = stage.await_event(otp.events.Died)
    assert died.incarnation == 1
    assert system.node("root.a").state is otp.NodeState.DEAD
    assert system.node("root.a").last_error == died.error


def test_the_one_who_leaves_uncanceled_is_told_what_was_wrong(stage, adapter):
    async def script(life):
        raise adapter.cancel_type

    stage.play(script)
    died = stage.await_event(otp.events.Died)
    assert died.error == "left as if it had been canceled, but it was not"
    assert "in script\n    raise adapter.cancel_type" in died.traceback, "and where that was"


def test_a_stop_iteration_does_not_pass_for_a_return(stage):
    async def script(life):
        raise StopIteration

    stage.play(script)
    assert "StopIteration" in stage.await_event(otp.events.Died).error
