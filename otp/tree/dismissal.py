"""`Ref.stop` of a behaviour supervisor: from the letter to the request that the decision gets.

    Ref.stop ---letter---> mailbox ---Dismiss---> root supervisor ---StopSupervisor---> decision
       ^                                                                                  |
       +--------------- the mailbox is closed, as that of anything that ends --------Finish

Whatever the user's objects have to say of the reason is made text in the thread of whoever asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otp.reasons import Reason, is_clean, told
from otp.tree.decision.messages import End
from otp.tree.decision.policy import Restart
from otp.tree.decision.record import record
from otp.tree.ends import Exiting, judge
from otp.tree.rendering import render
from otp.tree.reports import Account

if TYPE_CHECKING:
    from otp.reasons import ExitReason
    from otp.tree.incarnation import Incarnation
    from otp.tree.rendering import Trace

__all__ = ["Dismiss", "Parting", "StopLetter", "dismiss", "parting"]


class StopLetter:
    """What asks whoever it is put to, to end."""

    __slots__ = ()

    request: Any  # pyright: ignore[reportUninitializedInstanceVariable] - it is a call, which has one
    """The reason."""


@record
class Parting:
    """A reason to end by, and what there is to tell of it."""

    reason: ExitReason
    end: End
    error: str | None
    text: str
    clean: bool
    trace: Trace | None


@record
class Dismiss:
    """Have that incarnation of a behaviour supervisor end. Nobody is answered: whoever waits sees its mailbox closed."""

    dn: str
    node: int
    incarnation: int
    parting: Parting
    account: Account | None


def parting(reason: ExitReason) -> Parting:
    """An end by `reason` is to a supervisor what it is to a server."""
    verdict = judge(End.RAISED, Exiting(reason), signal=None, canceled=False, overdue=False, may_return=True)
    error, trace = (None, None) if verdict.shown is None else render(verdict.shown)
    text = told(reason) if error is None else error
    return Parting(reason, verdict.end, verdict.error or error, text, verdict.shown is None and is_clean(reason), trace)


def dismiss(incarnation: Incarnation, last: Parting) -> Dismiss:
    """What the root supervisor is told."""
    account = None
    if last.reason is not Reason.NORMAL or incarnation.restart is Restart.PERMANENT:
        account = Account(last.text, clean=last.clean, healthy=True, trace=last.trace, seen=None)
    return Dismiss(incarnation.dn, incarnation.node, incarnation.number, last, account)
