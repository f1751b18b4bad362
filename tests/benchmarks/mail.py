"""W4 and W5, for whatever system: how calls and casts are made and timed. What they go to is of the `on_*` modules."""

from __future__ import annotations

import asyncio
from queue import SimpleQueue
from threading import Barrier
from typing import TYPE_CHECKING

from measure import Figure, latencies, now, thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALLS = 20_000
"""In all, whoever makes them."""
CASTS = 200_000


def called(clients: int, seconds: float, trips: list[float], variant: str = "") -> list[Figure]:
    """W4 of one run: that many round trips of all clients together in so many seconds."""
    rate = Figure("W4", f"n={clients}", "rate", len(trips) / seconds, "1/s", variant)
    return [rate, *latencies("W4", f"n={clients}", trips, variant)]


def cast(producers: int, seconds: float, variant: str = "") -> list[Figure]:
    """W5 of one run."""
    return [Figure("W5", f"n={producers}", "rate", CASTS / seconds, "1/s", variant)]


def calls(clients: int, call: Callable[[object], object], variant: str = "") -> list[Figure]:
    """Each client is a thread that calls, waits for the reply, and calls again."""
    each = CALLS // clients
    trips: SimpleQueue[list[float]] = SimpleQueue()
    ready = Barrier(clients + 1)

    def client() -> None:
        mine = []
        ready.wait()
        for number in range(each):
            start = now()
            call(number)
            mine.append(now() - start)
        trips.put(mine)

    threads = [thread(client) for _ in range(clients)]
    ready.wait()
    start = now()
    all_trips = [trip for _ in threads for trip in trips.get()]
    seconds = now() - start
    for waited in threads:
        waited.join()
    return called(clients, seconds, all_trips, variant)


def casts(producers: int, send: Callable[[object], object], wait: Callable[[], object]) -> list[Figure]:
    """Each producer is a thread that casts without waiting; `wait` returns when all have been handled."""
    each = CASTS // producers
    ready = Barrier(producers + 1)

    def produce() -> None:
        ready.wait()
        for number in range(each):
            send(number)

    threads = [thread(produce) for _ in range(producers)]
    ready.wait()
    start = now()
    wait()
    seconds = now() - start
    for waited in threads:
        waited.join()
    return cast(producers, seconds)


async def awaited_calls(clients: int, call: Callable[[object], Awaitable[object]]) -> tuple[float, list[float]]:
    """Each client is a task; seconds in all, and of each round trip."""
    trips: list[float] = []

    async def client() -> None:
        for number in range(CALLS // clients):
            start = now()
            await call(number)
            trips.append(now() - start)

    start = now()
    await asyncio.gather(*(client() for _ in range(clients)))
    return now() - start, trips
