"""A system from its start to its end: start, stop, `with`, and what each of its methods says before and after."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

import otp

METHODS = {
    "join": lambda system: system.join(),
    "wait_healthy": lambda system: system.wait_healthy(),
    "wait_settled": lambda system: system.wait_settled(),
    "tree": lambda system: system.tree(),
    "node": lambda system: system.node("root"),
    "restart": lambda system: system.restart("root"),
}


@pytest.mark.parametrize("name", METHODS)
def test_before_the_start_each_method_says_so(workshop, serve, name):
    with pytest.raises(otp.SystemNotRunningError, match="the system has not been started"):
        METHODS[name](workshop.make(serve))


def test_before_the_start_there_is_nothing_to_stop(workshop, serve):
    system = workshop.make(serve)
    assert system.stop() == otp.StopReport(())
    assert system.stop(timeout=1) == otp.StopReport(())


def test_a_stop_asked_for_before_the_start_is_not_forgotten(workshop, serve):
    system = workshop.make(serve)
    system.request_stop()
    system.start()
    system.join(timeout=30)
    assert system.tree().state is otp.NodeState.CANCELED


def test_a_system_is_started_once(workshop, serve):
    system = workshop.start(serve)
    with pytest.raises(RuntimeError, match="a system is started once; make a new one"):
        system.start()
    system.stop()
    with pytest.raises(RuntimeError, match="a system is started once; make a new one"):
        system.start()


def test_the_root_gets_its_arguments(workshop):
    seen = []

    def root(*args):
        seen.append(args)
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    workshop.start(root, 1, "two").join(timeout=30)
    assert seen == [(1, "two")]


def test_with_starts_and_stops(family):
    with otp.System(family("a")) as system:
        system.wait_healthy(timeout=30)
        assert system.node("root.a").state is otp.NodeState.HEALTHY
    assert {node.state for node in system.tree().walk()} == {otp.NodeState.CANCELED}


def test_with_stops_a_system_whose_block_raised_and_lets_the_error_through(family):
    system = otp.System(family("a"))

    def fail():
        with system:
            system.wait_healthy(timeout=30)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert system.tree().state is otp.NodeState.CANCELED


def test_no_thread_is_left_behind(family):
    before = set(threading.enumerate())
    with otp.System(family("a", "b")) as system:
        system.wait_healthy(timeout=30)
        assert set(threading.enumerate()) > before
    assert {thread for thread in threading.enumerate() if thread not in before and "otp" in thread.name} == set()


def test_a_tree_that_is_done_has_stopped_by_itself(workshop):
    def finish():
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    def root():
        otp.run("a", finish)
        finish()

    system = workshop.start(root)
    system.join(timeout=30)
    assert {node.state for node in system.tree().walk()} == {otp.NodeState.DONE}
    assert system.stop() == otp.StopReport(())


def test_a_root_that_is_done_waits_for_its_children(workshop):
    gate = workshop.gate()

    def child():
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()
        otp.signal(otp.Signal.DONE)

    def root():
        otp.run("a", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    system = workshop.start(root)
    with pytest.raises(TimeoutError, match=r"root\.a is HEALTHY"):
        system.join(timeout=0.05)
    gate.set()
    system.join(timeout=30)
    assert system.tree().state is otp.NodeState.DONE


def test_a_plain_root_that_dies_restarts_like_any_node(workshop):
    events = []

    def root():
        events.append(otp.current().incarnation)
        if otp.current().incarnation == 1:
            raise ValueError
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.make(root)
    stream = system.events()
    system.start()
    assert next(event for event in stream if isinstance(event, otp.events.Died)).dn == "root"
    workshop.clock.advance(1.0)
    system.wait_healthy(timeout=30)
    assert events == [1, 2]


def test_after_the_stop_the_tree_can_still_be_looked_at(workshop, family):
    system = workshop.start(family("a"))
    system.wait_healthy(timeout=30)
    system.stop()
    assert [node.dn for node in system.tree().walk()] == ["root", "root.a"]
    assert system.node("root.a").state is otp.NodeState.CANCELED


def test_after_the_stop_the_tree_will_never_be_healthy(workshop, serve):
    system = workshop.start(serve)
    system.stop()
    with pytest.raises(otp.SystemNotRunningError, match="the system has stopped"):
        system.wait_healthy()
    system.wait_settled(timeout=30)
    system.join(timeout=30)
    with pytest.raises(otp.SystemNotRunningError, match="the system has stopped"):
        system.restart("root")
    assert list(system.events()) == []


def test_who_waits_for_health_when_the_system_stops_is_told(workshop):
    system = workshop.start(otp.wait_canceled)
    caught = []

    def wait():
        with pytest.raises(otp.SystemNotRunningError) as error:
            system.wait_healthy(timeout=30)
        caught.append(str(error.value))

    thread = threading.Thread(target=wait)
    thread.start()
    system.stop()
    thread.join()
    assert caught == ["the system has stopped"]


def test_a_system_that_dies_at_the_first_death_raises_it_from_join(workshop, family):
    class SpecialError(Exception):
        pass

    def fail():
        message = "the first"
        raise SpecialError(message)

    system = workshop.start(family("a", child=fail), propagate=True)
    with pytest.raises(SpecialError, match="the first"):
        system.join(timeout=30)
    with pytest.raises(SpecialError):
        system.join(timeout=30)
    assert system.node("root.a").state is otp.NodeState.DEAD


def test_a_return_that_should_not_have_been_propagates_as_an_error_too(workshop, family):
    system = workshop.start(family("a", child=int), propagate=True)
    with pytest.raises(otp.UnexpectedReturnError, match=r"root\.a returned without having signaled DONE"):
        system.join(timeout=30)


def test_who_waits_for_health_learns_the_death_that_stopped_the_system(workshop, family):
    def fail():
        message = "the first"
        raise ValueError(message)

    system = workshop.start(family("a", child=fail), propagate=True)
    with pytest.raises(otp.SystemNotRunningError) as caught:
        system.wait_healthy(timeout=30)
    assert repr(caught.value.__cause__) == "ValueError('the first')"


def test_a_system_that_was_never_started_leaves_nothing(serve):
    before = set(threading.enumerate())
    otp.System(serve)
    gc.collect()
    assert set(threading.enumerate()) <= before


def test_async_with_starts_and_stops(family):
    async def main():
        async with otp.System(family("a")) as system:
            await system.await_healthy(timeout=30)
            await system.await_settled(timeout=30)
            assert system.node("root.a").state is otp.NodeState.HEALTHY
        return system

    assert asyncio.run(main()).tree().state is otp.NodeState.CANCELED


def test_the_awaitable_twins_time_out_as_the_others_do(family):
    async def main():
        async with otp.System(family("a", child=otp.wait_canceled)) as system:
            with pytest.raises(TimeoutError, match=r"root\.a is NEW"):
                await system.await_healthy(timeout=0.05)
            with pytest.raises(TimeoutError, match=r"root\.a"):
                await system.ajoin(timeout=0.05)
            await system.await_settled(timeout=30)
            assert await system.astop() == otp.StopReport(())
            await system.ajoin(timeout=30)
            assert await system.astop() == otp.StopReport(())
            with pytest.raises(otp.SystemNotRunningError):
                await system.await_healthy()

    asyncio.run(main())


def test_a_failure_is_raised_from_the_awaitable_join_too():
    def root():
        raise ZeroDivisionError

    async def main():
        async with otp.System(root, propagate=True) as system:
            with pytest.raises(ZeroDivisionError):
                await system.ajoin(timeout=30)

    asyncio.run(main())


def test_before_the_start_there_is_nothing_to_stop_for_an_event_loop_either(serve):
    assert asyncio.run(otp.System(serve).astop()) == otp.StopReport(())


@pytest.mark.parametrize(
    ("name", "call", "twin"),
    [
        ("stop", lambda system: system.stop(), "astop"),
        ("join", lambda system: system.join(), "ajoin"),
        ("wait_healthy", lambda system: system.wait_healthy(), "await_healthy"),
        ("wait_settled", lambda system: system.wait_settled(), "await_settled"),
        (r"with System\(...\)", lambda system: system.__enter__(), "async with"),
    ],
)
def test_what_would_block_an_event_loop_is_refused_and_names_its_twin(serve, name, call, twin):
    async def main():
        async with otp.System(serve) as system:
            with pytest.raises(otp.BlockingCallError, match=rf"^{name} would block the event loop .* use {twin}$"):
                call(system)

    asyncio.run(main())
    assert issubclass(otp.BlockingCallError, RuntimeError)


@pytest.mark.parametrize("name", ["join", "wait_healthy", "wait_settled"])
def test_a_runnable_does_not_wait_for_its_own_system(workshop, name):
    answers = []
    ready = workshop.gate()
    systems = []

    def root():
        ready.wait()
        try:
            getattr(systems[0], name)()
        except otp.BlockingCallError as error:
            answers.append(str(error))
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    systems.append(workshop.start(root))
    ready.set()
    systems[0].join(timeout=30)
    assert answers == [f"{name} called from a runnable of the same system, which it may have to wait for"]
