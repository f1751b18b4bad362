"""Watches a tree: is told each event and the actions it led to, and raises at the first that the rules do not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.testing.simulation.endings import rush, stop, take_turns, term_over
from otp.testing.simulation.picture import Group, Picture, Purpose, Seen
from otp.testing.simulation.reading import Reading
from otp.testing.simulation.rules import deadline_over, ended, restart_requested, settle, signaled, spawned, start
from otp.testing.simulation.supervision import go_on, requested
from otp.testing.simulation.verdict import judge
from otp.testing.simulation.violation import Rule, Violation
from otp.tree.decision.messages import (
    DeleteChild,
    Ended,
    Expired,
    Kill,
    RestartChild,
    RestartRequested,
    Signaled,
    Spawned,
    StartChild,
    StopRequested,
    StopSupervisor,
    Stuck,
    TerminateChild,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.tree.decision.messages import Action, Birth, Event

__all__ = ["Observer"]


class Observer:
    """Knows the rules and what has happened so far; see `picture`."""

    def __init__(self, root: Birth, *, propagate: bool = False) -> None:
        group = Group(Strategy.ONE_FOR_ALL)
        node = Seen(root.node, root.name, root.name, root.policy, None, group)
        group.members.append(node)
        self.picture = Picture(node, propagate, {node.id: node})

    def planted(self, actions: Sequence[Action], at: float) -> None:
        """The tree has been planted at `at`, which led to `actions`.

        Raises:
            Violation: when a rule is broken by them; so do the other methods.
        """
        reading = Reading(self.picture, None, at)
        start(reading, self.picture.root)
        go_on(reading)
        judge(reading, actions)

    def see(self, event: Event, actions: Sequence[Action]) -> None:
        """`event` has led to `actions`."""
        reading = Reading(self.picture, event, event.at, actions)
        match event:
            case Signaled():
                signaled(reading, event)
            case Spawned():
                spawned(reading, event)
            case Ended():
                ended(reading, event)
            case RestartRequested():
                restart_requested(reading, event)
            case Expired():
                self._expired(reading, event)
            case StopRequested():
                stop(reading, event.timeout)
            case StartChild() | RestartChild() | TerminateChild() | DeleteChild() | StopSupervisor():
                requested(reading, event)
        if not isinstance(event, (Signaled, Spawned)):
            self._settle(reading)
        while not self.picture.stopped and go_on(reading):
            self._settle(reading)
        judge(reading, actions)

    def _settle(self, reading: Reading) -> None:
        if reading.blame == Rule.PROPAGATE and self.picture.order is None:
            stop(reading, None)
            reading.blame = Rule.PROPAGATE
        settle(reading)
        take_turns(reading)

    def _expired(self, reading: Reading, event: Expired) -> None:
        touched = {node for action in reading.actions for node in _late(action)}
        mine = self.picture.alarms.get(event.timer)
        if touched and mine is not None and mine.purpose is Purpose.DEADLINE:
            others = list(self.picture.alarms.values())
            self.picture.exchange(
                event.timer, [alarm for alarm in others if any(node.id in touched for node in alarm.nodes)]
            )
        alarm = self.picture.alarms.pop(event.timer, None)
        reading.blame = Rule.TIMERS
        if alarm is None or alarm.loose:
            return
        alarm.off = True
        if alarm.purpose is Purpose.BACKOFF:
            alarm.nodes[0].wait = None
        elif alarm.purpose is Purpose.DEADLINE:
            deadline_over(reading, alarm)
        elif alarm.purpose is Purpose.TERM:
            term_over(reading, alarm.nodes[0])
        elif alarm.purpose is Purpose.STOP and self.picture.order is not None:
            rush(reading, self.picture.order)

    def quiet(self) -> None:
        """Nothing will happen any more by itself, and no runnable is in the way of anything.

        Raises:
            Violation: when a node that must run does not (I5), or a stop that was asked for has not come to its end.
        """
        picture = self.picture
        if picture.order is not None and not picture.stopped:
            raise Violation(Rule.LIVENESS, "the stop of the tree does not come to its end")
        if picture.stopped:
            return
        for node in picture.nodes.values():
            if node.condemned or not (node.runs or node.state is NodeState.DONE):
                raise Violation(Rule.LIVENESS, f"{node.dn} is {node.state} and is not started again")


def _late(action: Action) -> list[int]:
    """The nodes of which it says that their time is over."""
    if isinstance(action, Kill):
        return [action.node]
    return [node for node, _, _ in action.nodes] if isinstance(action, Stuck) else []
