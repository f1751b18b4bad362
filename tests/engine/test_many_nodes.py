"""A tree of very many coroutines starts, heals and stops, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from queue import SimpleQueue

import pytest

import otp

PATIENCE = 60.0
"""Seconds for a tree to be healthy when all of its runnables have begun; only a failing test needs them."""


class Herd:
    """Runnables that are counted. They all run in the thread of one event loop."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[None] = SimpleQueue()
        self.running = 0
        self._kill = None

    async def sheep(self) -> None:
        with self:
            await asyncio.get_running_loop().create_future()

    async def wolf(self) -> None:
        loop = asyncio.get_running_loop()
        killed = loop.create_future()
        self._kill = lambda: loop.call_soon_threadsafe(killed.set_result, None)
        with self:
            await killed
        raise ValueError

    def kill_wolf(self) -> None:
        self._kill()

    def await_births(self, number: int) -> None:
        for _ in range(number):
            self.begun.get()

    def __enter__(self) -> None:
        self.running += 1
        otp.signal(otp.Signal.HEALTHY)
        self.begun.put(None)

    def __exit__(self, *_error: object) -> None:
        self.running -= 1


def incarnations(system):
    return Counter(node.incarnation for node in system.tree().children)


def parts_of_trees():
    """How many objects of the engine there are, by type."""
    gc.collect()
    types = map(type, gc.get_objects())
    return Counter(kind for kind in types if str(kind.__module__).partition(".")[0] == "otp")


def live(nodes):
    """A tree of so many below the root, from its start to its stop; one is restarted, and then all of them are."""
    herd = Herd()
    members = dict.fromkeys([f"n{number}" for number in range(nodes - 1)], herd.sheep)

    async def root() -> None:
        otp.run_group(members | {"wolf": otp.Child(herd.wolf, backoff=otp.Backoff(initial=0.0))})
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.get_running_loop().create_future()

    with otp.System(root) as system:
        herd.await_births(nodes)
        system.wait_healthy(PATIENCE)
        assert incarnations(system) == {1: nodes}

        system.restart("root.n1")
        herd.await_births(1)
        system.wait_healthy(PATIENCE)
        assert incarnations(system) == {1: nodes - 1, 2: 1}

        herd.kill_wolf()
        herd.await_births(nodes)
        system.wait_healthy(PATIENCE)
        assert incarnations(system) == {2: nodes - 1, 3: 1}
        assert system.node("root.n1").incarnation == 3
        assert herd.running == nodes

        assert system.stop().unstopped == ()

    assert {node.state for node in system.tree().walk()} == {otp.NodeState.CANCELED}
    assert herd.running == 0
    assert herd.begun.empty()


@pytest.mark.parametrize(
    "nodes", [1_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])], ids=str
)
def test_all_of_many_coroutines_start_restart_and_stop_and_nothing_is_left(nodes):
    live(3)  # what is made once is there from now on
    before = parts_of_trees()

    live(nodes)

    assert parts_of_trees() - before == Counter()
