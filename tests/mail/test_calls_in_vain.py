"""`call` and the others to nobody, to somebody who ends, who is slow, or who calls itself: how a call ends without a reply."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
from contextlib import suppress

import pytest

import otp

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


def give_up():
    raise SystemExit(3)


# --- nobody there ---


def nobody(stage):
    stage.start()
    return stage.ref("nobody")


def test_who_does_not_exist_cannot_be_called(stage):
    ref = nobody(stage)
    assert not ref.is_alive()
    with pytest.raises(otp.NoProcessError, match=r"no incarnation of root\.nobody runs") as caught:
        ref.call("anything")
    assert caught.value.ref == ref
    with pytest.raises(LookupError):
        asyncio.run(ref.acall("anything"))
    with pytest.raises(otp.NoProcessError):
        ref.send_request("anything").result(PATIENCE)


def test_casts_and_messages_to_nobody_are_lost_without_an_error(stage):
    ref = nobody(stage)
    ref.cast(1)
    ref.send(1)
    with pytest.raises(otp.NoProcessError):  # as before: nothing of that is kept for a successor
        ref.call(1)


def test_who_waits_for_its_backoff_cannot_be_called(actors, stage):
    (server,) = actors("server", restart=otp.Restart.PERMANENT)
    server.end(boom)
    stage.until_dead("server")
    assert not server.ref.is_alive()
    with pytest.raises(otp.NoProcessError):
        server.ref.call("anything")


def test_a_ref_is_right_after_a_restart(actors, stage):
    (server,) = actors("server", restart=otp.Restart.PERMANENT)
    server.end(boom)
    stage.until_dead("server")
    stage.advance(1.0)
    stage.until(otp.events.Started, "root.server")
    assert server.do(lambda: otp.current().incarnation) == 2


def test_mail_of_an_incarnation_is_lost_with_it(stage):
    got = concurrent.futures.Future()

    def server():
        if otp.current().incarnation == 1:
            assert stage.gate.wait(PATIENCE)
            boom()
        otp.signal(otp.Signal.HEALTHY)
        got.set_result(otp.receive())
        otp.wait_canceled()

    stage.start(server=server)
    stage.ref("server").send("for the first")
    stage.gate.set()
    stage.until_dead("server")
    stage.advance(1.0)
    stage.until(otp.events.Healthy, "root.server")
    stage.ref("server").send("for the second")
    assert got.result(PATIENCE) == "for the second"


def test_nobody_is_there_when_the_system_has_stopped(actors, stage):
    (server,) = actors("server")
    stage.system.stop()
    with pytest.raises(otp.NoProcessError):
        server.ref.call("anything")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, in a process that has threads
def test_in_a_forked_process_nobody_is_there(actors):
    (server,) = actors("server")
    child = os.fork()
    if child == 0:
        signal.alarm(int(PATIENCE))  # what would wait for ever is ended by it
        status = 1
        with suppress(otp.NoProcessError):
            server.ref.send("anything")
            server.ref.call("anything", None)
            status = 2
        os._exit(0 if status == 1 else status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- a server that ends ---


def test_the_caller_of_a_server_that_crashes_is_told_why(actors, caller):
    (server,) = actors("server")
    waits = caller(server.ref.call, "anything", None)
    assert server.news().request == "anything"
    server.end(boom)
    with pytest.raises(otp.ServerExitError, match="ended before it replied: ValueError: boom") as caught:
        waits.result(PATIENCE)
    assert caught.value.ref == server.ref
    assert isinstance(caught.value.reason, ValueError)
    assert caught.value.__cause__ is caught.value.reason


@pytest.mark.parametrize("how", [boom, give_up])
def test_everyone_who_waits_is_told(actors, how):
    (server,) = actors("server")
    futures = [server.ref.send_request(number) for number in range(10)]
    server.end(how)
    for future in futures:
        assert isinstance(future.exception(PATIENCE), otp.ServerExitError)


def test_who_is_in_the_mailbox_of_a_server_that_ends_is_told_too(stage, caller):
    def server():
        otp.signal(otp.Signal.HEALTHY)
        assert stage.gate.wait(PATIENCE)
        boom()

    stage.start(server=server)
    futures = [stage.ref("server").send_request(number) for number in range(10)]
    stage.gate.set()
    for future in futures:
        assert isinstance(future.exception(PATIENCE), otp.ServerExitError)


def test_an_awaited_call_is_told_of_the_end(actors):
    (server,) = actors("server")

    async def call():
        waits = asyncio.create_task(server.ref.acall("anything", None))
        await asyncio.to_thread(server.news)
        server.end(boom)
        return await waits

    with pytest.raises(otp.ServerExitError):
        asyncio.run(call())


def test_a_stop_of_the_system_ends_calls(actors, stage, caller):
    (server,) = actors("server")
    waits = caller(server.ref.call, "anything", None)
    server.news()
    stage.system.stop()
    with pytest.raises(otp.ServerExitError) as caught:
        waits.result(PATIENCE)
    assert caught.value.reason is otp.Reason.SHUTDOWN


def test_who_is_never_started_tells_its_callers(stage):
    """Its start was asked for, and taken back."""
    got = concurrent.futures.Future()

    def parent():
        got.set_result(otp.run("child", otp.wait_canceled).send_request("anything"))
        boom()

    stage.start(parent=otp.Child(parent, restart=otp.Restart.TEMPORARY))
    assert isinstance(got.result(PATIENCE).exception(PATIENCE), otp.CallError)


def test_calls_that_race_the_end_of_the_server_all_end(stage):
    """From a crash to the next start, over and over, while others call; each call ends in a value or in an error."""

    def server():
        otp.signal(otp.Signal.HEALTHY)
        for _ in range(3):
            call = otp.receive()
            otp.reply(call.sender, call.request)
        boom()

    backoff = otp.Backoff(initial=0.0, jitter=0.0)
    stage.start(server=otp.Child(server, backoff=backoff))
    ref = stage.ref("server")

    def client(name):
        ends = {"value": 0, "exit": 0, "nobody": 0}
        for number in range(300):
            try:
                assert ref.call((name, number), None) == (name, number)
                ends["value"] += 1
            except otp.ServerExitError:
                ends["exit"] += 1
            except otp.NoProcessError:
                ends["nobody"] += 1
        return ends

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        told = list(threads.map(client, range(4)))
    assert all(sum(ends.values()) == 300 for ends in told)
    assert sum(ends["value"] for ends in told) > 0


def test_an_end_between_looking_up_and_putting_is_told(stage, monkeypatch):
    def server():
        otp.signal(otp.Signal.HEALTHY)
        assert stage.gate.wait(PATIENCE)
        boom()

    stage.start(server=otp.Child(server, restart=otp.Restart.TEMPORARY))
    ref = stage.ref("server")
    home = ref._home()
    stage.gate.set()
    stage.until_dead("server")
    monkeypatch.setitem(stage.system.directory.homes, "root.server", home)
    with pytest.raises(otp.ServerExitError):
        ref.call("too late", None)
    with pytest.raises(otp.ServerExitError):
        asyncio.run(ref.acall("too late", None))
    assert isinstance(ref.send_request("too late").exception(PATIENCE), otp.ServerExitError)


# --- timeouts ---


def test_a_call_ends_when_its_time_is_over(actors, stage, caller):
    (server,) = actors("server")
    waits = caller(server.ref.call, "anything", 7.0)
    stage.clock.wait_for_sleepers(1, PATIENCE)
    stage.advance(6.9)
    assert not waits.done()
    stage.advance(0.2)
    with pytest.raises(otp.CallTimeoutError, match=r"root\.server has not replied within 7\.0 s") as caught:
        waits.result(PATIENCE)
    assert caught.value.ref == server.ref
    assert isinstance(caught.value, TimeoutError)


def test_the_default_is_five_seconds(actors, stage, caller):
    (server,) = actors("server")
    waits = caller(server.ref.call, "anything")
    stage.clock.wait_for_sleepers(1, PATIENCE)
    stage.advance(5.0)
    with pytest.raises(otp.CallTimeoutError):
        waits.result(PATIENCE)


def test_an_awaited_call_ends_when_its_time_is_over(actors, stage):
    (server,) = actors("server")

    async def call():
        waits = asyncio.create_task(server.ref.acall("anything", 7.0))
        await asyncio.to_thread(server.news)
        stage.advance(7.0)
        await waits

    with pytest.raises(otp.CallTimeoutError):
        asyncio.run(call())


def test_no_time_at_all_is_no_time(actors):
    (server,) = actors("server")
    with pytest.raises(otp.CallTimeoutError):
        server.ref.call("anything", 0)
    with pytest.raises(otp.CallTimeoutError):
        asyncio.run(server.ref.acall("anything", 0))


def test_a_late_reply_is_dropped(actors, stage, caller):
    (server,) = actors("server", "other")[:1]
    ref = server.ref
    waits = caller(ref.call, "first", 1.0)
    call = server.news()
    stage.clock.wait_for_sleepers(1, PATIENCE)
    stage.advance(1.0)
    with pytest.raises(otp.CallTimeoutError):
        waits.result(PATIENCE)
    otp.reply(call.sender, "late")
    assert server.do(lambda: "in time") == "in time"


def test_a_late_reply_is_not_in_the_mailbox_of_the_caller(actors, stage):
    client, server = actors("client", "server")
    with pytest.raises((otp.CallTimeoutError, otp.BlockingCallError)):
        client.do(lambda: server.ref.call("anything", 0))
    server.ref.send_request("to see that")
    call = server.news()
    otp.reply(call.sender, "late")
    assert client.nothing_more()


def test_a_caller_who_is_canceled_leaves_nothing_behind(actors):
    (server,) = actors("server")

    async def call():
        waits = asyncio.create_task(server.ref.acall("anything", None))
        letter = await asyncio.to_thread(server.news)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        otp.reply(letter.sender, "late")

    asyncio.run(call())
    assert not server.ref._home().pending


def test_calls_leave_nothing_behind(actors):
    (server,) = actors("server")
    server.do(lambda: 1)
    server.ref.send_request(server.request(lambda: 1)).result(PATIENCE)
    asyncio.run(server.ref.acall(server.request(lambda: 1)))
    with pytest.raises(otp.CallTimeoutError):
        server.ref.call("anything", 0)
    assert not server.ref._home().pending


# --- who must not call ---


def test_a_server_that_calls_itself_is_told(actors):
    (server,) = actors("server")
    with pytest.raises((otp.CallingSelfError, otp.BlockingCallError)):
        server.do(lambda: server.ref.call("anything"))


def test_a_thread_that_calls_itself_is_told(stage):
    told = concurrent.futures.Future()

    def server():
        otp.signal(otp.Signal.HEALTHY)
        with pytest.raises(otp.CallingSelfError, match=r"root\.server calls itself") as caught:
            otp.current().call("anything")
        told.set_result(caught.value)
        otp.wait_canceled()

    stage.start(server=server)
    assert told.result(PATIENCE).ref == stage.ref("server")


def test_a_coroutine_that_calls_itself_is_told(stage):
    told = concurrent.futures.Future()

    async def server():
        otp.signal(otp.Signal.HEALTHY)
        with pytest.raises(otp.CallingSelfError) as caught:
            await otp.current().acall("anything")
        told.set_result(caught.value)
        await asyncio.get_running_loop().create_future()

    stage.start(server=server)
    assert told.result(PATIENCE).ref == stage.ref("server")


def test_a_blocking_call_on_an_event_loop_is_refused_at_once(actors):
    (server,) = actors("server")

    async def call():
        server.ref.call("anything")

    with pytest.raises(otp.BlockingCallError, match="await acall"):
        asyncio.run(call())
    assert server.nothing_more()


def test_one_way_mail_and_requests_may_be_sent_from_an_event_loop(actors):
    (server,) = actors("server")

    async def write():
        server.ref.send(1)
        server.ref.cast(2)
        return await asyncio.wrap_future(server.ref.send_request(server.request(lambda: 3)))

    assert asyncio.run(write()) == (True, 3)
    assert [server.news(), server.news()] == [1, otp.CastMessage(2)]
