"""What the tree tells, as reports: which happening has one, and what it says.

Called by the publisher of events, in its thread; it asks nothing of the tree and nothing of the user's objects.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otp.reasons import Reason
from otp.tree.decision.messages import Canceling, Changed, Finish, Removed, Stopped, Stopping, Why
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Restart
from otp.tree.reports import Account, CrashReport, ErrorContext, Offender, ProgressReport, SupervisorReport

if TYPE_CHECKING:
    from otp.events import Event
    from otp.tree.decision.policy import Policy
    from otp.tree.node import Gathering
    from otp.tree.node import Report as Told
    from otp.tree.reports import Report

__all__ = ["Happening", "Reporter"]

_REMEMBERED: Final = 2_000
"""Nodes that have died; twice as many as the log remembers, which has the last word."""
_BURST: Final = 500
"""Starts within a second that are reported, as OTP's logger passes on so many records: a tree of 10,000 nodes starts at
once, and must not push out of the log what else happens."""
_WINDOW: Final = 1.0
_WHY: Final = {
    Why.INTENSITY: "reached_max_restart_intensity",
    Why.START_FAILED: "failed_to_start_child",
    Why.AUTO_SHUTDOWN: "auto_shutdown",
}


@dataclass(slots=True)
class Happening:
    """An event for the log, with its report if there is one."""

    event: Event
    report: Report | None = None
    clean: bool = False
    """It is no failure."""
    again: bool = False
    """It is a start after a death."""


class Reporter:
    """See the module."""

    def __init__(self) -> None:
        """Of one system."""
        self._died: OrderedDict[str, None] = OrderedDict()
        """Nodes whose next start the log may have a line for."""
        self._finishes: dict[int, Finish] = {}
        """Of behaviour supervisors whose end comes next."""
        self._since = 0.0
        self._starts = 0
        self._omitted = 0

    def concerns(self, told: Told) -> bool:
        """Whether the log may have a line for it; asked once. Most has none, and if nobody listens either, it is nothing."""
        if not isinstance(told, Changed):
            return not isinstance(told, (Canceling, Finish, Stopping))
        if told.state is NodeState.DEAD or (told.state is NodeState.DONE and told.traceback is not None):
            self._died[told.dn] = None
            if len(self._died) > _REMEMBERED:
                self._died.popitem(last=False)
            return True
        if told.state is NodeState.NEW:  # a child of a behaviour supervisor is started when it is HEALTHY
            return not told.supervised and told.dn in self._died
        if told.state is NodeState.HEALTHY:
            return told.supervised and (told.dn in self._died or not self._too_many(told.at))
        return told.error is not None or told.traceback is not None

    def about(self, event: Event, told: Told) -> Happening:
        """What the log is to be told."""
        if isinstance(told, Changed):
            return self._changed(event, told)
        if isinstance(told, (Canceling, Finish, Removed, Stopped, Stopping)):
            return Happening(event)
        return Happening(event, _stuck(told))

    def finish(self, finish: Finish) -> None:
        """A behaviour supervisor ends by its own decision; that it has ended is told next."""
        self._finishes[finish.node] = finish

    def _changed(self, event: Event, told: Changed) -> Happening:
        account = told.traceback if isinstance(told.traceback, Account) else None
        if told.state in {NodeState.NEW, NodeState.HEALTHY}:
            return self._started(event, told)
        finish = self._finishes.pop(told.node, None)
        if finish is not None and finish.why is Why.STOPPED:  # that is told as the end of a server is
            wanted = account is not None and account.clean and _above(told.dn) is None
            return Happening(event, clean=True) if wanted or account is None else _ended(event, told, account)
        if finish is not None:
            return Happening(event, _finished(told, finish), clean=finish.why is Why.AUTO_SHUTDOWN)
        return Happening(event) if account is None else _ended(event, told, account)

    def _started(self, event: Event, told: Changed) -> Happening:
        again = told.dn in self._died
        if again:
            del self._died[told.dn]
        supervisor = _above(told.dn)
        if supervisor is None:  # the root
            return Happening(event, again=again)
        (started,) = _offender(told.dn, told.incarnation, told.policy)
        omitted, self._omitted = self._omitted, 0
        return Happening(event, ProgressReport(supervisor=supervisor, started=started, omitted=omitted), again=again)

    def _too_many(self, at: float) -> bool:
        if at - self._since >= _WINDOW:
            self._since = at
            self._starts = 0
        self._starts += 1
        too_many = self._starts > _BURST
        self._omitted += too_many
        return too_many


def _ended(event: Event, told: Changed, account: Account) -> Happening:
    if told.state is NodeState.CANCELED:
        context = ErrorContext.SHUTDOWN_ERROR
    else:
        context = ErrorContext.CHILD_TERMINATED if account.healthy else ErrorContext.START_ERROR
    supervisor = _above(told.dn)
    above = None
    if supervisor is not None:
        offenders = _offender(told.dn, told.incarnation, told.policy)
        above = SupervisorReport(supervisor=supervisor, context=context, reason=account.reason, offenders=offenders)
    if account.clean:
        asked = told.state is NodeState.CANCELED and account.reason == Reason.SHUTDOWN  # it says what it was asked for
        minds = not asked and told.policy is not None and told.policy.restart is Restart.PERMANENT
        return Happening(event, above if minds else None, clean=not minds)
    report = CrashReport(
        dn=told.dn,
        incarnation=told.incarnation,
        reason=account.reason,
        last_message=None if account.seen is None else account.seen.message,
        state=None if account.seen is None else account.seen.state,
        messages=account.messages,
        trap_exit=account.trap_exit,
        links=account.links,
        supervisor=above,
    )
    return Happening(event, report)


def _finished(told: Changed, finish: Finish) -> SupervisorReport:
    offenders = _offender(f"{told.dn}.{finish.name}", None, finish.policy)
    return SupervisorReport(
        supervisor=told.dn, context=ErrorContext.SHUTDOWN, reason=_WHY[finish.why], offenders=offenders
    )


def _stuck(gathering: Gathering) -> SupervisorReport | None:
    nodes = zip(gathering.report.nodes, gathering.policies, strict=True)
    offenders = [each for (_, dn, number), policy in nodes for each in _offender(dn, number, policy)]
    above = [(_above(each.dn) or "root").split(".") for each in offenders]
    common = above[0]
    for other in above[1:]:
        common = [mine for mine, theirs in zip(common, other, strict=False) if mine == theirs]
    return SupervisorReport(
        supervisor=".".join(common),
        context=ErrorContext.SHUTDOWN_ERROR,
        reason=Reason.KILLED.value,
        offenders=tuple(offenders),
    )


def _above(dn: str) -> str | None:
    return dn.rpartition(".")[0] or None


def _offender(dn: str, incarnation: int | None, policy: Policy | None) -> tuple[Offender, ...]:
    if policy is None:
        return ()
    return (
        Offender(
            name=dn.rpartition(".")[2],
            dn=dn,
            incarnation=incarnation,
            restart=policy.restart,
            shutdown=policy.shutdown,
            type="worker" if policy.supervision is None else "supervisor",
        ),
    )
