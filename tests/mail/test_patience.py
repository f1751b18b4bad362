"""The timeouts of calls by the machine's clock: one thread sees to all of them, and where there is none each caller does."""

from __future__ import annotations

import concurrent.futures
import math
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue

import pytest

import otp
from otp.tree.clock import SystemClock

PATIENCE = 30.0
LONG = 3600.0
"""Seconds that no test waits for."""


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "otp: patience"]


@pytest.fixture
def heard():
    """What the server has been asked."""
    return SimpleQueue()


@pytest.fixture
def server(stage, heard):
    """The ref of one that never replies."""

    def deaf():
        otp.signal(otp.Signal.HEALTHY)
        while True:
            heard.put(otp.receive())

    stage.start(clock=SystemClock(), server=deaf)
    stage.system.wait_healthy(PATIENCE)
    return stage.ref("server")


@pytest.fixture
def caller(stage):
    """Has a thread of its own call; gives the future of what comes of it."""
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        yield threads.submit
        stage.gate.set()
        stage.system.stop()  # which ends those who still wait


def called(heard, number):
    """Wait until so many have called; the thread that sees to them runs by then, if there is to be one."""
    for _ in range(number):
        heard.get(timeout=PATIENCE)


def test_a_call_ends_when_its_time_is_over_and_not_before(server):
    start = time.monotonic()
    with pytest.raises(otp.CallTimeoutError, match=r"root\.server has not replied within 0\.05 s"):
        server.call("anything", 0.05)
    assert time.monotonic() - start >= 0.05


def test_one_thread_sees_to_all_calls_from_the_first_that_has_a_timeout(server, caller, heard):
    assert watchers() == []
    waiting = [caller(server.call, number, LONG) for number in range(10)]
    called(heard, 10)
    assert len(watchers()) == 1
    assert not any(call.done() for call in waiting)


def test_a_call_without_a_timeout_needs_no_thread(server, caller, heard):
    caller(server.call, "anything", None)
    caller(server.call, "anything", math.inf)
    called(heard, 2)
    assert watchers() == []


def test_a_shorter_timeout_that_comes_later_ends_first(server, caller, heard):
    for seconds in (LONG, LONG / 2, LONG / 4):
        caller(server.call, "anything", seconds)
    called(heard, 3)
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    assert len(server._home().pending) == 3


def test_those_that_end_in_the_same_moment_all_end(server):
    start, calls = threading.Barrier(50), []

    def call(number):
        start.wait()
        with pytest.raises(otp.CallTimeoutError):
            server.call(number, 0.05 + number % 3 / 1000)
        calls.append(number)

    with concurrent.futures.ThreadPoolExecutor(50) as threads:
        list(threads.map(call, range(50)))
    assert len(calls) == 50


@pytest.mark.parametrize("seconds", [0, -1, -math.inf, math.nan], ids=str)
def test_no_time_at_all_is_no_time(server, seconds):
    for _ in range(2):
        with pytest.raises(otp.CallTimeoutError):
            server.call("anything", seconds)


def test_a_timeout_that_is_no_number_is_refused_and_leaves_nothing_behind(server):
    with pytest.raises(TypeError):
        server.call("anything", "soon")
    assert not server._home().pending


def test_calls_leave_nothing_behind(server):
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    assert not server._home().pending


def test_the_thread_ends_with_the_system(server, caller, stage, heard):
    waiting = caller(server.call, "anything", LONG)
    called(heard, 1)
    stage.system.stop()
    assert watchers() == []
    with pytest.raises(otp.ServerExitError):
        waiting.result(PATIENCE)


def test_calls_of_something_stuck_end_by_their_timeouts_after_the_stop(stage, caller, heard):
    def stuck():
        otp.signal(otp.Signal.HEALTHY)
        heard.put(otp.receive())
        stage.gate.wait()

    stage.start(clock=SystemClock(), stuck=otp.Child(stuck, shutdown=0.01))
    stage.system.wait_healthy(PATIENCE)
    ref = stage.ref("stuck")
    long = caller(ref.call, "anything", LONG)
    called(heard, 1)
    assert stage.system.stop(0.0).unstopped == ("root.stuck",)
    with pytest.raises(otp.CallTimeoutError):
        ref.call("anything", 0.01)
    assert not long.done()
    stage.gate.set()
    with pytest.raises(otp.ServerExitError):
        long.result(PATIENCE)


def test_who_still_waits_when_the_thread_ends_sees_to_the_rest_of_its_time(server, caller, stage, heard):
    short, long = caller(server.call, "anything", 1.0), caller(server.call, "anything", LONG)
    called(heard, 2)
    (watcher,) = watchers()
    stage.system.directory.patience.close()
    watcher.join(PATIENCE)
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    assert not long.done()
    with pytest.raises(otp.CallTimeoutError):
        short.result(PATIENCE)
    assert watchers() == []


def test_on_a_machine_without_threads_left_each_caller_sees_to_it(server, monkeypatch):
    def refuse(*_args, **_more):
        raise RuntimeError("can't start new thread")  # noqa: EM101, TRY003 - what `threading` says

    starter = "_start_joinable_thread" if sys.version_info >= (3, 13) else "_start_new_thread"
    monkeypatch.setattr(threading, starter, refuse)
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    monkeypatch.undo()
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    assert len(watchers()) == 1


def test_who_calls_while_the_thread_is_being_started_sees_to_it(server, stage):
    with stage.system.directory.patience._lock, pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    assert watchers() == []


def test_what_is_collected_in_that_thread_must_not_call(server):
    """It would wait for the thread that it holds up."""
    refused = concurrent.futures.Future()

    class Collector:
        def look(self, _now):
            try:
                server.call("farewell", LONG)
            except BaseException as error:  # noqa: BLE001 - the test's business
                refused.set_result(error)
            return math.inf

    server._home().pending.add(Collector())
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    assert isinstance(refused.result(PATIENCE), otp.BlockingCallError)
    server._home().pending.clear()


@pytest.fixture
def watched(server, heard):
    """The server; the thread runs already, for what interrupts its start hits `threading` in the middle."""
    with pytest.raises(otp.CallTimeoutError):
        server.call("anything", 0.01)
    called(heard, 1)
    return server


def test_a_process_that_is_forked_while_its_thread_waits_does_not_wait_for_ever(watched, heard):
    server, forked = watched, []

    def fork(_signal, _frame):
        forked.append(os.fork())
        if forked == [0]:
            signal.alarm(int(PATIENCE))  # what would wait for ever is ended by it

    before = signal.signal(signal.SIGUSR1, fork)
    try:
        killer = threading.Thread(target=lambda: (called(heard, 1), os.kill(os.getpid(), signal.SIGUSR1)))
        killer.start()
        status = 1
        try:
            server.call("anything", 0.5)
        except otp.CallTimeoutError:
            status = 0
        finally:
            if forked == [0]:
                os._exit(status)
        killer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert status == 0
    assert os.waitstatus_to_exitcode(os.waitpid(forked[0], 0)[1]) == 0


def test_an_interrupt_ends_a_call(watched, heard):
    server = watched

    interrupted = threading.Event()

    def interrupt(_signal, _frame):
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def kill():
        called(heard, 1)
        # One that comes in the instant in which Python begins to wait is handled when that wait is over.
        while not interrupted.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
            interrupted.wait(0.1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(KeyboardInterrupt):
            server.call("anything", LONG)
        killer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not server._home().pending
