"""The threads that gRPC handlers run in."""

from __future__ import annotations

import contextvars
import threading

import pytest

from otp.runnables.grpc_server import _Pool

_WORKERS = 32


@pytest.fixture
def pool():
    pool = _Pool("pool")
    yield pool
    pool.shutdown()


def handlers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("pool: ")]


def test_it_returns_values_and_errors(pool):
    assert pool.submit(divmod, 7, 2).result(10) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 7, 0).result(10)
    assert pool.submit(int, "11", base=2).result(10) == 3


def test_even_an_exit_of_a_handler_ends_nothing_but_its_call(pool):
    def leave() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        pool.submit(leave).result(10)
    assert pool.submit(int, 5).result(10) == 5


def test_calls_carry_the_context_of_who_made_the_pool():
    variable = contextvars.ContextVar("variable", default="nobody's")
    variable.set("the maker's")
    pool = _Pool("pool")
    variable.set("changed later")

    def change() -> str:
        found = variable.get()
        variable.set("a call's")
        return found

    assert [pool.submit(change).result(10) for _ in range(2)] == ["the maker's"] * 2
    pool.shutdown()


def test_a_context_that_a_call_brings_along_gets_what_it_lacks():
    """As gRPC's own: it makes an empty one for each call, in which its interceptors may have set something."""
    own, other = contextvars.ContextVar("own", default="default"), contextvars.ContextVar("other", default="default")
    own.set("the maker's")
    other.set("the maker's")
    pool = _Pool("pool")
    brought = contextvars.Context()
    brought.run(own.set, "an interceptor's")

    found = pool.submit(brought.run, lambda: (own.get(), other.get())).result(10)

    assert found == ("an interceptor's", "the maker's")
    pool.shutdown()


def test_calls_one_after_the_other_share_a_thread(pool):
    threads = {pool.submit(threading.current_thread).result(10) for _ in range(3)}
    first = next(iter(threads))

    assert first.daemon
    assert len(handlers()) <= 2  # the result of one is there a moment before its thread is idle again


def test_32_calls_run_at_once_and_others_wait(pool):
    barrier, go = threading.Barrier(_WORKERS + 1), threading.Event()

    def wait() -> None:
        barrier.wait(10)
        go.wait()

    calls = [pool.submit(wait) for _ in range(_WORKERS)]
    barrier.wait(10)
    waiting = [pool.submit(threading.current_thread) for _ in range(100)]
    assert not any(call.done() for call in waiting)
    assert len(handlers()) == _WORKERS

    go.set()

    assert len({call.result(10) for call in waiting}) <= _WORKERS
    assert all(call.result(10) is None for call in calls)
    assert len(handlers()) == _WORKERS


def test_a_call_that_is_taken_back_does_not_run(pool):
    go = threading.Event()
    ran = []
    busy = [pool.submit(go.wait) for _ in range(_WORKERS)]
    taken_back = pool.submit(ran.append, 1)

    assert taken_back.cancel()
    go.set()
    pool.submit(int).result(10)

    assert ran == []
    assert all(call.result(10) for call in busy)


def test_a_pool_that_is_shut_down_has_run_what_it_was_given_and_takes_no_more():
    pool = _Pool("pool")
    calls = [pool.submit(int, number) for number in range(100)]

    pool.shutdown()

    assert [call.result(0) for call in calls] == list(range(100))
    assert handlers() == []
    with pytest.raises(RuntimeError, match="the server has stopped"):
        pool.submit(int)


def test_a_shutdown_that_does_not_wait_leaves_the_calls_running():
    pool = _Pool("pool")
    go = threading.Event()
    call = pool.submit(go.wait)

    pool.shutdown(wait=False)

    assert not call.done()
    go.set()
    assert call.result(10)
    pool.shutdown()
    assert handlers() == []


def test_a_machine_without_another_thread_makes_calls_wait_and_fails_none(monkeypatch):
    """An error in `submit` would end the thread of gRPC's that serves, and every call would hang from then on."""
    pool = _Pool("pool")
    go = threading.Event()
    busy = pool.submit(go.wait)

    def none_left(thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError):
            _Pool("another")
        second = pool.submit(int, 2)
    go.set()

    assert second.result(10) == 2
    assert busy.result(10)
    pool.shutdown()
