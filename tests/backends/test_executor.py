"""The default executor of the event loop, by itself."""

from __future__ import annotations

import threading

import pytest

from otp.backends import executor as module
from otp.backends.executor import Executor


@pytest.fixture
def adopted():
    return []


@pytest.fixture
def executor(adopted):
    executor = Executor(adopted.append)
    yield executor
    executor.shutdown()


def test_a_call_gives_its_result_to_its_future_and_is_handed_to_its_owner(executor, adopted):
    future = executor.submit(lambda a, *, b: (a, b), 1, b=2)
    assert future.result(timeout=30) == (1, 2)
    assert [call.future for call in adopted] == [future]


def test_a_call_has_its_owner_before_it_begins(executor, adopted):
    assert executor.submit(lambda: len(adopted)).result(timeout=30) == 1


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_whatever_a_call_raises_goes_to_its_future_and_its_thread_goes_on(executor, kind):
    def fail():
        raise kind

    assert isinstance(executor.submit(fail).exception(timeout=30), kind)
    assert executor.submit(lambda: "next").result(timeout=30) == "next"


def test_an_idle_thread_is_used_again(executor):
    threads = {executor.submit(threading.current_thread).result(timeout=30) for _ in range(20)}
    assert len(threads) <= 2, "a second one, where the first had not gone idle yet"


def test_calls_that_wait_for_each_other_run_at_the_same_time(executor, monkeypatch):
    monkeypatch.setattr(module, "_THREADS", 4)
    together = threading.Barrier(4)
    futures = [executor.submit(together.wait, 30) for _ in range(4)]
    assert sorted(future.result(timeout=30) for future in futures) == [0, 1, 2, 3]


def test_there_are_so_many_threads_and_no_more(executor, monkeypatch):
    monkeypatch.setattr(module, "_THREADS", 2)
    gate = threading.Event()
    begun = threading.Semaphore(0)

    def hold_on():
        begun.release()
        gate.wait()
        return threading.current_thread()

    futures = [executor.submit(hold_on) for _ in range(6)]
    assert begun.acquire(timeout=30)
    assert begun.acquire(timeout=30)
    assert not begun.acquire(blocking=False)
    gate.set()
    assert len({future.result(timeout=30) for future in futures}) == 2


def test_a_call_that_was_canceled_before_it_began_never_runs(executor, monkeypatch):
    monkeypatch.setattr(module, "_THREADS", 1)
    gate = threading.Event()
    ran = []
    first = executor.submit(gate.wait)
    second = executor.submit(ran.append, 1)
    assert second.cancel()
    gate.set()
    assert first.result(timeout=30)
    assert executor.submit(len, ran).result(timeout=30) == 0


def test_its_threads_are_daemons_that_carry_a_name(executor):
    thread = executor.submit(threading.current_thread).result(timeout=30)
    assert thread.daemon
    assert thread.name == "otp: to_thread 0"


def test_after_its_end_it_takes_no_calls_and_its_threads_are_gone(executor):
    thread = executor.submit(threading.current_thread).result(timeout=30)
    executor.shutdown()
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="the event loop has been closed"):
        executor.submit(print)


def test_to_wait_for_a_call_that_does_not_return_is_given_up(executor):
    gate = threading.Event()
    future = executor.submit(gate.wait)
    executor.shutdown(wait=False)
    executor.wait(0.01)
    assert future.running()
    gate.set()
    executor.wait(30)
    assert future.done()


def test_without_a_thread_for_its_first_call_it_refuses_and_with_one_the_others_wait(executor, adopted, monkeypatch):
    def no_thread(thread):
        message = "can't start new thread"
        raise RuntimeError(message)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            executor.submit(print)
    assert adopted.pop().future.cancelled(), "its owner does not wait for it"
    gate = threading.Event()
    first = executor.submit(gate.wait)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        second = executor.submit(lambda: "served by the only thread")
    gate.set()
    assert first.result(timeout=30)
    assert second.result(timeout=30) == "served by the only thread"
