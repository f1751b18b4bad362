r"""How events get from the tree to those who read them.

    root supervisor --reports--> Publisher (a thread) --events--> EventStream, ...
                                                      \--> the log

A reader that stands still loses events, with a count; it holds up neither the tree nor the other readers.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from otp import events
from otp.logs.reporting import Reporter
from otp.tree.decision.messages import Canceling, Changed, Finish, Removed, Stopped, Stopping
from otp.tree.decision.model import NodeState
from otp.tree.node import Gathering
from otp.tree.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.logs.reporting import Happening
    from otp.tree.node import Report

__all__ = ["EventStream", "Publisher"]

_BOUND: Final = 10_000
"""Events that wait for one reader: the starts of 10,000 nodes, about 2 MB."""
_GATHERING: Final = 1.0
"""Seconds for the loop of the tree to hand in what can tell where stuck nodes are; it takes less than a millisecond."""


class EventStream(Stream[events.Event]):
    """The events of a system from now on: an iterator, and an asynchronous one, that ends with the system."""

    def __init__(self) -> None:
        """Use `System.events()`."""
        super().__init__(_BOUND)


class Publisher:
    """Turns the reports of the decision into events and hands them on. Runs in the thread of an `Outlet`."""

    def __init__(self, offset: float, log: Callable[[Happening], object]) -> None:
        """`offset` makes Unix seconds of the moments in reports; `log` is given each event too, with its report."""
        self._offset = offset
        self._log = log
        self._streams: tuple[EventStream, ...] = ()
        self._coming: list[EventStream] = []
        self._reporter = Reporter()
        self._lock = threading.Lock()
        self._over = False

    def subscribe(self) -> EventStream:
        """A new stream; from any thread. It gets what is published after the next `welcome`."""
        stream = EventStream()
        with self._lock:
            if self._over:
                stream.close()
            else:
                self._coming = [*(old for old in self._coming if not old.closed), stream]
        return stream

    def welcome(self) -> None:
        """Who has subscribed before now gets events."""
        with self._lock:
            self._streams = (*(old for old in self._streams if not old.closed), *self._coming)
            self._coming = []

    def publish(self, reports: list[Report]) -> None:
        """Hand on what `reports` say."""
        for report in reports:
            if isinstance(report, Finish):
                self._reporter.finish(report)
            elif (concerns := self._reporter.concerns(report)) or self._streams:
                event = self._event(report)
                if concerns:
                    self._log(self._reporter.about(event, report))
                self._publish(event)

    def _publish(self, event: events.Event) -> None:
        last = isinstance(event, events.Stopped)
        with self._lock:
            streams = self._streams
            if last:
                self._over = True
                streams = (*streams, *self._coming)
        for stream in streams:
            stream.push(event)
            if last:
                stream.end()

    def _event(self, report: Changed | Canceling | Removed | Stopping | Stopped | Gathering) -> events.Event:
        if isinstance(report, Changed):
            return self._changed(report)
        if isinstance(report, Gathering):
            return self._stuck(report)
        time = report.at + self._offset
        match report:
            case Canceling():
                return events.Canceling(dns=report.dns, cause=report.cause, by=report.by, time=time)
            case Removed():
                return events.Removed(dn=report.dn, incarnation=report.incarnation, time=time)
            case Stopping():
                return events.Stopping(time=time)
            case Stopped():
                return events.Stopped(unstopped=report.unstopped, time=time)

    def _changed(self, report: Changed) -> events.Event:
        dn, incarnation, time = report.dn, report.incarnation, report.at + self._offset
        traceback = None if report.traceback is None else str(report.traceback) or None
        match report.state:
            case NodeState.NEW:
                return events.Started(dn=dn, incarnation=incarnation, time=time)
            case NodeState.HEALTHY:
                return events.Healthy(dn=dn, incarnation=incarnation, time=time)
            case NodeState.DONE:
                return events.Done(dn=dn, incarnation=incarnation, time=time)
            case NodeState.DEAD:
                return events.Died(
                    dn=dn,
                    incarnation=incarnation,
                    time=time,
                    error=report.error or "",
                    traceback=traceback,
                    restart_in=None if report.restart_at is None else report.restart_at - report.at,
                )
            case NodeState.CANCELED:
                return events.Canceled(
                    dn=dn, incarnation=incarnation, time=time, error=report.error, traceback=traceback
                )

    def _stuck(self, gathering: Gathering) -> events.Stuck:
        gathering.wait(_GATHERING)
        nodes: list[events.StuckNode] = []
        for node, dn, incarnation in gathering.report.nodes:
            handle = gathering.handles.get(node)
            stack = "(it has ended meanwhile)\n" if handle is None else handle.stack()
            nodes.append(events.StuckNode(dn=dn, incarnation=incarnation, stack=stack))
        return events.Stuck(nodes=tuple(nodes), time=gathering.report.at + self._offset)
