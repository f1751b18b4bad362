"""`receive`: how a plain runnable takes its mail, one letter after the other."""

from __future__ import annotations

from asyncio import _get_running_loop
from typing import TYPE_CHECKING, Any

from otp.errors import BlockingCallError, Canceled, ReceiveTimeoutError
from otp.tree.incarnation import here
from otp.tree.loop_mailbox import LoopMailbox
from otp.tree.mailbox import NOTHING, Notice, ThreadMailbox

if TYPE_CHECKING:
    from otp.tree.incarnation import Incarnation

__all__ = ["areceive", "receive"]


def receive(timeout: float | None = None) -> Any:  # noqa: ANN401 - whatever was sent
    """The next message of the calling runnable, in the order in which they came.

    What was sent with `Ref.send` comes as it is, a call as `CallMessage`, a cast as `CastMessage`. Behaviours take their
    mail themselves: in a callback of theirs this is not for you.

    Args:
        timeout: seconds; `None`: for as long as it takes.

    Raises:
        ReceiveTimeoutError: nothing came.
        Canceled: the calling runnable is asked to end; what is left in its mailbox is lost with it.
        BlockingCallError: on a thread that runs an event loop; use `areceive`.
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    incarnation = here()
    incarnation.check()
    mailbox = incarnation.mailbox
    if _get_running_loop() is not None or not isinstance(mailbox, ThreadMailbox):
        msg = "receive would block the event loop of this thread: await areceive"
        raise BlockingCallError(msg)
    incarnation.listen()
    wait = _Wait(incarnation, timeout)
    while True:
        wait.check_canceled()
        letter = mailbox.take(incarnation.clock, wait.left())
        if wait.is_over(letter):
            return letter


async def areceive(timeout: float | None = None) -> Any:  # noqa: ANN401 - as above
    """`receive` for `async def` runnables; canceled, it raises `asyncio.CancelledError` as every `await` does.

    Raises:
        ReceiveTimeoutError, NotInRunnableError, StaleIncarnationError: as `receive`.
        BlockingCallError: the caller runs in a thread; use `receive`.
    """
    incarnation = here()
    incarnation.check()
    mailbox = incarnation.mailbox
    if not isinstance(mailbox, LoopMailbox):
        msg = f"{incarnation.dn} runs in a thread: its mail is taken with receive"
        raise BlockingCallError(msg)
    wait = _Wait(incarnation, timeout)
    while True:
        letter = await mailbox.take(incarnation.clock, wait.left())
        if wait.is_over(letter):
            return letter


class _Wait:
    def __init__(self, incarnation: Incarnation, timeout: float | None) -> None:
        self._incarnation = incarnation
        self._until = None if timeout is None else incarnation.clock.monotonic() + timeout
        self._timeout = timeout

    def check_canceled(self) -> None:
        if self._incarnation.is_canceled:
            msg = f"{self._incarnation.dn} was canceled"
            raise Canceled(msg)

    def left(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - self._incarnation.clock.monotonic())

    def is_over(self, letter: object) -> bool:
        """Whether this is what was waited for."""
        if letter is NOTHING:
            self.check_canceled()
            if self._until is not None and self._incarnation.clock.monotonic() >= self._until:
                msg = f"{self._incarnation.dn} has received nothing within {self._timeout} s"
                raise ReceiveTimeoutError(msg)
            return False
        return not isinstance(letter, Notice) or letter.wanted
