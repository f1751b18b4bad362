"""Bounded mailboxes: what becomes of mail to a full one, in threads and on the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections import deque
from queue import SimpleQueue

import pytest

import otp

PATIENCE = 30.0


class Slow:
    """Takes a letter whenever the test lets it (`take`), and hands it over."""

    def __init__(self, stage, kind) -> None:
        self._stage = stage
        self._turns = threading.Semaphore(0)
        self._stage.closing.append(lambda: [self._turns.release() for _ in range(1000)])
        self.taken: SimpleQueue = SimpleQueue()
        self.runnable = self._run if kind == "thread" else self._arun

    @property
    def ref(self):
        return self._stage.ref("slow")

    def take(self):
        """Let it take one; that letter."""
        self._turns.release()
        return self.taken.get(timeout=PATIENCE)

    def let_crash(self) -> None:
        self.crash = True
        self._turns.release()

    crash = False

    def _run(self) -> None:
        otp.signal(otp.Signal.HEALTHY)
        otp.trap_exit(True)  # noqa: FBT003 - as in Erlang
        while True:
            self._turns.acquire()
            self._check()
            self.taken.put(otp.receive())

    async def _arun(self) -> None:
        otp.signal(otp.Signal.HEALTHY)
        otp.trap_exit(True)  # noqa: FBT003 - as in Erlang
        while True:
            await asyncio.to_thread(self._turns.acquire)
            self._check()
            self.taken.put(await otp.areceive())

    def _check(self) -> None:
        if self.crash:
            msg = "boom"
            raise ValueError(msg)


@pytest.fixture(params=["thread", "coroutine"])
def slow(request, stage):
    """Starts a slow reader with a limit, and others."""

    def start(bound, policy, **others):
        slow = Slow(stage, request.param)
        limit = otp.MailboxLimit(bound, policy)
        stage.start(slow=otp.Child(slow.runnable, mailbox=limit, restart=otp.Restart.TEMPORARY), **others)
        stage.system.wait_healthy(PATIENCE)
        home = slow.ref._home()
        _ = home.put
        with home._door._lock:
            home._door._line = Line(home._door._line)
        return slow

    return start


@pytest.fixture
def aside():
    """Has a thread of its own call; gives the future of what comes of it."""
    with concurrent.futures.ThreadPoolExecutor() as threads:
        yield threads.submit


class Line(deque):
    """The line before a mailbox, which can be watched."""

    def __init__(self, waiting) -> None:
        super().__init__(waiting)
        self._changed = threading.Condition()

    def append(self, waiting) -> None:
        with self._changed:
            super().append(waiting)
            self._changed.notify_all()

    def wait(self, count) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self) >= count, PATIENCE)


def until_line(slow, count):
    """Wait until so many are in the line before the mailbox."""
    slow.ref._home()._door._line.wait(count)


# --- FAIL ---


def test_a_full_mailbox_may_refuse(slow):
    slow = slow(2, otp.Overflow.FAIL)
    slow.ref.send(1)
    slow.ref.cast(2)
    for refused in (slow.ref.send, slow.ref.cast, slow.ref.call):
        with pytest.raises(otp.MailboxFullError, match=r"2 letters wait for root\.slow, which takes no more"):
            refused(3)
    assert slow.take() == 1
    slow.ref.send(3)
    assert [slow.take(), slow.take()] == [otp.CastMessage(2), 3]


def test_who_is_refused_on_an_event_loop_is_told_in_the_same_way(slow):
    slow = slow(1, otp.Overflow.FAIL)
    slow.ref.send(1)

    async def write():
        for twin in (slow.ref.asend, slow.ref.acast, slow.ref.acall):
            with pytest.raises(otp.MailboxFullError):
                await twin(2)

    asyncio.run(write())
    assert not slow.ref._home().pending


def test_a_request_that_is_refused_says_so_in_its_future(slow):
    slow = slow(1, otp.Overflow.FAIL)
    slow.ref.send(1)
    assert isinstance(slow.ref.send_request(2).exception(PATIENCE), otp.MailboxFullError)
    assert not slow.ref._home().pending


# --- DROP_NEWEST ---


def test_a_full_mailbox_may_drop(slow):
    slow = slow(2, otp.Overflow.DROP_NEWEST)
    for number in range(5):
        slow.ref.send(number)
    assert slow.take() == 0
    slow.ref.cast(5)
    slow.ref.cast(6)
    assert [slow.take(), slow.take()] == [1, otp.CastMessage(5)]


def test_a_call_that_is_dropped_ends(slow):
    slow = slow(1, otp.Overflow.DROP_NEWEST)
    slow.ref.send(1)
    with pytest.raises(otp.MailboxFullError):
        slow.ref.call(2, None)
    with pytest.raises(otp.MailboxFullError):
        asyncio.run(slow.ref.acall(2, None))
    assert isinstance(slow.ref.send_request(2).exception(PATIENCE), otp.MailboxFullError)


# --- BLOCK ---


def test_a_sender_waits_until_there_is_room(slow, aside):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)
    waits = aside(slow.ref.send, 2)
    until_line(slow, 1)
    assert not waits.done()
    assert slow.take() == 1
    waits.result(PATIENCE)
    assert slow.take() == 2


def test_senders_go_in_in_the_order_in_which_they_came(slow, aside):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(0)
    waiting = []
    for number in range(1, 6):
        waiting.append(aside(slow.ref.send, number))
        until_line(slow, number)
    assert [slow.take() for _ in range(6)] == list(range(6))
    for sender in waiting:
        sender.result(PATIENCE)


def test_a_coroutine_waits_without_blocking_its_loop(slow):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)

    async def write():
        waits = [asyncio.create_task(slow.ref.asend(2)), asyncio.create_task(slow.ref.acast(3))]
        await asyncio.to_thread(until_line, slow, 2)
        assert not any(task.done() for task in waits)
        first = await asyncio.to_thread(slow.take)
        await waits[0]
        second = await asyncio.to_thread(slow.take)
        await waits[1]
        return [first, second]

    assert asyncio.run(write()) == [1, 2]
    assert slow.take() == otp.CastMessage(3)


def test_what_would_block_an_event_loop_is_refused(slow):
    slow = slow(1, otp.Overflow.BLOCK)

    async def write():
        slow.ref.send(1)
        for blocking in (slow.ref.send, slow.ref.cast, slow.ref.send_request):
            with pytest.raises(otp.BlockingCallError, match="await acall, acast or asend"):
                blocking(2)

    asyncio.run(write())
    assert slow.take() == 1
    assert not slow.ref._home().pending


def test_a_call_waits_for_room_and_for_the_reply(slow, aside):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)
    waits = aside(slow.ref.call, 2, None)
    until_line(slow, 1)
    awaits = aside(asyncio.run, slow.ref.acall(3, None))
    until_line(slow, 2)
    assert slow.take() == 1
    for number, caller in ((2, waits), (3, awaits)):
        call = slow.take()
        assert call.request == number
        otp.reply(call.sender, number)
        assert caller.result(PATIENCE) == number


def test_a_request_waits_for_room(slow, aside):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)
    waits = aside(slow.ref.send_request, 2)
    until_line(slow, 1)
    slow.take()
    future = waits.result(PATIENCE)
    otp.reply(slow.take().sender, "done")
    assert future.result(PATIENCE) == "done"


def test_a_call_that_has_found_no_room_in_time_is_never_made(slow, aside, stage):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)
    waits = aside(slow.ref.call, 2, 7.0)
    stage.clock.wait_for_sleepers(1, PATIENCE)
    stage.advance(7.0)
    with pytest.raises(otp.CallTimeoutError):
        waits.result(PATIENCE)
    with pytest.raises(otp.CallTimeoutError):
        asyncio.run(slow.ref.acall(3, 0))
    assert slow.take() == 1
    slow.ref.send(4)
    assert slow.take() == 4


def test_a_coroutine_that_gives_up_leaves_the_line(slow):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)

    async def write():
        waits = asyncio.create_task(slow.ref.asend(2))
        await asyncio.to_thread(until_line, slow, 1)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits

    asyncio.run(write())
    assert slow.take() == 1
    slow.ref.send(3)
    assert slow.take() == 3


def test_the_end_of_the_receiver_lets_everyone_go(slow, aside):
    slow = slow(1, otp.Overflow.BLOCK)
    slow.ref.send(1)
    sender = aside(slow.ref.send, 2)
    until_line(slow, 1)
    awaiting = aside(asyncio.run, slow.ref.asend(3))
    until_line(slow, 2)
    caller = aside(slow.ref.call, 4, None)
    until_line(slow, 3)
    requester = aside(slow.ref.send_request, 5)
    until_line(slow, 4)
    slow.let_crash()
    assert sender.result(PATIENCE) is None  # as mail to nobody
    assert awaiting.result(PATIENCE) is None
    assert isinstance(caller.exception(PATIENCE), otp.ServerExitError)
    assert isinstance(requester.result(PATIENCE).exception(PATIENCE), otp.ServerExitError)


def test_a_sender_that_is_to_end_waits_no_more(slow, stage):
    told = concurrent.futures.Future()

    def sender():
        otp.signal(otp.Signal.HEALTHY)
        try:
            while True:
                stage.ref("slow").send("more")
        except otp.Canceled as canceled:
            told.set_result(str(canceled))
            raise

    slow = slow(3, otp.Overflow.BLOCK, sender=sender)
    until_line(slow, 1)
    stage.ref("sender").exit("enough")
    assert told.result(PATIENCE) == "root.sender was canceled while it waited for room in the mailbox of root.slow"
    assert [slow.take() for _ in range(3)] == ["more"] * 3
    slow.ref.send("next")
    assert slow.take() == "next"


def test_a_full_mailbox_does_not_wait_for_its_own_reader(stage):
    told = concurrent.futures.Future()

    def server():
        me = otp.current()
        me.send(1)
        with pytest.raises(otp.MailboxFullError, match="would wait for its own reader"):
            me.send(2)
        told.set_result(otp.receive())
        otp.wait_canceled()

    stage.start(server=otp.Child(server, mailbox=otp.MailboxLimit(1)))
    assert told.result(PATIENCE) == 1


def test_a_coroutine_does_not_wait_for_itself(stage):
    told = concurrent.futures.Future()

    async def server():
        me = otp.current()
        await me.asend(1)
        with pytest.raises(otp.MailboxFullError):
            await me.asend(2)
        told.set_result(await otp.areceive())
        await asyncio.get_running_loop().create_future()

    stage.start(server=otp.Child(server, mailbox=otp.MailboxLimit(1)))
    assert told.result(PATIENCE) == 1


def test_nothing_is_lost_and_nothing_twice_with_many_senders(stage):
    told = concurrent.futures.Future()

    def reader():
        otp.signal(otp.Signal.HEALTHY)
        told.set_result([otp.receive() for _ in range(2000)])
        otp.wait_canceled()

    stage.start(reader=otp.Child(reader, mailbox=otp.MailboxLimit(2)))
    ref = stage.ref("reader")

    def write(name):
        for number in range(500):
            ref.send((name, number))

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    got = told.result(PATIENCE)
    for name in range(4):
        assert [number for sender, number in got if sender == name] == list(range(500))


# --- what is not counted ---


@pytest.mark.parametrize("policy", list(otp.Overflow))
def test_what_the_tree_has_to_say_always_goes_in(slow, policy):
    slow = slow(1, policy)
    slow.ref.send(1)
    slow.ref.exit("heed this")
    assert [slow.take(), slow.take()] == [1, otp.Exit(None, "heed this")]


def test_what_the_tree_has_to_say_takes_no_room(slow):
    slow = slow(1, otp.Overflow.FAIL)
    slow.ref.exit("heed this")
    slow.ref.send(1)
    assert [slow.take(), slow.take()] == [otp.Exit(None, "heed this"), 1]


def test_a_timer_goes_in_and_an_interval_is_left_out(slow, stage):
    sent = threading.Event()

    def owner():
        otp.send_interval(stage.ref("slow"), "tick", 1.0)
        otp.send_after(stage.ref("slow"), "once", 2.0)
        otp.send_after(otp.current(), "all have been sent", 3.5)
        otp.signal(otp.Signal.HEALTHY)
        otp.receive()
        sent.set()
        otp.wait_canceled()

    slow = slow(1, otp.Overflow.BLOCK, owner=owner)
    stage.advance(3.5)
    assert sent.wait(PATIENCE)
    slow.ref.exit("after them")
    assert [slow.take() for _ in range(3)] == ["tick", "once", otp.Exit(None, "after them")]


# --- servers, options ---


def test_a_server_may_be_bounded(stage):
    began = threading.Event()

    class Server(otp.GenServer):
        def handle_call(self, request, sender):
            began.set()
            assert stage.gate.wait(PATIENCE)
            return request

    limit = otp.MailboxLimit(1, otp.Overflow.FAIL)
    stage.start(server=otp.Child(Server, mailbox=limit))
    ref = stage.ref("server")
    futures = [ref.send_request(1)]
    assert began.wait(PATIENCE)
    futures.append(ref.send_request(2))
    with pytest.raises(otp.MailboxFullError):
        ref.call(3)
    stage.gate.set()
    assert [future.result(PATIENCE) for future in futures] == [1, 2]
    ref.stop()


def test_a_full_server_can_be_stopped(stage, aside):
    class Server(otp.GenServer):
        def handle_cast(self, request):
            assert stage.gate.wait(PATIENCE)

    stage.start(server=otp.Child(Server, mailbox=otp.MailboxLimit(1, otp.Overflow.FAIL)))
    ref = stage.ref("server")
    ref.cast(1)
    stops = aside(ref.stop)
    stage.gate.set()
    assert stops.result(PATIENCE) is None


def test_a_new_incarnation_has_a_mailbox_of_the_same_limit(stage):
    def server():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    stage.start(server=otp.Child(server, mailbox=otp.MailboxLimit(1, otp.Overflow.FAIL)))
    stage.until(otp.events.Healthy, "root.server")
    for _ in range(2):
        stage.ref("server").send(1)
        with pytest.raises(otp.MailboxFullError):
            stage.ref("server").send(2)
        stage.system.restart("root.server")
        stage.until(otp.events.Healthy, "root.server")


@pytest.mark.parametrize(
    ("error", "make"),
    [
        (TypeError, lambda: otp.MailboxLimit("1")),
        (TypeError, lambda: otp.MailboxLimit(1, "block")),
        (ValueError, lambda: otp.MailboxLimit(0)),
        (TypeError, lambda: otp.Child(print, mailbox=5)),
        (ValueError, lambda: otp.Child(otp.Supervisor({}), mailbox=otp.MailboxLimit(1))),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_where_it_is_written(error, make):
    with pytest.raises(error):
        make()


def test_a_mailbox_is_not_bounded_unless_that_is_said():
    assert otp.Child(print).mailbox is None
    assert otp.MailboxLimit(5).policy is otp.Overflow.BLOCK
