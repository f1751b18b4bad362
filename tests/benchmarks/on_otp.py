"""otp, with runnables in threads or on the event loop; every part signals HEALTHY, as a part of a service would.

Restarts wait for nothing (`Backoff(initial=0.0)`), loguru's own sink is gone, and the log tree is filled as always.
"""

from __future__ import annotations

import asyncio
import functools
import statistics
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from loguru import logger
from mail import CASTS, awaited_calls, called, calls, casts
from measure import DEATHS, DEATHS_OF_MANY, PAUSE, Figure, latencies, now, rss, spawned

import otp

if TYPE_CHECKING:
    from collections.abc import Callable


DIE, STOP = "die", "stop"
"""What the node that dies is told; in a thread it hears no cancel meanwhile."""


class Threads:
    """Plain callables."""

    @staticmethod
    def serve(begin: Callable[[], object]) -> None:
        begin()
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    @staticmethod
    def mortal(begun: SimpleQueue, died: list[float]) -> None:
        orders: SimpleQueue = SimpleQueue()
        begun.put((now(), orders.put))
        otp.signal(otp.Signal.HEALTHY)
        if orders.get() == DIE:
            died.append(now())
            raise RuntimeError
        otp.wait_canceled()


class Coroutines:
    """`async def` runnables."""

    @staticmethod
    async def serve(begin: Callable[[], object]) -> None:
        begin()
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.get_running_loop().create_future()

    @staticmethod
    async def mortal(begun: SimpleQueue, died: list[float]) -> None:
        loop = asyncio.get_running_loop()
        order = loop.create_future()
        begun.put((now(), functools.partial(loop.call_soon_threadsafe, order.set_result)))
        otp.signal(otp.Signal.HEALTHY)
        if await order == DIE:
            died.append(now())
            raise RuntimeError
        await loop.create_future()


def burn() -> None:
    """A plain callable in either case: a coroutine like that would block the event loop."""
    otp.signal(otp.Signal.HEALTHY)
    while not otp.canceled():
        pass


class Echo(otp.GenServer):
    """In a thread."""

    def init(self) -> None:
        self.left = CASTS

    def handle_call(self, request: object, sender: otp.Sender) -> object:
        return request

    def handle_cast(self, request: int) -> None:
        self.left -= 1
        if self.left == 0:
            HANDLED.put(None)


class AsyncEcho(Echo):
    """On the event loop, for one of its callbacks is `async def`."""

    async def handle_call(self, request: object, sender: otp.Sender) -> object:
        return request


HANDLED: SimpleQueue = SimpleQueue()


