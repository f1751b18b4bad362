"""What happens in a tree, as log lines at the node that it happened to.

Runs in a thread of its own (an `Outlet`), for it calls sinks of the user's. What is not worth a line in a production log
(a start outside a behaviour supervisor, a signal, a cancel that went well) is left to `System.events()`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loguru import logger

from otp.events import Canceled, Died, Done, Healthy, Removed, Started, Stopped, Stuck
from otp.logs.capture import place_of
from otp.tree.reports import CrashReport, ProgressReport

if TYPE_CHECKING:
    from otp.logs.reporting import Happening
    from otp.tree.backend import Host
    from otp.tree.reports import Report

__all__ = ["LifecycleLog"]

_REMEMBERED: Final = 1_000
"""Nodes whose deaths are counted: a tree with names made up for each connection must not grow for ever."""


@dataclass(slots=True)
class _Deaths:
    """Deaths of one node, one after the other, by the same error."""

    error: str
    first: float
    times: int = 1


class LifecycleLog:
    """Writes events as log records, each with its report in `extra`.

    A node that dies again and again by the same error gets one traceback, marked as the first cause so that the log tree
    keeps it, and then a line each that counts them: the cause is not buried under its own repetitions.
    """

    def __init__(self, host: Host) -> None:
        """Of the tree of `host`."""
        self._host = host
        self._deaths: OrderedDict[str, _Deaths] = OrderedDict()

    def write(self, happening: Happening) -> None:
        """The line for `happening`, if it is worth one."""
        event, report = happening.event, happening.report
        match event:
            case Died() if happening.clean:
                self._write("INFO", event.dn, event.incarnation, f"ended: {event.error}", report=report)
            case Died():
                self._write_death(event, report)
            case Done() if report is not None:
                message = "ended normally, which a PERMANENT child of a supervisor should not"
                self._write("ERROR", event.dn, event.incarnation, message, report=report)
            case Started() | Healthy() if happening.again:
                message = f"started again, incarnation {event.incarnation}"
                self._write("INFO", event.dn, event.incarnation, message, report=report)
            case Healthy() if isinstance(report, ProgressReport):
                more = f", as have {report.omitted} others just now" if report.omitted else ""
                self._write("DEBUG", event.dn, event.incarnation, f"has started{more}", report=report)
            case Canceled(error=str(error)) if not happening.clean:
                how = "raised" if isinstance(report, CrashReport) else "ended by a reason of its own"
                message = f"{how} although it had been canceled: {error}"
                details = _details(event.traceback, report)
                self._write("WARNING", event.dn, event.incarnation, message, details, report=report)
            case Removed():
                self._deaths.pop(event.dn, None)
                self._write("INFO", event.dn, event.incarnation, "ended for good and was removed")
            case Stuck():
                self._write_stuck(event, report)
            case Stopped(unstopped=unstopped) if unstopped:
                self._write("WARNING", "root", 0, f"stopped, but these still run: {', '.join(unstopped)}")
            case _:
                pass

    def _write_death(self, event: Died, report: Report | None) -> None:
        again = "" if event.restart_in is None else f"; starts again in {event.restart_in:.2f} s"
        deaths = self._deaths.get(event.dn)
        if deaths is not None and deaths.error == event.error:
            deaths.times += 1
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(deaths.first))
            message = f"died as before, {deaths.times} times since {since}: {event.error}{again}"
            self._write("ERROR", event.dn, event.incarnation, message, report=report)
        else:
            self._deaths[event.dn] = _Deaths(event.error, event.time)
            self._deaths.move_to_end(event.dn)
            if len(self._deaths) > _REMEMBERED:
                self._deaths.popitem(last=False)
            message = f"died: {event.error}{again}"
            details = _details(event.traceback, report)
            self._write("ERROR", event.dn, event.incarnation, message, details, report=report, first_cause=True)

    def _write_stuck(self, event: Stuck, report: Report | None) -> None:
        """One line names all of them, at the node that has them all below it."""
        first, *others = (node.dn.split(".") for node in event.nodes)
        for other in others:
            first = [mine for mine, theirs in zip(first, other, strict=False) if mine == theirs]
        names = ", ".join(node.dn for node in event.nodes)
        stacks = "".join(f"{node.dn}, incarnation {node.incarnation}:\n{node.stack}" for node in event.nodes)
        incarnation = event.nodes[0].incarnation if not others else 0
        message = f"has stuck nodes, canceled and still running after their deadline: {names}"
        self._write("WARNING", ".".join(first), incarnation, message, stacks, report=report)

    def _write(  # noqa: PLR0913 - a record has that many parts
        self,
        level: str,
        dn: str,
        incarnation: int,
        message: str,
        details: str | None = None,
        *,
        report: Report | None = None,
        first_cause: bool = False,
    ) -> None:
        text = f"{dn} {message}" if details is None else f"{dn} {message}\n{details.rstrip()}"
        bound = logger.bind(dn=place_of(dn, self._host), incarnation=incarnation, lifecycle=True)
        if report is not None:
            bound = bound.bind(report=report)
        if first_cause:
            bound = bound.bind(first_cause=True)
        bound.log(level, "{}", text)  # as an argument, because braces in the user's text are no format


def _details(traceback: str | None, report: Report | None) -> str | None:
    """What stands below the line of an end."""
    if not isinstance(report, CrashReport):
        return traceback
    lines = [] if traceback is None else [traceback.rstrip()]
    if report.last_message is not None:
        lines.append(f"last message: {report.last_message}")
    if report.state is not None:
        lines.append(f"state: {report.state}")
    return "\n".join(lines) or None
