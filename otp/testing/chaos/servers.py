"""The servers of a chaotic tree: they commit faults as its runnables do, and answer whoever calls them meanwhile."""

# A server is set up in `init`:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from otp.behaviours.gen_server import GenServer
from otp.behaviours.gen_server_returns import Continue, NoReply, Stop
from otp.behaviours.gen_server_task import serve_in_task
from otp.behaviours.gen_server_thread import serve_in_thread
from otp.facade import canceled
from otp.mail.calls import reply
from otp.testing.chaos.fault import Fault
from otp.tree.incarnation import here

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.mail.calls import Sender
    from otp.testing.chaos.evidence import Evidence, Run
    from otp.testing.chaos.fault import Order
    from otp.testing.chaos.plan import Place

__all__ = ["aserver", "server"]

_PUT_OFF = 3
"""Every so manyth call is answered with the next one only."""


class ThreadServer(GenServer):
    """Its callbacks are plain."""

    _evidence: Evidence
    _run: Run
    _commit: Callable[[Run, Order], None]
    _put_off: list[tuple[Sender, object]]

    def init(self, evidence: Evidence, run: Run, commit: Callable[[Run, Order], None]) -> Continue:
        """`commit` is how it commits a fault."""
        self._evidence = evidence
        self._run = run
        self._commit = commit
        self._put_off = []
        return Continue()

    def handle_continue(self, arg: object) -> None:
        """It is HEALTHY."""
        del arg
        self._evidence.wait(self._run)

    def handle_call(self, request: int, sender: Sender) -> object:
        """The request is the reply."""
        for each, token in self._put_off:
            reply(each, token)
        self._put_off.clear()
        if request % _PUT_OFF:
            return request
        self._put_off.append((sender, request))
        return NoReply()

    def handle_info(self, message: Order | None) -> Stop | None:
        """An order; `None`: it is let go."""
        if message is None:
            return Stop()
        self._evidence.take(self._run, message)
        self._commit(self._run, message)
        return Stop() if message.fault is Fault.RETURN else None


class TaskServer(ThreadServer):
    """One of them is `async def`."""

    async def handle_call(self, request: int, sender: Sender) -> object:
        """The same, and it may be canceled in between."""
        await asyncio.sleep(0)
        return super().handle_call(request, sender)


def server(place: Place, evidence: Evidence, commit: Callable[[Run, Order], None]) -> None:
    """A server in a thread, as a runnable."""
    with evidence.run(place, _give()) as run:
        try:
            serve_in_thread(ThreadServer, place.shutdown, evidence, run, commit)
        finally:
            run.told = canceled()


async def aserver(place: Place, evidence: Evidence, commit: Callable[[Run, Order], None]) -> None:
    """A server as a task."""
    with evidence.run(place, _give()) as run:
        try:
            await serve_in_task(TaskServer, place.shutdown, evidence, run, commit)
        finally:
            run.told = canceled()


def _give() -> Callable[[Order | None], None]:
    put = here().mailbox.put  # of this incarnation: a ref would lead to the next one too

    def give(order: Order | None) -> None:
        put(order)

    return give
