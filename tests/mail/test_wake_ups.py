"""How readers on an event loop are woken by threads: once for many letters, and as many readers as there are letters."""

from __future__ import annotations

import asyncio
import threading

from otp.tree.clock import SystemClock
from otp.tree.loop_mailbox import LoopMailbox
from otp.tree.mailbox import NOTHING

CLOCK = SystemClock()


def put_all(mailbox, letters):
    """From a thread, while the event loop stands still."""
    thread = threading.Thread(target=lambda: [mailbox.put(letter) for letter in letters])
    thread.start()
    thread.join()


async def reading(mailbox, readers):
    """That many tasks that wait for a letter each."""
    tasks = [asyncio.ensure_future(mailbox.take(CLOCK)) for _ in range(readers)]
    await asyncio.sleep(0)
    assert len(mailbox._waiters) == readers
    return tasks


def test_the_event_loop_is_told_once_of_all_letters_that_come_until_it_looks(monkeypatch):
    async def body():
        mailbox = LoopMailbox("root.a")
        (task,) = await reading(mailbox, 1)
        loop, told = asyncio.get_running_loop(), []
        call_soon = loop.call_soon_threadsafe
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *args: told.append(args) or call_soon(*args))
        put_all(mailbox, range(100))
        assert await task == 0
        assert len(told) == 1
        assert [await mailbox.take(CLOCK) for _ in range(99)] == [*range(1, 100)]
        (task,) = await reading(mailbox, 1)
        put_all(mailbox, ["later"])
        assert await task == "later"
        assert len(told) == 2

    asyncio.run(body())


def test_each_letter_that_came_meanwhile_wakes_a_reader():
    async def body():
        mailbox = LoopMailbox("root.a")
        tasks = await reading(mailbox, 3)
        put_all(mailbox, ["a", "b"])
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert sorted(task.result() for task in done) == ["a", "b"]
        put_all(mailbox, ["c"])
        assert await waiting.pop() == "c"

    asyncio.run(body())


def test_a_reader_that_was_woken_but_has_not_run_yet_counts_as_one_who_takes_a_letter():
    async def body():
        mailbox = LoopMailbox("root.a")
        tasks = await reading(mailbox, 2)
        mailbox.put("a")  # wakes the first on this thread
        mailbox._wake()  # what a thread has asked for in the same moment
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == ["a"]
        put_all(mailbox, ["b"])
        assert await waiting.pop() == "b"
        assert NOTHING not in [task.result() for task in tasks]

    asyncio.run(body())
