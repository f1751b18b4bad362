"""Whether those who watched were told all that was reported: once each, and in that order (I15)."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final, TypeAlias

from otp import events
from otp.tree.decision.messages import Canceling, Changed, Removed, Stopped, Stopping, Stuck
from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otp.testing.simulation import Entry
    from otp.tree.decision.messages import Action

__all__ = ["Line", "compare", "line"]

Line: TypeAlias = tuple[object, ...]
"""The kind of an event, and whom it is about."""

_KINDS: Final = {
    NodeState.NEW: events.Started,
    NodeState.HEALTHY: events.Healthy,
    NodeState.DONE: events.Done,
    NodeState.DEAD: events.Died,
    NodeState.CANCELED: events.Canceled,
}


def line(event: events.Event) -> Line:
    """An event that a reader was given."""
    match event:
        case events.Canceling():
            return events.Canceling, event.dns, event.by
        case events.Stuck():
            return events.Stuck, *((node.dn, node.incarnation) for node in event.nodes)
        case events.Stopping():
            return (events.Stopping,)
        case events.Stopped():
            return events.Stopped, event.unstopped
        case _:
            return type(event), event.dn, event.incarnation


def compare(entries: Sequence[Entry], told: Sequence[Line]) -> list[str]:
    """The first difference between what the decision reported and what was told; none: nothing is missing or added."""
    for number, (report, event) in enumerate(zip_longest(_reported(entries), told)):
        if report != event:
            return [f"I15: event {number} is {event}, but reported was {report}"]
    return []


def _reported(entries: Sequence[Entry]) -> Iterator[Line]:
    for entry in entries:
        for action in entry.actions:
            report = _line_of(action)
            if report is not None:
                yield report
            if isinstance(action, Stopped):  # the last that is told
                return


def _line_of(action: Action) -> Line | None:
    found: Line | None = None
    match action:
        case Changed():
            found = _KINDS[action.state], action.dn, action.incarnation
        case Removed():
            found = events.Removed, action.dn, action.incarnation
        case Canceling():
            found = events.Canceling, action.dns, action.by
        case Stuck():
            found = events.Stuck, *((dn, incarnation) for _, dn, incarnation in action.nodes)
        case Stopping():
            found = (events.Stopping,)
        case Stopped():
            found = events.Stopped, action.unstopped
        case _:
            pass
    return found
