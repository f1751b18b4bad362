"""lapinbeam: supervisors and actors that are tasks of one asyncio loop. It has no threads and no trees.

Its restarts wait for 0.1 s or longer, which cannot be set. They are measured as they are, and with that wait overridden
(variant "no backoff") to see what everything else takes. A name is a class's, so each actor gets a class of its own.
"""

from __future__ import annotations

import asyncio

from lapinbeam import Node, Supervisor, actor, current_message
from mail import CASTS, awaited_calls, called, cast
from measure import DEATHS, DEATHS_OF_MANY, PAUSE, busy, latencies, now, rss, spawned

PATIENCE = 30.0


class AtOnce(Supervisor):
    def _backoff(self) -> float:
        return 0


class Births:
    """Set when `n` actors have been made."""

    def __init__(self, n: int) -> None:
        self.left = n
        self.all = asyncio.Event()
        self.last = now()
        if n == 0:
            self.all.set()

    def add(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.last = now()
            self.all.set()


class Idle:
    births: Births

    def __init__(self) -> None:
        Idle.births.add()

    async def receive(self, message: object) -> None:
        pass


class Mortal(Idle):
    died = 0.0

    async def receive(self, message: object) -> None:
        Mortal.died = now()
        raise RuntimeError


@actor(name="server")
class Server:
    """Counts what comes, and replies to whoever waits."""

    count = 0

    async def receive(self, message: object) -> None:
        self.count += 1
        about = current_message()
        if about.reply_to is not None:
            await about.reply(self.count)


def of_its_own(base: type, number: int) -> type:
    return actor(name=f"{base.__name__}{number}")(type(base.__name__, (base,), {}))


def supervisor(kind: type[Supervisor], strategy: str = "one_for_one") -> Supervisor:
    """One that never gives up, and whose every wait is the first one."""
    return kind(strategy, max_restarts=10**6, restart_window=0.001)


async def crash(n: int, strategy: str, kind: type[Supervisor], times: int) -> list[float]:
    """One of `n` dies: seconds until it has been made anew, or all have, as the strategy wants."""
    Idle.births, parent, seconds = Births(n), supervisor(kind, strategy), []
    mortal = parent.spawn(of_its_own(Mortal, 0))
    for number in range(n - 1):
        parent.spawn(of_its_own(Idle, number))
    await Idle.births.all.wait()
    for _ in range(times):
        await asyncio.sleep(PAUSE)
        Idle.births = Births(1 if strategy == "one_for_one" else n)
        await mortal.send("die")
        await asyncio.wait_for(Idle.births.all.wait(), PATIENCE)
        seconds.append(Idle.births.last - Mortal.died)
    await asyncio.sleep(PAUSE)
    await parent.shutdown()
    return seconds


async def both(workload: str, case: str, n: int, strategy: str, times: int):
    shipped = await crash(n, strategy, Supervisor, DEATHS_OF_MANY)
    at_once = await crash(n, strategy, AtOnce, times)
    return latencies(workload, case, shipped) + latencies(workload, case, at_once, "no backoff")


async def spawn(n: int):
    kinds = [of_its_own(Idle, number) for number in range(n)]
    memory, Idle.births, parent, start = rss(), Births(n), supervisor(Supervisor), now()
    for kind in kinds:
        parent.spawn(kind)
    await Idle.births.all.wait()
    seconds = Idle.births.last - start
    await asyncio.sleep(PAUSE)  # its tasks begin after it has been made
    memory = rss() - memory
    start = now()
    await parent.shutdown()
    return spawned(n, seconds, memory, now() - start)


async def restart(n: int):
    return await both("W2", f"n={n}", n, "one_for_one", DEATHS)


async def group(n: int):
    return await both("W3", f"n={n}", n, "one_for_all", DEATHS_OF_MANY)


async def beside(loops: int):
    with busy(loops):
        return await both("W2", f"busy={loops}", 1, "one_for_one", DEATHS_OF_MANY)


async def call(clients: int):
    parent = supervisor(Supervisor)
    seconds, trips = await awaited_calls(clients, parent.spawn(Server).ask)
    await parent.shutdown()
    return called(clients, seconds, trips)


async def send(producers: int):
    parent = supervisor(Supervisor)
    server = parent.spawn(Server)

    async def produce() -> None:
        for number in range(CASTS // producers):
            await server.send(number)

    start = now()
    await asyncio.gather(*(produce() for _ in range(producers)))
    count = await server.ask(None, timeout=PATIENCE)
    seconds = now() - start
    assert count == CASTS + 1
    await parent.shutdown()
    return cast(producers, seconds)


def on_a_node(body):
    async def with_node(size: int):
        async with Node("bench@127.0.0.1:0"):
            return await body(size)

    return lambda size: asyncio.run(with_node(size))


CASES = {
    "call": on_a_node(call),
    "cast": on_a_node(send),
    "spawn": on_a_node(spawn),
    "restart": on_a_node(restart),
    "busy": on_a_node(beside),
    "group": on_a_node(group),
}
