"""The timeouts of calls between tasks: one timer of the event loop for all of them."""

from __future__ import annotations

import asyncio

from otp.mail.deadlines import Deadlines, too_late_at
from otp.testing import VirtualClock
from otp.tree.clock import SystemClock


def waiters(loop, number):
    return [loop.create_future() for _ in range(number)]


def timers(loop):
    return [timer for timer in loop._scheduled if not timer.cancelled()]


def test_those_that_are_due_are_woken_in_the_order_in_which_they_are():
    async def body():
        loop = asyncio.get_running_loop()
        deadlines, woken = Deadlines(loop), []
        late, soon, never = waiters(loop, 3)
        for waiter, name in ((late, "late"), (soon, "soon")):
            waiter.add_done_callback(lambda _, name=name: woken.append(name))
        deadlines.add(never, 3600.0, loop)
        deadlines.add(late, 0.02, loop)
        deadlines.add(soon, 0.01, loop)
        await late
        assert not never.done()
        assert len(timers(loop)) == 1
        return woken

    assert asyncio.run(body()) == ["soon", "late"]


def test_however_many_wait_the_event_loop_has_one_timer():
    async def body():
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        for number, waiter in enumerate(waiters(loop, 100)):
            deadlines.add(waiter, 1000.0 - number, loop)
        return len(timers(loop))

    assert asyncio.run(body()) == 1


def test_who_has_been_removed_is_not_woken_and_when_nobody_waits_there_is_no_timer():
    async def body():
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        first, second = waiters(loop, 2)
        deadlines.add(first, 0.0, loop)
        deadlines.remove(first)
        deadlines.add(second, 0.01, loop)
        await second
        deadlines.remove(second)
        assert not first.done()
        return timers(loop)

    assert asyncio.run(body()) == []


def test_who_was_answered_in_the_moment_it_is_too_late_is_left_alone():
    async def body():
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        answered, other = waiters(loop, 2)
        deadlines.add(answered, 0.0, loop)
        deadlines.add(other, 0.0, loop)
        answered.set_result(None)
        await other
        return answered.done()

    assert asyncio.run(body())


def test_each_event_loop_of_a_thread_has_its_own():
    async def body():
        loop = asyncio.get_running_loop()
        (waiter,) = waiters(loop, 1)
        remove = too_late_at(SystemClock(), loop, 0.0, waiter)
        await waiter
        remove(waiter)
        return remove.__self__

    first, second = asyncio.run(body()), asyncio.run(body())
    assert first is not second


def test_another_clock_than_the_machines_is_waited_for_as_it_goes():
    clock = VirtualClock()

    async def body():
        loop = asyncio.get_running_loop()
        waiter, removed = waiters(loop, 2)
        too_late_at(clock, loop, 60.0, removed)(removed)
        remove = too_late_at(clock, loop, 60.0, waiter)
        clock.advance(59.0)
        await asyncio.sleep(0)
        assert not waiter.done()
        clock.advance(1.0)
        await waiter
        remove(waiter)
        return removed.done()

    assert asyncio.run(body()) is False
