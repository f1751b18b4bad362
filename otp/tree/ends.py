"""How an incarnation has ended: what the tree is told, and the exit reason that everybody else is told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.errors import UnexpectedReturnError
from otp.reasons import Reason, is_clean, told
from otp.tree.decision.messages import End
from otp.tree.decision.record import record

if TYPE_CHECKING:
    from otp.reasons import ExitReason
    from otp.tree.reports import Seen

__all__ = ["Exiting", "Verdict", "judge"]


class Exiting(BaseException):
    """Raised by a behaviour to end its incarnation with a reason; `None`: it need not run, and that is no failure."""

    def __init__(self, reason: ExitReason | None, seen: Seen | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seen = seen
        """What the report of a crash says of it besides."""


@record
class Verdict:
    """See the module."""

    end: End
    reason: ExitReason
    shown: BaseException | None = None
    """What is to be taken down with its traceback."""
    error: str | None = None
    """What there is to say, instead of what an exception says."""
    done: bool = False
    """It counts as if it had signaled DONE."""


def judge(  # noqa: PLR0913 - that many things matter
    end: End,
    exception: BaseException | None,
    *,
    signal: ExitReason | None,
    canceled: bool,
    overdue: bool,
    may_return: bool,
) -> Verdict:
    """Of a runnable that returned or raised `exception`.

    Args:
        end: how the backend saw it.
        exception: what it raised.
        signal: the exit signal that ended it, if one did.
        canceled: its cancel token was set; without a signal, by its supervisor.
        overdue: not before its deadline had passed.
        may_return: it has signaled DONE, or is not PERMANENT.
    """
    if signal is Reason.KILL or (signal is not None and type(exception) is not Exiting):
        reason = Reason.KILLED if signal is Reason.KILL else signal
        return Verdict(_end_by(reason), reason, error=f"ended by an exit signal: {told(reason)}")
    if type(exception) is Exiting:  # also where a signal has come: it had a reason of its own before it saw that
        return _judge_exiting(exception.reason)
    if canceled:
        if end is End.RAISED and exception is not None:
            return Verdict(end, exception, exception)
        return Verdict(end, Reason.KILLED if overdue else Reason.SHUTDOWN)
    return _judge_unasked(end, exception, may_return=may_return)


def _judge_unasked(end: End, exception: BaseException | None, *, may_return: bool) -> Verdict:
    if exception is None:
        reason = Reason.NORMAL if may_return else UnexpectedReturnError("returned without having signaled DONE")
        return Verdict(end, reason)
    if end is End.LEFT:
        return Verdict(end, exception, exception, "left as if it had been canceled, but it was not")
    return Verdict(end, exception, exception)


def _judge_exiting(reason: ExitReason | None) -> Verdict:
    if reason is None:
        return Verdict(End.IGNORED, Reason.NORMAL)
    if reason is Reason.NORMAL:
        return Verdict(End.RETURNED, reason, done=True)
    if isinstance(reason, BaseException):
        return Verdict(End.RAISED, reason, reason)
    return Verdict(_end_by(reason), reason, error=f"stopped: {told(reason)}")


def _end_by(reason: ExitReason) -> End:
    return End.SHUTDOWN if is_clean(reason) else End.RAISED