class Benchmarks:
    """The workloads for one kind of runnable."""

    def __init__(self, kind: type[Threads | Coroutines]) -> None:
        self.kind = kind
        self.cases = {
            "spawn": self.spawn,
            "stop_now": self.stop_now,
            "restart": self.restart,
            "deep": self.deep,
            "busy": self.busy,
            "group": self.group,
            "call": self.call,
            "cast": self.cast,
        }
        if kind is Coroutines:  # as many threads are more than a process gets
            self.cases["limits"] = self.limits

    def start(self, begin: Callable[[], object]) -> otp.System:
        system = otp.System(self.kind.serve, begin, backoff=otp.Backoff(initial=0.0))
        system.start()
        return system

    def start_many(self, n: int) -> tuple[otp.System, float, int]:
        """A system with `n` idle parts below its root, seconds until all had begun, bytes that they take."""
        began: SimpleQueue = SimpleQueue()
        before: list[tuple[float, int]] = []

        def begin() -> None:
            before.append((now(), rss()))
            for number in range(n):
                otp.run(f"part{number}", self.kind.serve, lambda: began.put(now()))

        system = self.start(begin)
        last = max(began.get() for _ in range(n))
        system.wait_healthy(timeout=60)
        start, memory = before[0]
        return system, last - start, rss() - memory

    def spawn(self, n: int) -> list[Figure]:
        system, seconds, memory = self.start_many(n)
        start = now()
        system.stop()
        return spawned(n, seconds, memory, now() - start)

    def stop_now(self, n: int) -> list[Figure]:
        """W7 without order: everything is canceled at once."""
        system, _, _ = self.start_many(n)
        start = now()
        system.request_stop(now=True)
        system.join()
        seconds = now() - start
        system.stop()
        return [Figure("W7", f"n={n}", "now", seconds, "s")]

    def deaths(self, times: int, begin: Callable[[Callable[[], object]], object]) -> list[float]:
        """`begin` is run by the root and given what starts the node that dies, wherever in the tree it wants that."""
        begun, died, seconds = SimpleQueue(), [], []
        system = self.start(lambda: begin(lambda: otp.run("mortal", self.kind.mortal, begun, died)))
        _, order = begun.get()
        system.wait_healthy(timeout=60)
        for _ in range(times):
            time.sleep(PAUSE)
            order(DIE)
            began, order = begun.get()
            seconds.append(began - died[-1])
        order(STOP)
        system.stop()
        return seconds

    def restart(self, n: int) -> list[Figure]:
        def begin(start_mortal: Callable[[], object]) -> None:
            for number in range(n - 1):
                otp.run(f"part{number}", self.kind.serve, int)
            start_mortal()

        return latencies("W2", f"n={n}", self.deaths(DEATHS, begin))

    def deep(self, depth: int) -> list[Figure]:
        def begin(start_mortal: Callable[[], object], left: int = depth - 1) -> None:
            if left == 0:
                start_mortal()
            else:
                otp.run("level", self.kind.serve, lambda: begin(start_mortal, left - 1))

        return latencies("W2", f"depth={depth}", self.deaths(DEATHS, begin))

    def busy(self, loops: int) -> list[Figure]:
        def begin(start_mortal: Callable[[], object]) -> None:
            for number in range(loops):
                otp.run(f"burn{number}", burn)
            start_mortal()

        return latencies("W2", f"busy={loops}", self.deaths(DEATHS_OF_MANY, begin))

    def served(self) -> tuple[otp.System, otp.Ref]:
        """A system with a server, and its ref."""
        refs: SimpleQueue = SimpleQueue()

        def begin() -> None:
            refs.put(otp.run("echo", Echo if self.kind is Threads else AsyncEcho))

        system = self.start(begin)
        ref = refs.get()
        system.wait_healthy(timeout=60)
        return system, ref

    def call(self, clients: int) -> list[Figure]:
        """Threads call from outside the tree; tasks from within, which is where the event loop is."""
        if self.kind is Threads:
            system, ref = self.served()
            figures = calls(clients, ref.call)
            system.stop()
            return figures
        done: SimpleQueue = SimpleQueue()

        async def client() -> None:
            server = otp.run("echo", AsyncEcho)
            otp.signal(otp.Signal.HEALTHY)
            done.put(await awaited_calls(clients, server.acall))
            await asyncio.get_running_loop().create_future()

        system = otp.System(client)
        system.start()
        seconds, trips = done.get()
        system.stop()
        return called(clients, seconds, trips)

    def cast(self, producers: int) -> list[Figure]:
        system, ref = self.served()
        figures = casts(producers, ref.cast, HANDLED.get)
        system.stop()
        return figures

    def group(self, n: int) -> list[Figure]:
        began, begun, died, seconds = SimpleQueue(), SimpleQueue(), [], []
        members: dict[str, otp.Child] = {"mortal": otp.Child(self.kind.mortal, begun, died)}
        members |= {f"part{number}": otp.Child(self.kind.serve, lambda: began.put(now())) for number in range(n - 1)}
        system = self.start(lambda: otp.run_group(members))
        _, order = begun.get()
        for _ in range(n - 1):
            began.get()
        system.wait_healthy(timeout=60)
        for _ in range(DEATHS_OF_MANY):
            time.sleep(PAUSE)
            order(DIE)
            first, order = begun.get()
            last = max((began.get() for _ in range(n - 1)), default=first)
            seconds.append(max(first, last) - died[-1])
            system.wait_healthy(timeout=60)
        order(STOP)
        system.stop()
        return latencies("W3", f"n={n}", seconds)

    def limits(self, n: int) -> list[Figure]:
        """W8: the life of a tree of one part, which dies and dies again, and a group of all others, which does once."""
        began, of_group, alone, died, seconds = SimpleQueue(), SimpleQueue(), SimpleQueue(), [], []
        before: list[float] = []
        memory = rss()
        members: dict[str, otp.Child] = {"first": otp.Child(self.kind.mortal, of_group, died)}
        members |= {f"part{number}": otp.Child(self.kind.serve, lambda: began.put(now())) for number in range(n - 2)}

        def begin() -> None:
            before.append(now())
            otp.run("mortal", self.kind.mortal, alone, died)
            otp.run_group(members)

        def group_began() -> tuple[float, Callable[[str], object]]:
            first, order = of_group.get()
            return max((began.get() for _ in range(n - 2)), default=first), order

        system = self.start(begin)
        _, order = alone.get()
        last, order_group = group_began()
        start = last - before[0]
        system.wait_healthy(timeout=60)
        memory = rss() - memory
        for _ in range(DEATHS_OF_MANY):
            time.sleep(PAUSE)
            order(DIE)
            one_began, order = alone.get()
            seconds.append(one_began - died[-1])
        order_group(DIE)
        group = group_began()[0] - died[-1]
        system.wait_healthy(timeout=60)
        stop = now()
        system.stop()
        stop = now() - stop
        phases = {"start": start, "restart": statistics.median(seconds), "group": group, "stop": stop}
        case = f"n={n}"
        return [
            *(Figure("W8", case, phase, value, "s") for phase, value in phases.items()),
            Figure("W8", case, "rss", memory / n, "B"),
        ]


logger.remove()
