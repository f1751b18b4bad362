"""What an `async def` runnable has put into the default executor runs on when its task is canceled."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import otp


def test_a_coroutine_starts_anew_only_when_its_calls_in_the_executor_have_returned():
    in_thread = threading.Semaphore(0)
    may_return = threading.Event()
    began = threading.Semaphore(0)
    overlap: list[int] = []
    inside = 0

    def blocking_call() -> None:
        nonlocal inside
        inside += 1
        in_thread.release()
        may_return.wait()
        inside -= 1

    async def child() -> None:
        overlap.append(inside)
        began.release()
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.to_thread(blocking_call)
        await asyncio.Event().wait()

    def root() -> None:
        otp.run("child", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    with otp.System(root) as system:
        assert began.acquire(timeout=10)
        assert in_thread.acquire(timeout=10)
        system.restart("root.child")
        assert not began.acquire(timeout=0.05)
        assert system.node("root.child").incarnation == 1
        may_return.set()
        assert began.acquire(timeout=10)
        assert overlap == [0, 0]
        assert system.node("root.child").state is not otp.NodeState.DEAD


def test_a_task_made_by_a_callback_that_outlived_its_incarnation_is_canceled_at_once():
    left: list[tuple[asyncio.AbstractEventLoop, contextvars.Context]] = []
    how: list[str] = []
    over = threading.Event()

    async def work() -> None:
        how.append("ran")

    async def child() -> None:
        left.append((asyncio.get_running_loop(), contextvars.copy_context()))
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    def root() -> None:
        otp.run("child", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    def outlive(loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(work())
        task.add_done_callback(lambda done: (how.append("canceled" if done.cancelled() else "ended"), over.set()))

    system = otp.System(root)
    events = system.events()
    with system:
        assert any(isinstance(event, otp.events.Done) for event in events)
        loop, context = left[0]
        loop.call_soon_threadsafe(outlive, loop, context=context)
        assert over.wait(timeout=10)
        assert how == ["canceled"]
