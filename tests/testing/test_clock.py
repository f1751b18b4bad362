"""The virtual clock: time that stands still until somebody moves it."""

from __future__ import annotations

import threading

import pytest

from otp.testing import VirtualClock


def held():
    lock = threading.Lock()
    lock.acquire()
    return lock


@pytest.fixture
def clock():
    return VirtualClock(start=1000.0)


def test_it_shows_what_it_was_set_to_until_it_is_moved(clock):
    assert (clock.time(), clock.monotonic()) == (1000.0, 1000.0)
    clock.advance(2.5)
    assert (clock.time(), clock.monotonic()) == (1002.5, 1002.5)
    clock.advance_to(1010.0)
    assert clock.monotonic() == 1010.0


def test_it_never_goes_back(clock):
    with pytest.raises(ValueError, match=r"time does not go back: advance\(-1\)"):
        clock.advance(-1)
    clock.advance_to(3.0)
    assert clock.monotonic() == 1000.0


def test_a_moment_that_has_come_is_not_waited_for_and_another_one_until_woken(clock):
    assert clock.timeout(1000.0) == 0.0
    assert clock.timeout(999.0) == 0.0
    assert clock.timeout(1000.1) is None


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_time_to_wait_a_lock_is_only_tried(clock, timeout):
    assert clock.acquire(threading.Lock(), timeout) is True
    assert clock.acquire(held(), timeout) is False


def test_without_a_timeout_a_lock_is_waited_for(clock):
    assert clock.acquire(threading.Lock(), None) is True


def sleep(clock, seconds, lock):
    """Sleep in a thread; gives that thread, and the list its result will be in."""
    result = []
    thread = threading.Thread(target=lambda: result.append(clock.acquire(lock, seconds)))
    thread.start()
    return thread, result


def test_a_sleeper_is_woken_when_its_moment_has_come(clock):
    early, late = held(), held()
    first, first_result = sleep(clock, 5.0, early)
    second, second_result = sleep(clock, 9.0, late)
    clock.wait_for_sleepers(2, timeout=30)
    assert clock.next_wake == 1005.0
    clock.advance(5.0)
    first.join()
    assert (first_result, second_result) == ([False], [])
    assert clock.next_wake == 1009.0
    clock.advance(100.0)
    second.join()
    assert second_result == [False]
    assert clock.next_wake is None


def test_a_sleeper_whose_lock_is_released_has_not_timed_out(clock):
    lock = held()
    thread, result = sleep(clock, 5.0, lock)
    clock.wait_for_sleepers(1, timeout=30)
    lock.release()
    thread.join()
    assert result == [True]
    assert clock.next_wake is None
    clock.advance(5.0)


def test_what_was_released_in_the_moment_its_time_was_over_does_no_harm(clock):
    lock = threading.Lock()  # as if its holder had released it, and the sleeper were just about to run
    clock._sleepers.append((1001.0, lock))
    clock.advance(1.0)
    assert clock.next_wake is None


def test_to_wait_for_sleepers_that_do_not_come_is_given_up(clock):
    with pytest.raises(TimeoutError, match=r"0 of 1 sleep after 0\.01 s"):
        clock.wait_for_sleepers(1, timeout=0.01)


def test_who_subscribed_is_woken_by_each_move_until_it_unsubscribes(clock):
    woken = []
    unsubscribe = clock.subscribe(lambda: woken.append(clock.time()))
    clock.advance(1)
    clock.advance_to(1007.0)
    unsubscribe()
    clock.advance(1)
    assert woken == [1001.0, 1007.0]
