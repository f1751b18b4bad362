"""`Ref.stop`: ask a behaviour to end, and wait until it has.

It is a letter like any other and takes its turn among them. Nobody replies to it: whoever waits is told when the mailbox
is closed, as everybody is who waits for a server that ends; only that here it is what was wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.errors import Canceled, ServerExitError
from otp.mail.calls import AwaitedCall, BlockingCall
from otp.reasons import Shutdown
from otp.tree.dismissal import StopLetter
from otp.tree.incarnation import current

if TYPE_CHECKING:
    from typing import Any

    from otp.mail.ref import Ref
    from otp.reasons import ExitReason
    from otp.tree.backend import Host

__all__ = ["AwaitedStop", "BlockingStop", "check_stopped", "checked_reason", "waited"]


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


def waited(system: Host, call: BlockingStop, timeout: float | None) -> bool:
    """Whether the end has come within `timeout` seconds.

    Raises:
        Canceled: whoever waits is below what is to end, and has to end before it.
    """
    caller = current.get()
    if caller is None or caller.system is not system or not caller.dn.startswith(f"{call.home.dn}."):
        return system.clock.acquire(call.lock, timeout)
    with caller.waked_by(call.lock):
        woken = caller.is_canceled or system.clock.acquire(call.lock, timeout)
    if call.outcome is None and caller.is_canceled:
        call.give_up()
        msg = f"{caller.dn} is to end before {call.home.dn}, whose end it waits for"
        raise Canceled(msg)
    return woken


def check_stopped(ref: Ref, wanted: ExitReason, outcome: tuple[bool, Any]) -> None:
    """The server has ended.

    Raises:
        ServerExitError: for another reason than was wanted.
    """
    _, reason = outcome
    if reason is not wanted and reason != wanted:
        raise ServerExitError(ref, reason)
