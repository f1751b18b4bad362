"""`call`, `acall`, `cast`, `send`, `send_request`, and what comes back."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest

import otp
from otp.tree.mailbox import ThreadMailbox

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


# --- what comes back ---


def test_a_call_gives_the_reply(actors):
    (server,) = actors("server")
    assert server.ref.call(server.request(lambda: 42)) == (True, 42)


def test_an_awaited_call_gives_the_reply(actors):
    (server,) = actors("server")
    assert asyncio.run(server.ref.acall(server.request(lambda: 42))) == (True, 42)


def test_a_request_gives_the_reply_to_its_future(actors):
    (server,) = actors("server")
    assert server.ref.send_request(server.request(lambda: 42)).result(PATIENCE) == (True, 42)


def test_request_and_reply_are_the_objects_themselves(actors):
    (server,) = actors("server")
    request = object()
    future = server.ref.send_request(request)
    call = server.news()
    assert call.request is request
    otp.reply(call.sender, call)
    assert future.result(PATIENCE) is call


def test_an_exception_may_be_replied(actors):
    (server,) = actors("server")
    error = ValueError("no error of the server")
    assert server.do(lambda: error) is error


def test_a_cast_comes_as_a_cast(actors):
    (server,) = actors("server")
    server.ref.cast("do it")
    assert server.news() == otp.CastMessage("do it")


def test_a_message_comes_as_it_is(actors):
    (server,) = actors("server")
    message = object()
    server.ref.send(message)
    assert server.news() is message


def test_nothing_is_a_message_too(actors):
    (server,) = actors("server")
    server.ref.send(None)
    assert server.news() is None


def test_mail_of_one_sender_comes_in_the_order_sent(actors):
    (server,) = actors("server")
    for number in range(100):
        (server.ref.send if number % 2 else server.ref.cast)(number)
    got = [server.news() for _ in range(100)]
    assert [letter.request if isinstance(letter, otp.CastMessage) else letter for letter in got] == list(range(100))


def test_a_coroutine_calls_another_of_its_own_loop(stage):
    answer = concurrent.futures.Future()

    async def server():
        otp.signal(otp.Signal.HEALTHY)
        while True:
            call = await otp.areceive()
            otp.reply(call.sender, call.request * 2)

    async def client():
        otp.signal(otp.Signal.HEALTHY)
        answer.set_result([await stage.ref("server").acall(number) for number in range(10)])
        await asyncio.get_running_loop().create_future()

    stage.start(server=server, client=client)
    assert answer.result(PATIENCE) == [2 * number for number in range(10)]


def test_anybody_may_reply_at_any_time(actors, caller):
    (server,) = actors("server")
    waits = caller(server.ref.call, "first", None)
    first = server.news()
    assert server.do(lambda: "second") == "second"  # it is not held up
    otp.reply(first.sender, "late")
    assert waits.result(PATIENCE) == "late"


def test_only_the_first_reply_counts(actors):
    (server,) = actors("server")
    future = server.ref.send_request("once")
    call = server.news()
    otp.reply(call.sender, 1)
    otp.reply(call.sender, 2)
    assert future.result(PATIENCE) == 1


def test_many_replies_at_once_are_one(actors):
    (server,) = actors("server")
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        for _ in range(200):
            future = server.ref.send_request("once")
            call, start = server.news(), threading.Barrier(8)

            def answer(number, call=call, start=start):
                start.wait(PATIENCE)
                otp.reply(call.sender, number)

            list(threads.map(answer, range(8)))  # raises what one of them has raised
            assert future.result(PATIENCE) in range(8)


def test_a_reply_is_for_senders_only():
    with pytest.raises(TypeError, match="takes the sender of a call, not str"):
        otp.reply("somebody", 1)


def test_no_reply_reaches_another_caller(actors):
    (server,) = actors("server")

    def client(name):
        return [server.ref.call(server.request(lambda n=n: (name, n)), None)[1] == (name, n) for n in range(100)]

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert all(all(told) for told in threads.map(client, range(4)))


# --- a server that starts ---


def test_a_call_to_a_server_that_starts_waits(stage, caller):
    def server():
        assert stage.gate.wait(PATIENCE)
        otp.signal(otp.Signal.HEALTHY)
        call = otp.receive()
        otp.reply(call.sender, "at last")
        otp.wait_canceled()

    stage.start(server=server)
    assert stage.ref("server").is_alive()
    waits = caller(stage.ref("server").call, "are you there", None)
    stage.gate.set()
    assert waits.result(PATIENCE) == "at last"


def test_a_child_can_be_written_to_as_soon_as_there_is_a_ref(stage):
    got = concurrent.futures.Future()

    def child():
        got.set_result(otp.receive())
        otp.wait_canceled()

    def parent():
        otp.run("child", child).send("welcome")
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    stage.start(parent=parent)
    assert got.result(PATIENCE) == "welcome"


# --- requests ---


def test_a_request_may_be_waited_for_again(actors):
    (server,) = actors("server")
    future = server.ref.send_request("anything")
    with pytest.raises(TimeoutError):
        future.result(0)
    otp.reply(server.news().sender, "now")
    assert future.result(PATIENCE) == "now"
    assert future.result(PATIENCE) == "now"


def test_the_first_of_many_requests_can_be_waited_for(actors):
    fast, slow, dead = actors("fast", "slow", "dead")
    requests = {actor.ref.send_request("anything"): actor for actor in (fast, slow, dead)}
    otp.reply(fast.news().sender, "first")
    done, waiting = concurrent.futures.wait(requests, PATIENCE, concurrent.futures.FIRST_COMPLETED)
    assert [requests[future] for future in done] == [fast]
    dead.end(boom)
    done, waiting = concurrent.futures.wait(waiting, PATIENCE, concurrent.futures.FIRST_COMPLETED)
    assert [requests[future] for future in done] == [dead]
    otp.reply(slow.news().sender, "last")
    assert next(concurrent.futures.as_completed(waiting, PATIENCE)).result() == "last"


def test_a_request_may_be_abandoned(actors):
    (server,) = actors("server")
    future = server.ref.send_request("anything")
    call = server.news()
    assert future.cancel()
    otp.reply(call.sender, "late")
    assert server.do(lambda: "next") == "next"
    assert not server.ref._home().pending


def test_what_a_callback_of_a_request_does_is_no_matter_of_the_server(actors):
    (server,) = actors("server")
    called = concurrent.futures.Future()

    def callback(future):
        called.set_result(future)
        raise SystemExit(1)

    future = server.ref.send_request(server.request(lambda: 1))
    future.add_done_callback(lambda future: None)
    assert future.result(PATIENCE) == (True, 1)
    slow = server.ref.send_request("anything")
    slow.add_done_callback(callback)
    letter = server.news()
    server.do(lambda: otp.reply(letter.sender, "told"))
    assert called.result(PATIENCE) is slow
    assert server.do(lambda: "alive") == "alive"


def test_the_callbacks_of_a_request_are_never_called_by_the_loop_of_the_tree(stage):
    """Of who was never started, the loop of the tree itself closes the mailbox."""
    called = concurrent.futures.Future()
    system = stage.start()
    mailbox = ThreadMailbox("root.nobody")
    system.directory.homes["root.nobody"] = mailbox
    future = stage.ref("nobody").send_request("anything")
    future.add_done_callback(lambda _: called.set_result(threading.get_ident()))
    system.directory.leave(mailbox, otp.Reason.SHUTDOWN)
    assert called.result(PATIENCE) != threading.get_ident()
    assert isinstance(future.exception(), otp.ServerExitError)


# --- the address ---


def test_refs_are_equal_by_address(stage):
    system = stage.start()
    assert stage.ref("a") == otp.Ref("root.a", system)
    assert hash(stage.ref("a")) == hash(otp.Ref("root.a", system))
    assert stage.ref("a") != stage.ref("b")
    assert stage.ref("a") != "root.a"
    assert stage.ref("a").name == "a"
    assert repr(stage.ref("a")) == "<Ref root.a>"


def test_a_ref_of_another_system_is_another(stage):
    first, second = stage.start(), stage.start()
    assert otp.Ref("root", first) != otp.Ref("root", second)


def test_a_call_shows_whom_it_is_for(actors):
    (server,) = actors("server")
    server.ref.send_request("secret")
    assert repr(server.news()) == "<CallMessage to root.server>"
