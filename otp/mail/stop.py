"""`Ref.stop`: ask a behaviour to end, and wait until it has.

It is a letter like any other and takes its turn among them. Nobody replies to it: whoever waits is told when the mailbox
is closed, as everybody is who waits for a server that ends; only that here it is what was wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.errors import ServerExitError
from otp.mail.calls import AwaitedCall, BlockingCall
from otp.reasons import Shutdown
from otp.tree.dismissal import StopLetter

if TYPE_CHECKING:
    from typing import Any

    from otp.mail.ref import Ref
    from otp.reasons import ExitReason

__all__ = ["AwaitedStop", "BlockingStop", "check_stopped", "checked_reason"]


class BlockingStop(BlockingCall, StopLetter):
    """A thread waits for the end; the request is the reason."""

    __slots__ = ()


class AwaitedStop(AwaitedCall, StopLetter):
    """A task does."""

    __slots__ = ()


def checked_reason(reason: ExitReason) -> ExitReason:
    """`reason`, if it is one.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(reason, (str, Shutdown, BaseException)):
        msg = f"an exit reason is a Reason, a Shutdown, an exception or a str, not {type(reason).__name__}"
        raise TypeError(msg)
    return reason


def check_stopped(ref: Ref, wanted: ExitReason, outcome: tuple[bool, Any]) -> None:
    """The server has ended.

    Raises:
        ServerExitError: for another reason than was wanted.
    """
    _, reason = outcome
    if reason is not wanted and reason != wanted:
        raise ServerExitError(ref, reason)
