"""A server on the event loop: one of its callbacks is `async def`.

It takes two tasks. What a cancel reaches is the one that the backend has made, which only waits for the other; in that
one the callbacks run, and it is canceled at its deadline, or when it is to be killed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from otp.behaviours.gen_server_conduct import CALLS, SAID, Conduct, Ending
from otp.behaviours.gen_server_returns import TIMEOUT, Continue
from otp.child import is_async
from otp.mail.calls import CastMessage
from otp.tree.decision.policy import BrutalKill
from otp.tree.loop_mailbox import LoopMailbox, alarm
from otp.tree.mailbox import NOTHING

if TYPE_CHECKING:
    from otp.behaviours.gen_server import GenServer
    from otp.tree.ends import Exiting

__all__ = ["serve_in_task"]

_SHARE: Final = 100
"""Letters that are taken without waiting; then others on the event loop have their turn."""


async def serve_in_task(
    cls: type[GenServer],
    shutdown: float | BrutalKill | None,
    /,
    *args: Any,  # noqa: ANN401 - of `init`
    **kwargs: Any,  # noqa: ANN401 - the same
) -> None:
    """Run a server, until it ends."""
    server = _TaskServer(cls, shutdown)
    task = asyncio.get_running_loop().create_task(server.run(args, kwargs))
    await server.wait_for(task)
    end = task.result()
    if end is not None:
        raise end


class _TaskServer(Conduct):
    def __init__(self, cls: type[GenServer], shutdown: float | BrutalKill | None) -> None:
        super().__init__(cls, shutdown)
        self._deadline = None if isinstance(shutdown, BrutalKill) else shutdown
        mailbox = self.incarnation.mailbox
        assert isinstance(mailbox, LoopMailbox)  # noqa: S101 - so says the backend
        self._mailbox = mailbox
        self._call_awaits = is_async(self.server.handle_call)
        self._cast_awaits = is_async(self.server.handle_cast)
        self._info_awaits = is_async(self.server.handle_info)

    async def wait_for(self, task: asyncio.Task[Exiting | None]) -> None:
        """Until it has ended; pass on what it is to know of a cancel."""
        deadline: asyncio.Future[None] | None = None
        disarm = None
        while not task.done():
            try:
                await asyncio.wait((task,) if deadline is None else (task, deadline), return_when="FIRST_COMPLETED")
            except asyncio.CancelledError:
                if self.killed or not self.incarnation.is_canceled:
                    task.cancel()
                    continue
                self._mailbox.put(NOTHING)
                if disarm is None and self._deadline is not None:
                    loop = asyncio.get_running_loop()
                    deadline = loop.create_future()
                    disarm = alarm(self.clock, loop, self._deadline, deadline)
            if deadline is not None and deadline.done():
                self.incarnation.overdue = True  # however soon it ends now
                task.cancel()
                deadline = None
        if disarm is not None:
            disarm()

    async def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exiting | None:
        """What to end by."""
        if self.incarnation.is_canceled:  # before this task has begun
            return None
        try:
            said: Any = self.server.init(*args, **kwargs)
            if is_async(self.server.init):
                said = await said
            following = self.begin(said)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the start has failed
            return self.not_begun(error)
        ending = await self._serve(following)
        try:
            if not self.killed:
                end: Any = self.server.terminate(ending.reason)
                if is_async(self.server.terminate):
                    await end
        except BaseException as error:  # noqa: BLE001 - whatever it is, it becomes the reason
            return self.ended(ending, error)
        return self.ended(ending, None)

    async def _serve(  # noqa: C901, PLR0912 - each call between two letters costs every letter
        self, following: Continue | float | None
    ) -> Ending:
        server, incarnation, clock, take = self.server, self.incarnation, self.clock, self._mailbox.take
        letter: Any = None
        until: float | None = None
        share = _SHARE
        try:
            if following is not None:
                until = await self._follow(following)
            while not incarnation.is_canceled:
                share -= 1
                if not share:
                    share = _SHARE
                    await asyncio.sleep(0)
                letter = await (take(clock) if until is None else self._take(until))
                if incarnation.is_canceled:
                    break
                kind = type(letter)
                if kind in CALLS:
                    said: Any = server.handle_call(letter.request, letter)
                    if self._call_awaits:
                        said = await said
                    if type(said) not in SAID:
                        letter.answer(said)
                        until = None
                    else:
                        until = await self._follow(self.heed(said, letter))
                    continue
                if kind is CastMessage:
                    said = server.handle_cast(letter.request)
                    if self._cast_awaits:
                        said = await said
                elif not self.is_info(letter):
                    continue
                else:
                    said = server.handle_info(letter)
                    if self._info_awaits:
                        said = await said
                until = None if said is None else await self._follow(self.heed(said, None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the server ends by it
            return self.ending(error, letter)
        return self.canceled()

    async def _follow(self, following: Continue | float | None) -> float | None:
        """Continue as often as that is said, then until when to wait."""
        while type(following) is Continue:
            if self.incarnation.is_canceled:
                return None
            said: Any = self.server.handle_continue(following.arg)
            if is_async(self.server.handle_continue):
                said = await said
            following = None if said is None else self.heed(said, None)
        return None if following is None else self.clock.monotonic() + following

    async def _take(self, until: float) -> Any:  # noqa: ANN401 - a letter
        clock = self.clock
        letter = await self._mailbox.take(clock, max(0.0, until - clock.monotonic()))
        return TIMEOUT if letter is NOTHING and clock.monotonic() >= until else letter
