"""Signals: HEALTHY once, DONE once and after it; a wrong one harms nobody but its caller."""

from __future__ import annotations

import pytest

import otp

HEALTHY, DONE = otp.Signal.HEALTHY, otp.Signal.DONE


def test_a_snapshot_made_after_a_signal_shows_it(stage):
    async def script(life):
        otp.signal(HEALTHY)
        stage.journal.write("said")
        await life.until_canceled()

    system = stage.play(script)
    assert stage.journal.next() == "said"
    assert system.node("root.a").state is otp.NodeState.HEALTHY


def test_a_node_is_done_when_its_runnable_has_returned_and_not_before(stage):
    gate = stage.new_gate()

    async def script(life):
        otp.signal(HEALTHY)
        otp.signal(DONE)
        stage.journal.write("said")
        await life.deaf_until(gate)

    system = stage.play(script)
    assert stage.journal.next() == "said"
    assert system.node("root.a").state is otp.NodeState.HEALTHY
    gate.open()
    assert stage.await_event(otp.events.Done).incarnation == 1
    assert system.node("root.a").state is otp.NodeState.DONE


@pytest.mark.parametrize(
    ("signals", "text"),
    [
        ((DONE,), "root.a cannot signal DONE: it has signaled nothing yet"),
        ((HEALTHY, HEALTHY), "root.a cannot signal HEALTHY: it has signaled HEALTHY already"),
        ((HEALTHY, DONE, DONE), "root.a cannot signal DONE: it has signaled DONE already"),
        ((HEALTHY, DONE, HEALTHY), "root.a cannot signal HEALTHY: it has signaled DONE already"),
    ],
)
def test_an_illegal_signal_is_an_error_at_the_caller_who_may_go_on(stage, signals, text):
    async def script(life):
        *legal, illegal = signals
        for signal in legal:
            otp.signal(signal)
        with pytest.raises(otp.IllegalSignalError) as caught:
            otp.signal(illegal)
        stage.journal.write(str(caught.value))
        await life.until_canceled()

    system = stage.play(script)
    assert stage.journal.next() == text
    assert system.node("root.a").state in {otp.NodeState.NEW, otp.NodeState.HEALTHY}
    assert system.tree().state in {otp.NodeState.NEW, otp.NodeState.HEALTHY}


def test_who_does_not_catch_it_dies_of_an_illegal_signal(stage):
    async def script(life):
        otp.signal(DONE)

    stage.play(script)
    assert stage.await_event(otp.events.Died).error.startswith("IllegalSignalError: root.a cannot signal DONE")


def test_each_incarnation_signals_anew(stage):
    async def script(life):
        otp.signal(HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    assert stage.await_event(otp.events.Healthy).incarnation == 1
    system.restart("root.a")
    assert stage.await_event(otp.events.Healthy).incarnation == 2
