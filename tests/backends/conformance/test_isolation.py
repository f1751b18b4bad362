"""What one incarnation has, no other one sees; and what it held, nobody holds when it has ended."""

from __future__ import annotations

import contextvars
import gc
import weakref

import pytest

import otp

word = contextvars.ContextVar("word", default="unset")


def test_context_variables_do_not_pass_from_one_incarnation_to_the_next(stage):
    async def script(life):
        stage.journal.write(word.get())
        word.set("set")
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    assert stage.journal.next() == "unset"
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert stage.journal.next() == "unset"


def test_context_variables_do_not_pass_between_nodes(stage, adapter):
    async def child(life):
        stage.journal.write((otp.current().dn, word.get()))
        await life.until_canceled()

    async def script(life):
        word.set("of a")
        otp.run("b", adapter.runnable(child))
        await life.until_canceled()

    stage.play(script)
    assert stage.journal.next() == ("root.a.b", "unset")
    assert word.get() == "unset"


def test_context_variables_of_who_starts_the_system_do_not_reach_its_runnables(stage):
    async def script(life):
        stage.journal.write(word.get())
        await life.until_canceled()

    def start():
        word.set("outside")
        stage.play(script)

    contextvars.copy_context().run(start)
    assert stage.journal.next() == "unset"


def test_each_of_many_nodes_finds_itself(stage):
    async def script(life, name):
        otp.signal(otp.Signal.HEALTHY)
        stage.journal.write((name, otp.current().dn))
        await life.until_canceled()

    names = [f"n{number}" for number in range(50)]
    stage.play_group({name: stage.child(script, name) for name in names})
    seen = sorted(stage.journal.next() for _ in names)
    assert seen == sorted((name, f"root.{name}") for name in names)


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_an_exception_is_dropped_without_waiting_for_the_garbage_collector(stage):
    class Error(Exception):
        pass

    async def script(life):
        error = Error()
        weakref.finalize(error, stage.journal.write, "dropped")
        if otp.current().incarnation == 1:
            raise error
        del error
        await life.until_canceled()

    stage.play(script)
    assert stage.journal.next() == "dropped"


class Resource:
    """A socket, say."""


def released(references):
    gc.collect()
    return all(reference() is None for reference in references)


def test_what_a_dead_runnable_held_in_its_frames_is_released(stage):
    references = []

    async def inner():
        held = Resource()
        references.append(weakref.ref(held))
        message = "while it held something"
        raise ValueError(message)

    async def script(life):
        if otp.current().incarnation > 1:
            stage.journal.write(released(references))
            await life.until_canceled()
        held = Resource()
        references.append(weakref.ref(held))
        try:
            await inner()
        except ValueError as error:
            message = "because of that"
            raise RuntimeError(message) from error

    stage.play(script)
    stage.await_event(otp.events.Died)
    stage.clock.advance(1.0)
    assert stage.journal.next() is True
    assert len(references) == 2


def test_what_a_canceled_runnable_held_is_released_when_the_next_begins(stage):
    references = []

    async def script(life):
        if otp.current().incarnation > 1:
            stage.journal.write(released(references))
            await life.until_canceled()
        held = Resource()
        references.append(weakref.ref(held))
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert stage.journal.next() is True
    assert len(references) == 1
