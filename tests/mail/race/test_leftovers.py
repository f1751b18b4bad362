"""What calls, links, monitors, names and timers leave behind when incarnations end: nothing, also before garbage is collected."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
from collections import Counter
from contextlib import suppress

import pytest

import otp

from .race import remains

PATIENCE = 30.0
RESTARTS = 1_000


def boom():
    msg = "boom"
    raise ValueError(msg)


# --- requests that nobody waits for any more ---


def test_a_request_that_is_canceled_is_forgotten_at_once(actors):
    (server,) = actors("server")
    future = server.ref.send_request("anything")
    letter = server.news()
    assert future.cancel()
    assert not server.ref._home().pending
    otp.reply(letter.sender, "late")
    assert future.cancelled()


def test_who_waits_for_many_requests_sees_that_one_was_canceled(actors):
    (server,) = actors("server")
    future = server.ref.send_request("anything")
    assert future.cancel()
    assert future.cancel()
    assert concurrent.futures.wait([future], PATIENCE).done == {future}
    assert list(concurrent.futures.as_completed([future], PATIENCE)) == [future]


def test_a_request_that_is_canceled_when_its_reply_is_there_keeps_it(actors):
    (server,) = actors("server")
    future = server.ref.send_request(server.request(lambda: 1))
    assert future.result(PATIENCE) == (True, 1)
    assert not future.cancel()
    assert future.result() == (True, 1)


def test_a_call_whose_event_loop_was_closed_is_forgotten(actors):
    (server,) = actors("server")
    loop = asyncio.new_event_loop()
    task = loop.create_task(server.ref.acall("anything", 1.0))
    loop.run_until_complete(asyncio.sleep(0))
    letter = server.news()
    loop.close()
    otp.reply(letter.sender, "nobody is there")
    assert not server.ref._home().pending
    task.get_coro().close()
    task._log_destroy_pending = False  # that it was left behind is what this is about


def test_the_caller_that_waits_in_a_loop_that_is_closed_does_not_hold_up_the_others(actors):
    (server,) = actors("server")
    loop = asyncio.new_event_loop()
    task = loop.create_task(server.ref.acall("anything", None))
    loop.run_until_complete(asyncio.sleep(0))
    others = [server.ref.send_request(number) for number in range(3)]
    loop.close()
    server.end(boom)
    for future in others:
        assert isinstance(future.exception(PATIENCE), otp.ServerExitError)
    task.get_coro().close()
    task._log_destroy_pending = False


# --- incarnations that have ended ---


def linked(actor, peer):
    actor.do(lambda: otp.link(peer.ref))


def linked_and_unlinked(actor, peer):
    linked(actor, peer)
    actor.do(lambda: otp.unlink(peer.ref))


def monitored(actor, peer):
    peer.do(lambda: otp.monitor(actor.ref))


def monitoring(actor, peer):
    actor.do(lambda: otp.monitor(peer.ref))


def named(actor, _peer):
    actor.do(lambda: otp.register("somebody"))


def timed(actor, peer):
    actor.do(lambda: otp.send_after(actor.ref, "to myself", 1e6))
    actor.do(lambda: otp.send_interval(actor.ref, "to myself", 1e6))
    otp.cancel_timer(actor.do(lambda: otp.send_after(peer.ref, "to another", 1e6)))


@pytest.fixture
def generations(actors, stage):
    """Has an actor live and die again and again; gives what there is more of after some lives than after the first ones."""
    actor, peer = actors("actor", "peer", restart=otp.Restart.PERMANENT)
    peer.do(lambda: otp.trap_exit(on=True))

    def live(what) -> None:
        what(actor, peer)
        stage.system.restart("root.actor")
        stage.until(otp.events.Canceled, "root.actor")
        stage.until(otp.events.Healthy, "root.actor")
        while not peer.nothing_more():
            peer.news()

    def more(what, lives) -> Counter:
        for _ in range(3):
            live(what)
        gc.collect()
        before = remains()
        gc.disable()
        try:
            for _ in range(lives):
                live(what)
            return remains() - before
        finally:
            gc.enable()

    return more


@pytest.mark.parametrize(
    "what", [linked, linked_and_unlinked, monitored, monitoring, named, timed], ids=lambda what: what.__name__
)
def test_incarnations_that_have_ended_are_not_kept_even_until_garbage_is_collected(generations, what):
    left = generations(what, 30)
    del left["Timer"]  # stays among the others until it would be due, or many have ended
    assert not [name for name, count in left.items() if count > 2], left


def deaf():
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


async def adeaf():
    otp.signal(otp.Signal.HEALTHY)
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("runnable", [deaf, adeaf])
@pytest.mark.parametrize("mailbox", [None, otp.MailboxLimit(3)])
def test_calls_that_nobody_has_taken_out_do_not_keep_the_mailbox_they_are_in(stage, runnable, mailbox):
    system = stage.start(deaf=otp.Child(runnable, mailbox=mailbox))
    system.wait_healthy(PATIENCE)
    ref = stage.ref("deaf")

    def live() -> None:
        asked = [ref.send_request("anything") for _ in range(3)]
        with pytest.raises(otp.CallTimeoutError):
            ref.call("anything", 0)
        system.restart(ref.dn)
        for future in asked:
            assert future.exception(PATIENCE).reason is otp.Reason.SHUTDOWN
        stage.until(otp.events.Canceled, ref.dn)
        stage.until(otp.events.Healthy, ref.dn)

    for _ in range(3):
        live()
    gc.collect()
    before = remains()
    gc.disable()
    try:
        for _ in range(20):
            live()
        left = remains() - before
    finally:
        gc.enable()
    assert left.total() < 10, left


# --- a thousand restarts ---


class Busy(otp.GenServer):
    """Has some of everything that belongs to an incarnation."""

    def init(self):
        otp.register("busy")
        otp.monitor(otp.ref("root.supervisor.other"))
        otp.trap_exit(on=True)
        otp.link(otp.ref("root.supervisor.other"))
        otp.send_interval(otp.current(), "tick", 1e6)
        otp.send_after(otp.current(), "late", 1e6)

    def handle_call(self, request, sender):
        boom()


class AsyncBusy(Busy):
    async def init(self):
        super().init()


class Other(otp.GenServer):
    def init(self):
        otp.trap_exit(on=True)

    def handle_call(self, request, sender):
        otp.monitor(otp.ref("busy"))

    def handle_info(self, message):
        pass


@pytest.mark.parametrize("server", [Busy, AsyncBusy])
def test_a_thousand_restarts_leave_nothing_behind(stage, server):
    often = {"max_restarts": 10 * RESTARTS, "max_seconds": 1.0}
    system = stage.start(supervisor=otp.Supervisor({"other": Other, "busy": server}, **often))
    system.wait_healthy(PATIENCE)
    busy, other = stage.ref("supervisor.busy"), stage.ref("supervisor.other")

    def restart(times: int) -> None:
        for _ in range(times):
            other.call(None, None)
            with pytest.raises(otp.ServerExitError):
                busy.call(None, None)
            stage.until_dead("supervisor.busy")
            stage.until(otp.events.Healthy, "root.supervisor.busy")

    def size() -> Counter:
        other.call(None, None)
        gc.collect()
        directory = system.directory
        return remains() + Counter({"homes": len(directory.homes), "names": len(directory.names)})

    restart(5)
    before = size()
    restart(RESTARTS)
    left = size() - before
    timers = left.pop("Timer", 0)  # in the heap, until there are too many that have ended
    assert timers < 200
    assert left.total() < 20, left
    with suppress(KeyError):
        assert sum(tie is not None for tie in (other._home().ties or {})) < 20
