"""`receive` and `areceive`: how a plain runnable takes its mail."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest

import otp

PATIENCE = 30.0


@pytest.fixture
def answers(stage):
    """A runnable that does `call` and tells what came of it; a thread, or a coroutine where `call` is one."""

    def start(call):
        answer = concurrent.futures.Future()

        def plain():
            otp.signal(otp.Signal.HEALTHY)
            try:
                answer.set_result(call())
            except BaseException as error:
                answer.set_exception(error)
                raise

        async def awaited():
            otp.signal(otp.Signal.HEALTHY)
            try:
                answer.set_result(await call())
            except BaseException as error:
                answer.set_exception(error)
                raise

        runnable = awaited if asyncio.iscoroutinefunction(call) else plain
        stage.start(it=otp.Child(runnable, restart=otp.Restart.TEMPORARY))
        stage.system.wait_healthy(PATIENCE)  # who is canceled before it runs gives no answer
        return answer

    return start


async def areceive_for(timeout):
    return await otp.areceive(timeout)


def receiver(kind, timeout=None):
    """A call that receives once, in that kind of runnable."""
    if kind == "thread":
        return lambda: otp.receive(timeout)

    async def receive():
        return await otp.areceive(timeout)

    return receive


kinds = pytest.mark.parametrize("kind", ["thread", "coroutine"])


@kinds
def test_a_message_that_waits_is_taken(answers, stage, kind):
    answer = answers(receiver(kind))
    stage.ref("it").send("hello")
    assert answer.result(PATIENCE) == "hello"


@kinds
def test_nothing_within_the_time_is_an_error(answers, stage, kind):
    started = threading.Event()
    call = receiver(kind, 7.0)
    if kind == "thread":
        answer = answers(call)
        stage.clock.wait_for_sleepers(1, PATIENCE)
    else:

        async def told():
            asyncio.get_running_loop().call_soon(started.set)
            return await call()

        answer = answers(told)
        assert started.wait(PATIENCE)
    stage.advance(6.9)
    assert not answer.done()
    stage.advance(0.2)
    with pytest.raises(otp.ReceiveTimeoutError, match=r"root\.it has received nothing within 7\.0 s"):
        answer.result(PATIENCE)


@kinds
def test_a_message_in_time_ends_the_wait(answers, stage, kind):
    answer = answers(receiver(kind, 7.0))
    stage.ref("it").send("in time")
    assert answer.result(PATIENCE) == "in time"


@kinds
def test_no_time_takes_only_what_is_there(answers, kind):
    with pytest.raises(otp.ReceiveTimeoutError):
        answers(receiver(kind, 0)).result(PATIENCE)


@kinds
def test_time_on_the_clock_of_the_machine_passes_by_itself(stage, kind):
    told = concurrent.futures.Future()

    def thread():
        with pytest.raises(otp.ReceiveTimeoutError):
            otp.receive(0.001)
        told.set_result(True)
        otp.wait_canceled()

    async def coroutine():
        with pytest.raises(otp.ReceiveTimeoutError):
            await otp.areceive(0.001)
        told.set_result(True)
        await asyncio.get_running_loop().create_future()

    def root():
        otp.run("it", thread if kind == "thread" else coroutine)
        otp.wait_canceled()

    with otp.System(root):
        assert told.result(PATIENCE)


def test_who_is_canceled_receives_no_more(answers, stage):
    answer = answers(otp.receive)
    stage.system.request_stop()
    with pytest.raises(otp.Canceled, match=r"root\.it was canceled"):
        answer.result(PATIENCE)


def test_a_cancel_overtakes_the_mail(stage):
    told = concurrent.futures.Future()

    def server():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        try:
            told.set_result(otp.receive())
        except otp.Canceled:
            told.set_result("canceled")
            raise

    stage.start(it=server)
    stage.system.wait_healthy(PATIENCE)
    stage.ref("it").send("too late")
    stage.system.request_stop()
    assert told.result(PATIENCE) == "canceled"


def test_a_coroutine_that_is_canceled_is_left_as_asyncio_does_it(answers, stage):
    answer = answers(receiver("coroutine"))
    stage.system.request_stop()
    with pytest.raises((asyncio.CancelledError, concurrent.futures.CancelledError)):
        answer.result(PATIENCE)


def test_receive_is_refused_on_an_event_loop(answers):
    async def call():
        return otp.receive()

    with pytest.raises(otp.BlockingCallError, match="await areceive"):
        answers(call).result(PATIENCE)


def test_receive_is_refused_in_an_event_loop_of_a_thread(answers):
    async def call():
        return otp.receive()

    with pytest.raises(otp.BlockingCallError):
        answers(lambda: asyncio.run(call())).result(PATIENCE)


def test_areceive_is_for_coroutines(answers):
    with pytest.raises(otp.BlockingCallError, match="taken with receive"):
        answers(lambda: asyncio.run(areceive_for(None))).result(PATIENCE)


def test_outside_nobody_receives():
    with pytest.raises(otp.NotInRunnableError):
        otp.receive()
    with pytest.raises(otp.NotInRunnableError):
        asyncio.run(areceive_for(None))


def test_what_outlives_its_incarnation_receives_no_more(stage):
    ended, told = threading.Event(), concurrent.futures.Future()

    def helper():
        assert ended.wait(PATIENCE)
        try:
            told.set_result(otp.receive(0))
        except otp.OtpError as error:
            told.set_exception(error)

    def server():
        threading.Thread(target=otp.bind(helper)).start()
        otp.signal(otp.Signal.HEALTHY)
        raise ValueError

    stage.start(it=otp.Child(server, restart=otp.Restart.TEMPORARY))
    stage.until_dead("it")
    ended.set()
    with pytest.raises(otp.StaleIncarnationError):
        told.result(PATIENCE)


def test_tasks_of_one_coroutine_may_all_receive(stage):
    """None is forgotten, each message goes to one, and who gives up takes no message along."""
    told = concurrent.futures.Future()

    async def server():
        otp.signal(otp.Signal.HEALTHY)
        tasks = [asyncio.create_task(otp.areceive()) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        otp.current().send(0)  # wakes the first of them, which is not there any more
        await asyncio.wait(tasks[1:], return_when="FIRST_COMPLETED")
        otp.current().send(1)
        otp.current().send(2)
        told.set_result(sorted([await task for task in tasks[1:]]))
        await otp.areceive()

    stage.start(it=server)
    assert told.result(PATIENCE) == [0, 1, 2]


def test_a_reader_is_woken_from_any_thread(actors):
    (reader,) = actors("reader")
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(reader.ref.send, range(400)))
    assert sorted(reader.news() for _ in range(400)) == list(range(400))
