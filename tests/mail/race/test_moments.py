"""Moments that a race meets once in a million calls, brought about on purpose."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import threading

import pytest

import otp
from otp.backends.supervisor import SupervisorMailbox
from otp.mail import bounds, calls
from otp.mail.bounds import MailboxLimit, Overflow, _BoundedLoopMailbox, _BoundedThreadMailbox
from otp.tree import mailbox
from otp.tree.clock import SystemClock
from otp.tree.incarnation import Incarnation
from otp.tree.loop_mailbox import LoopMailbox
from otp.tree.mailbox import DeafMailbox, ThreadMailbox

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


@pytest.mark.parametrize(
    "make",
    [
        DeafMailbox,
        SupervisorMailbox,
        ThreadMailbox,
        LoopMailbox,
        lambda dn: _BoundedThreadMailbox(dn, MailboxLimit(1)),
        lambda dn: _BoundedLoopMailbox(dn, MailboxLimit(1)),
    ],
)
def test_a_mailbox_is_opened_once_however_many_write_its_first_letter(make):
    box = make("root.a")
    pending, put = box.pending, box.put
    box._open()  # who has waited for the first one to open it comes here
    assert box.pending is pending
    assert box.put == put


def test_a_letter_for_which_a_canceled_task_was_woken_is_taken_by_another(stage):
    got, told = concurrent.futures.Future(), concurrent.futures.Future()

    async def receiver():
        first = asyncio.create_task(otp.areceive())
        second = asyncio.create_task(otp.areceive())
        await asyncio.sleep(0)
        otp.current().send("a letter")  # wakes the first, which is canceled before it runs
        first.cancel()
        told.set_result(None)
        got.set_result(await second)
        await asyncio.get_running_loop().create_future()

    stage.start(receiver=receiver)
    told.result(PATIENCE)
    assert got.result(PATIENCE) == "a letter"


@pytest.mark.parametrize("watched", [True, False])
def test_callers_are_told_of_an_end_when_the_machine_has_no_thread_left(actors, monkeypatch, watched):
    def refuse(*_args):
        msg = "can't start new thread"
        raise RuntimeError(msg)

    (server,) = actors("server")
    monkeypatch.setattr(calls, "start_new_thread", refuse)
    futures = [server.ref.send_request(number) for number in range(5)]
    called = concurrent.futures.Future()
    if watched:
        for future in futures:
            future.add_done_callback(lambda _: called.done() or called.set_result(None))
    server.end(boom)
    for future in futures:
        assert isinstance(future.exception(PATIENCE), otp.ServerExitError)
    if watched:
        called.result(PATIENCE)


def test_a_request_that_is_refused_while_the_server_ends_has_one_outcome(stage):
    """The mailbox is full, and closed before the sender could take its request back."""
    system = stage.start()
    box = _BoundedThreadMailbox("root.nobody", MailboxLimit(1, Overflow.FAIL))
    box.put("all that it takes")
    system.directory.homes["root.nobody"] = box
    put = box.put

    def put_and_close(letter):
        try:
            put(letter)
        finally:
            box.close(otp.Reason.SHUTDOWN)

    box.put = put_and_close
    future = stage.ref("nobody").send_request("anything")
    assert isinstance(future.exception(PATIENCE), (otp.MailboxFullError, otp.ServerExitError))


@pytest.mark.timeout(10)
def test_who_is_let_in_before_it_has_begun_to_wait_does_not_wait(monkeypatch):
    """A sender has taken its place in the line of a full mailbox; the reader is faster than it."""
    box = _BoundedThreadMailbox("root.a", MailboxLimit(1))
    box.put("all that it takes")
    asked = iter([False, True])

    def on_event_loop():
        if next(asked):
            assert box.take(SystemClock()) == "all that it takes"

    monkeypatch.setattr(bounds, "_get_running_loop", on_event_loop)
    box.put("the next")
    assert box.take(SystemClock()) == "the next"


def test_an_exit_signal_that_comes_when_the_node_has_left_the_tree_is_a_no_op(stage, monkeypatch):
    """It found the incarnation alive, which then ended, and was TEMPORARY."""
    left, cancel = threading.Event(), Incarnation.cancel

    def late(incarnation):
        cancel(incarnation)
        if incarnation.dn == "root.brief" and not incarnation._ended:
            assert left.wait(PATIENCE)

    def brief():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = stage.start(brief=otp.Child(brief, restart=otp.Restart.TEMPORARY))
    system.wait_healthy(PATIENCE)
    monkeypatch.setattr(Incarnation, "cancel", late)
    told = concurrent.futures.Future()

    def kill():
        try:
            stage.ref("brief").exit("now")
        except BaseException as error:  # noqa: BLE001 - told by the future
            told.set_exception(error)
        else:
            told.set_result(None)

    killer = threading.Thread(target=kill)
    killer.start()
    stage.until(otp.events.Removed, "root.brief")
    system.tree()
    left.set()
    killer.join()
    assert told.result(PATIENCE) is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, in a process that has threads
@pytest.mark.parametrize("lock", ["tying", "_opening"])
def test_a_fork_at_the_worst_moment_leaves_no_lock_behind(lock):
    """Another thread of the parent is just linking, or opening a mailbox."""
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with getattr(mailbox, lock):
            held.set()
            go_on.wait(PATIENCE)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)  # what would wait for ever is ended by it
        box = ThreadMailbox("root.a")
        box.put("a letter")
        box.close(otp.Reason.NORMAL)
        os._exit(0)
    go_on.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
