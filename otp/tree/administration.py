"""What is asked of behaviour supervisors from outside: who asked, and what they are told.

    SupervisorRef --Administer, Inspect--> root supervisor --StartChild, ...--> decision
                  <------ future ---------                 <---- Answer -------

The decision knows numbers and names. What holds objects of users, the reasons of failed starts above all, is kept here.
"""

from __future__ import annotations

import itertools
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from otp.errors import ChildStartError
from otp.reasons import Reason, Shutdown
from otp.tree.decision.messages import (
    DeleteChild,
    RestartChild,
    StartChild,
    StopSupervisor,
    TerminateChild,
    Verdict,
    Why,
)
from otp.tree.decision.record import record
from otp.tree.dismissal import Dismiss

if TYPE_CHECKING:
    from otp.reasons import ExitReason
    from otp.tree.decision.messages import Answer, Birth, Finish, Request
    from otp.tree.decision.otp.queries import ChildCounts, ChildRow
    from otp.tree.incarnation import Spec
    from otp.tree.mailbox import Mailbox

__all__ = ["Administer", "Administration", "Answered", "Asked", "Inspect", "Inspected", "refuse", "tell"]


Asked: TypeAlias = type[RestartChild] | type[TerminateChild] | type[DeleteChild] | None
"""`None`: a `StartChild`, which has a `spec`."""


@record
class Answered:
    """What became of a request."""

    verdict: Verdict | None
    """`None`: it is significant, and nothing would come of its end."""
    reason: ExitReason | None = None
    """Of a failed start: why."""
    origin: Any = None
    """What the user wrote of the child that is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Administer:
    """Ask the supervisor at `dn` for something."""

    asked: Asked
    dn: str
    name: str
    """Of the child."""
    answer: Future[Answered]
    spec: Spec | None = None
    """Of a child to start."""
    mailbox: Mailbox | None = None

    @property
    def child(self) -> str:
        """The DN of the child."""
        return f"{self.dn}.{self.name}"


@record
class Inspected:
    """The children of a supervisor."""

    rows: list[ChildRow]
    counts: ChildCounts
    origins: dict[str, Any]
    """What the user wrote, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Inspect:
    """Look at the supervisor at `dn`. Answered with `None` if there is none."""

    dn: str
    answer: Future[Inspected | None]


class Administration:
    """The requests that are under way; used by the root supervisor only."""

    def __init__(self) -> None:
        """None."""
        self._numbers = itertools.count(1)
        self._requests: dict[int, Administer] = {}
        self._dismissed: dict[int, Dismiss] = {}
        self._failures: dict[int, ExitReason] = {}

    def event(self, request: Administer, node: int, incarnation: int, birth: Birth | None, at: float) -> Request:
        """What the decision is told of it."""
        number = next(self._numbers)
        self._requests[number] = request
        if birth is not None:
            return StartChild(number, node, incarnation, birth, at)
        if request.asked is None:
            raise AssertionError(request)
        return request.asked(number, node, incarnation, request.name, at)

    def dismissal(self, request: Dismiss, draw: float, at: float) -> StopSupervisor:
        """What the decision is told of it."""
        number = next(self._numbers)
        self._dismissed[number] = request
        last = request.parting
        return StopSupervisor(
            number, request.node, request.incarnation, last.end, at, draw, last.error, request.account
        )

    def settle(self, answer: Answer, origin: object = None) -> Dismiss | None:
        """Tell whoever asked; `origin` is what the user wrote of the child concerned. Returns what must be dropped elsewhere."""
        if answer.request in self._dismissed:
            return self._dismissed.pop(answer.request)
        request = self._requests.pop(answer.request)
        reason = None
        if answer.verdict is Verdict.START_FAILED:
            reason = self._reason(answer.child)
        tell(request, Answered(answer.verdict, reason, origin))
        return None

    def failed(self, node: int, reason: ExitReason) -> None:
        """A child of a supervisor has ended before it was HEALTHY."""
        self._failures[node] = reason

    def forget(self, node: int) -> ExitReason | None:
        """It starts anew, or is gone. Returns what must be dropped elsewhere."""
        return self._failures.pop(node, None)

    def dn_of(self, finish: Finish) -> str:
        """Of a supervisor that was asked to end."""
        return "" if finish.request is None else self._dismissed[finish.request].dn

    def reason_of(self, finish: Finish) -> ExitReason:
        """Why that supervisor has ended; asked before its request is settled, if it was asked to."""
        if finish.request is not None:
            return self._dismissed[finish.request].parting.reason
        if finish.why is not Why.START_FAILED:
            return Reason.SHUTDOWN
        name = finish.name or ""
        message = f"the child {name!r} could not be started"
        return Shutdown(ChildStartError(message, name, self._reason(finish.child)))

    def _reason(self, child: int | None) -> ExitReason:
        reason = None if child is None else self._failures.get(child)
        return Reason.TIMEOUT if reason is None else reason


def refuse(request: Administer | Inspect | Dismiss) -> None:
    """No supervisor runs there; from any thread."""
    if isinstance(request, Dismiss):
        return
    if isinstance(request, Administer):
        tell(request, Answered(Verdict.NO_PROCESS))
        return
    with suppress(InvalidStateError):  # who asked has given up
        request.answer.set_result(None)


def tell(request: Administer, answered: Answered) -> None:
    """Answer, unless who asked has given up."""
    with suppress(InvalidStateError):
        request.answer.set_result(answered)
