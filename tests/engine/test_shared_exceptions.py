"""An exception may have several owners: a future hands the one that was set to all who wait for it."""

from __future__ import annotations

import asyncio
import queue
from concurrent.futures import Future

import otp
from otp.events import Died


def test_a_coroutine_goes_on_that_holds_the_exception_another_runnable_has_died_of(stage):
    shared: Future[None] = Future()
    held = stage.gate()
    went_on = queue.SimpleQueue()
    resume = []

    def mortal() -> None:
        otp.signal(otp.Signal.HEALTHY)
        error = ValueError("ours")
        shared.set_exception(error)
        held.wait()
        raise error

    async def holder() -> None:
        otp.signal(otp.Signal.HEALTHY)
        loop = asyncio.get_running_loop()
        patience = loop.create_future()
        resume.append(lambda: loop.call_soon_threadsafe(patience.set_result, None))
        try:
            await asyncio.wrap_future(shared)
        except ValueError as error:
            loop.call_soon(held.set)  # when this one has been suspended
            await patience
            went_on.put(repr(error))
        await loop.create_future()

    def root() -> None:
        otp.run("holder", holder)
        otp.run("mortal", mortal, restart=otp.Restart.TEMPORARY)
        stage.serve()

    system, story = stage.watch(root)
    story.until(Died, "root.mortal")
    resume[0]()

    assert went_on.get(timeout=10) == "ValueError('ours')"
    assert system.node("root.holder").incarnation == 1
