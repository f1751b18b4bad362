"""The floor: a thread and a queue to each part, and the least that could be called a supervisor.

No tree, no rules, no log. Whatever a library adds is measured against this.
"""

from __future__ import annotations

import asyncio
import time
from queue import SimpleQueue
from threading import Lock

from mail import CALLS, CASTS, called, calls, casts
from measure import AT_ONCE, DEATHS, DEATHS_OF_MANY, PAUSE, busy, latencies, now, rss, spawned, thread


def part(inbox: SimpleQueue, told: SimpleQueue) -> None:
    told.put(now())
    inbox.get()
    told.put(now())


class Parts:
    """`n` parts that run."""

    def __init__(self, n: int) -> None:
        self.told: SimpleQueue = SimpleQueue()
        self.inboxes = [SimpleQueue() for _ in range(n)]
        self.threads = [thread(part, inbox, self.told) for inbox in self.inboxes]
        self.began = max((self.told.get() for _ in self.inboxes), default=now())

    def stop(self, first: int = 0) -> None:
        """Until all from the `first` on have ended."""
        for start in range(first, len(self.inboxes), AT_ONCE):
            batch = self.inboxes[start : start + AT_ONCE]
            for inbox in batch:
                inbox.put(None)
            for _ in batch:
                self.told.get()
        for each in self.threads:
            each.join()


def spawn(n: int):
    memory, start = rss(), now()
    parts = Parts(n)
    seconds, memory = parts.began - start, rss() - memory
    start = now()
    parts.stop()
    return spawned(n, seconds, memory, now() - start)


def deaths(times: int) -> list[float]:
    """From just before the raise of a part to the beginning of its next incarnation."""
    ends, begun, orders, died, seconds = SimpleQueue(), SimpleQueue(), SimpleQueue(), [], []

    def mortal() -> None:
        begun.put(now())
        if orders.get() is None:
            return
        try:
            died.append(now())
            raise RuntimeError  # noqa: TRY301 - a death is a raise, here as everywhere
        except RuntimeError as error:
            ends.put(error)

    def supervise() -> None:
        while ends.get() is not None:
            thread(mortal)

    supervisor = thread(supervise)
    thread(mortal)
    begun.get()
    for _ in range(times):
        time.sleep(PAUSE)
        orders.put("die")
        seconds.append(begun.get() - died[-1])
    orders.put(None)
    ends.put(None)
    supervisor.join()
    return seconds


def restart(n: int):
    siblings = Parts(n - 1)
    seconds = deaths(DEATHS)
    siblings.stop()
    return latencies("W2", f"n={n}", seconds)


def deep(depth: int):
    """There is no tree: as many idle threads as there would be nodes above the one that dies."""
    above = Parts(depth)
    seconds = deaths(DEATHS)
    above.stop()
    return latencies("W2", f"depth={depth}", seconds)


def beside(loops: int):
    with busy(loops):
        return latencies("W2", f"busy={loops}", deaths(DEATHS_OF_MANY))


def group(n: int):
    parts, seconds = Parts(n), []
    for _ in range(DEATHS_OF_MANY):
        time.sleep(PAUSE)
        parts.inboxes[0].put(None)
        died = parts.told.get()
        parts.stop(first=1)
        parts = Parts(n)
        seconds.append(parts.began - died)
    parts.stop()
    return latencies("W3", f"n={n}", seconds)


def call(clients: int):
    """The floor of a call: a queue to the server, and a lock that the reply releases."""
    inbox: SimpleQueue = SimpleQueue()

    def serve() -> None:
        while (letter := inbox.get()) is not None:
            request, replies, answered = letter
            replies.append(request)
            answered.release()

    def ask(request: object) -> object:
        answered, replies = Lock(), []
        answered.acquire()
        inbox.put((request, replies, answered))
        answered.acquire()
        return replies[0]

    server = thread(serve)
    figures = calls(clients, ask)
    inbox.put(None)
    server.join()
    return figures + asyncio.run(call_by_queues(clients))


async def call_by_queues(clients: int):
    """The floor of two tasks: an `asyncio.Queue` there, and one of each client's back."""
    inbox: asyncio.Queue = asyncio.Queue()

    async def serve() -> None:
        while True:
            request, replies = await inbox.get()
            replies.put_nowait(request)

    async def client(trips: list[float]) -> None:
        replies: asyncio.Queue = asyncio.Queue()
        for number in range(CALLS // clients):
            start = now()
            inbox.put_nowait((number, replies))
            await replies.get()
            trips.append(now() - start)

    server = asyncio.create_task(serve())
    trips: list[float] = []
    start = now()
    await asyncio.gather(*(client(trips) for _ in range(clients)))
    seconds = now() - start
    server.cancel()
    return called(clients, seconds, trips, "tasks")


def send(producers: int):
    inbox: SimpleQueue = SimpleQueue()

    def consume() -> None:
        for _ in range(CASTS):
            inbox.get()

    server = thread(consume)
    return casts(producers, inbox.put, server.join)


CASES = {"call": call, "cast": send, "spawn": spawn, "restart": restart, "deep": deep, "busy": beside, "group": group}
