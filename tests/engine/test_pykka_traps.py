"""The traps of pykka that are known, each sprung on the actors of a tree; and what of pykka's insides they stand on."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading

import pykka
import pykka._actor
import pykka._envelope
import pykka.messages
import pytest

import otp
from otp.tree.actor import Actor
from otp.tree.loop import Loop
from otp.tree.supervisor import Look, Supervisor


class Echo(Actor):
    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        return message


@pytest.fixture
def echo(clock):
    """An actor of our type, in a loop of its own."""
    loop = Loop(clock, "the loop", lambda garbage: None)
    loop.on_fault = lambda error: None
    ref = Echo.start(loop)
    loop.start()
    yield ref
    loop.post(_Closer(loop), None)
    loop.join()


class _Closer(Actor):
    def on_receive(self, _message):
        self.loop.close()


# --- the traps


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_under_ask_reaches_the_asker_and_harms_nobody(echo, error):
    foreign = pykka.ThreadingActor.start()
    with pytest.raises(error):
        echo.ask(error(), timeout=5)

    assert echo.ask("still here", timeout=5) == "still here"
    assert foreign.is_alive()
    foreign.stop()


def test_an_exception_under_tell_harms_nobody(echo):
    foreign = pykka.ThreadingActor.start()
    echo.tell(KeyboardInterrupt())

    assert echo.ask("still here", timeout=5) == "still here"
    assert foreign.is_alive()
    foreign.stop()


def test_the_registry_never_has_our_actors(echo):
    assert pykka.ActorRegistry.get_all() == []
    assert echo.stop(timeout=5)
    assert not echo.is_alive()


def test_an_ask_that_races_the_end_of_the_loop_is_always_answered(clock):
    """Many ask while the loop is closed; with threads switched as often as can be, every order comes up."""
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        outcomes = [_ask_while_closing(clock) for _ in range(100)]
    finally:
        sys.setswitchinterval(switching)

    unanswered = sum(answers.count("unanswered") for answers in outcomes)
    assert unanswered == 0
    assert any("dead" in answers for answers in outcomes)


def _ask_while_closing(clock):
    loop = Loop(clock, "the loop", lambda garbage: None)
    ref, closer = Echo.start(loop), _Closer.start(loop)
    loop.start()
    answers = []

    def ask():
        for _ in range(10):
            try:
                answers.append(ref.ask("answered", timeout=10))
            except pykka.ActorDeadError:
                answers.append("dead")
            except pykka.Timeout:
                answers.append("unanswered")

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    closer.tell("close")
    for asker in askers:
        asker.join()
    loop.join()
    assert len(answers) == 30
    return answers


def test_no_one_is_kept_waiting_by_an_event_loop(stage):
    """`await future` of pykka's would block the loop; none of the façade waits for an actor."""
    ticks = []

    async def root():
        for index in range(20):
            otp.run(f"c{index}", stage.serve_async)
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.get_running_loop().create_future()

    async def watch():
        asyncio.get_running_loop().call_soon(ticks.append, "tick")
        async with stage.system(root) as system:
            await system.await_healthy(5)
            system.tree()
        return system.tree().state

    assert asyncio.run(watch()) is otp.NodeState.CANCELED
    assert ticks == ["tick"]


# --- the context


COLOR = contextvars.ContextVar("color", default="none")


def test_each_runnable_has_a_context_of_its_own(stage):
    seen = {}

    def child():
        seen[otp.current().dn] = COLOR.get()
        COLOR.set(otp.current().dn)
        stage.serve()

    async def async_child():
        seen[otp.current().dn] = COLOR.get()
        COLOR.set(otp.current().dn)
        await stage.serve_async()

    def root():
        COLOR.set("root's")
        otp.run("a", child)
        otp.run("b", async_child)
        otp.run("c", async_child)
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(5)

    assert seen == {"root.a": "none", "root.b": "none", "root.c": "none"}
    assert COLOR.get() == "none"


def test_bind_carries_the_whole_context_into_many_threads_at_once(stage):
    seen = []
    together = threading.Barrier(4)

    def root():
        COLOR.set("green")

        def helper():
            together.wait()  # a context can be entered by one thread at a time only
            seen.append((otp.current().dn, COLOR.get()))
            together.wait()

        helpers = [threading.Thread(target=otp.bind(helper)) for _ in range(4)]
        for thread in helpers:
            thread.start()
        for thread in helpers:
            thread.join()
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(5)

    assert seen == [("root", "green")] * 4


# --- what of pykka's insides the actor type stands on


def test_pykka_still_has_what_the_actor_type_overrides():
    for name in ("_create_actor_inbox", "_create_future", "_start_actor_loop", "_handle_receive", "_stop"):
        assert name in vars(pykka.Actor), name
    assert list(inspect.signature(pykka.Actor._handle_receive).parameters) == ["self", "message"]
    assert list(inspect.signature(pykka.Actor._stop).parameters) == ["self"]
    assert isinstance(inspect.getattr_static(pykka.Actor, "_create_actor_inbox"), staticmethod)
    assert isinstance(inspect.getattr_static(pykka.Actor, "_create_future"), staticmethod)
    assert issubclass(Actor, pykka.Actor)
    assert not inspect.isabstract(Echo)


def test_pykka_still_puts_what_is_asked_into_the_inbox_of_the_ref(echo, monkeypatch):
    put = []
    monkeypatch.setattr(Echo, "put", lambda _actor, envelope: put.append(envelope))
    future = echo.ask("asked", block=False)

    assert [type(envelope) for envelope in put] == [pykka._envelope.Envelope]
    assert [(envelope.message, envelope.reply_to) for envelope in put] == [("asked", future)]


def test_pykka_still_takes_exceptions_as_triples(echo):
    future = echo.ask("x", block=False).__class__()
    future.set_exception((ValueError, ValueError("text"), None))

    with pytest.raises(ValueError, match="text"):
        future.get(timeout=0)


def test_pykka_s_stop_message_stops_our_actor_and_no_registry_is_asked(echo, monkeypatch):
    unregistered = []
    monkeypatch.setattr(pykka.ActorRegistry, "unregister", unregistered.append)

    assert echo.stop(timeout=5) is True
    assert not echo.is_alive()
    assert unregistered == []
    with pytest.raises(pykka.ActorDeadError):
        echo.tell("late")


def test_pykka_s_proxies_work_with_our_actor(echo):
    assert echo.proxy().on_receive("through a proxy").get(timeout=5) == "through a proxy"


def test_a_message_that_no_actor_of_the_tree_knows_is_reported_by_pykka_and_harms_nobody(stage, caplog):
    system = stage.start(stage.serve)
    system.wait_healthy(5)
    system._engine._ref.tell("what is this")
    rows = system._engine._ref.ask(Look(), timeout=5)
    node = system._engine._supervisor._nodes[next(iter(system._engine._supervisor._nodes))]
    node.tell("and this")
    assert system._engine._ref.ask(Look(), timeout=5) is rows

    reported = [record.getMessage() for record in caplog.records if record.name == "pykka"]
    assert len(reported) == 2
    assert reported[0].startswith("Unexpected message received by Supervisor")
    assert reported[1].startswith("Unexpected message received by Node")
    assert isinstance(system._engine._supervisor, Supervisor)
