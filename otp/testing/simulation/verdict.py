"""Compares what an event has led to with what it must lead to, and names the rule that is broken by the difference."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

from otp.testing.simulation.supervision.verdict import answers, blame, endings
from otp.testing.simulation.violation import Rule, Violation
from otp.tree.decision.messages import (
    Action,
    Answer,
    Arm,
    Cancel,
    Canceling,
    Changed,
    Disarm,
    Finish,
    Forget,
    Kill,
    Removed,
    Start,
    Stopped,
    Stopping,
    Stuck,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Restart, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.simulation.picture import Seen
    from otp.testing.simulation.reading import Reading, Said

__all__ = ["judge"]

_T = TypeVar("_T")
_CLOSE: Final = 1e-6
"""Seconds by which two ways of computing the same moment may differ."""


def judge(reading: Reading, actions: Sequence[Action]) -> None:
    """Compare `actions` with `reading`.

    Raises:
        Violation: when they differ.
    """
    by_kind: defaultdict[type, list[Action]] = defaultdict(list)
    for action in actions:
        by_kind[type(action)].append(action)

    def of(kind: type[_T]) -> list[_T]:
        return [action for action in by_kind.get(kind, ()) if isinstance(action, kind)]

    # The first difference that is found gives its name to the violation, so causes are looked at before consequences.
    endings(reading, of(Finish))
    _states(reading, of(Changed), of(Start))
    _stop(reading, of(Stopping), of(Stopped))
    answers(reading, of(Answer))
    _starts(reading, of(Start))
    _cancels(reading, of(Cancel), of(Canceling))
    armed, disarmed = _net(of(Arm), of(Disarm))
    _armed(reading, armed)
    _disarmed(reading, disarmed)
    _deadlines(reading, of(Kill), of(Stuck))
    _gone(reading, of(Forget), of(Removed), actions)


def _starts(reading: Reading, starts: list[Start]) -> None:
    wanted = {node.id: node for node in reading.starts}
    if len({start.node for start in starts}) < len(starts):
        raise Violation(Rule.R11, f"a node was started twice by one event: {starts}")
    for start in starts:
        node = wanted.get(start.node)
        if node is None:
            rule, why = _why_not(reading, start.node)
            raise Violation(rule, f"{_name(reading, start.node)} was started although {why}")
        if start.incarnation != node.incarnation:
            raise Violation(Rule.R6, f"{node.dn} was started as {start.incarnation}, not as {node.incarnation}")
    started = [start.node for start in starts]
    for node in reading.starts:
        if node.id not in started:
            rule = reading.reasons.get(node.id, Rule.R1 if reading.blame == Rule.R1 else Rule.R6)
            raise Violation(rule, f"{node.dn} was not started, and nothing stands against it")
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for node_id in started:
        groups[id(wanted[node_id].group)].append(node_id)
    for ids in groups.values():
        order = [member.id for member in wanted[ids[0]].group.members if member.id in ids]
        if ids != order:
            raise Violation(Rule.R1, f"a group was started out of order: {[wanted[node].dn for node in ids]}")


def _why_not(reading: Reading, node_id: int) -> tuple[Rule, str]:
    """The rule that forbids the start of a node, and how."""
    picture = reading.picture
    node = picture.nodes.get(node_id) or picture.limbo.get(node_id)
    checks: list[tuple[Rule, bool, str]]
    if node is None:
        if node_id in reading.forgotten:
            return Rule.RESTART_TYPE, "it is TEMPORARY and has ended"
        return (reading.blame, "it is not in the tree")
    parent = node.parent
    if node.group.kept and not node.runs:
        return blame(node)
    condemned = [member for member in node.group.members if member.condemned]
    barrier = node.group.strategy is not Strategy.ONE_FOR_ONE
    checks = [
        (Rule.R14, picture.order is not None or picture.stopped, "the tree is being stopped"),
        (Rule.R11, node.runs, "its last incarnation still runs"),
        (Rule.R6, parent is not None and parent.condemned, "its parent is condemned"),
        (Rule.R6, not node.over(), "its subtree has not ended"),
        (Rule.R7, barrier and not all(member.over() for member in condemned), "its group has not ended"),
        (Rule.R8, node.wait is not None, "its backoff is not over"),
        (Rule.R8, any(member.wait is not None for member in condemned), "an earlier member has not started again"),
        (Rule.RESTART_TYPE, node.policy.restart is Restart.TEMPORARY, "it is TEMPORARY"),
    ]
    return next(((rule, why) for rule, holds, why in checks if holds), (Rule.ISOLATION, "nothing has ended it"))


def _cancels(reading: Reading, cancels: list[Cancel], cancelings: list[Canceling]) -> None:
    done = {(cancel.node, cancel.incarnation) for cancel in cancels}
    if len(done) < len(cancels):
        raise Violation(Rule.R6, f"an incarnation was canceled twice: {cancels}")
    for node, incarnation in done - reading.cancels.keys():
        seen = reading.picture.nodes.get(node)
        rule = Rule.R14 if reading.picture.order is not None else reading.blame
        if seen is not None and reading.picture.order is None:
            rule = next((above.life.doing for above in seen.above() if above.life is not None), rule)
        raise Violation(rule, f"{_name(reading, node)} ({incarnation}) was canceled without reason")
    for (node, incarnation), rule in reading.cancels.items():
        if (node, incarnation) not in done:
            raise Violation(rule, f"{_name(reading, node)} ({incarnation}) was not canceled")
    reports = [report for report in cancelings if not reading.tops.issuperset(report.dns)]
    loose = [dn for report in cancelings if report not in reports for dn in report.dns]
    if sorted(loose) != sorted(reading.tops):
        raise Violation(Rule.O3, f"supervisors cancel {sorted(reading.tops)}, reported were {loose}")
    told = [(frozenset(report.dns), report.cause, report.by) for report in reports]
    if told != reading.cancelings:
        raise Violation(Rule.R6, f"canceled is {reading.cancelings}, reported was {told}")


def _states(reading: Reading, changes: list[Changed], starts: list[Start]) -> None:
    left = {node: list(all_said) for node, all_said in reading.said.items()}
    news = [change.node for change in changes if change.state is NodeState.NEW]
    begun = [start.node for start in starts]
    if news != begun:
        raise Violation(Rule.R6, f"NEW was reported of {news}, started were {begun}")
    for change in changes:
        if change.at != reading.at:
            raise Violation(Rule.CONTRACT, f"{change} is reported for another moment than {reading.at}")
        if change.state is NodeState.NEW:
            continue
        said = left[change.node].pop(0) if left.get(change.node) else None
        if said is None:
            seen = reading.picture.nodes.get(change.node)
            rule = seen.wait.rule if seen is not None and seen.wait is not None else reading.blame
            if seen is not None and seen.life is not None:
                rule = seen.life.doing
            raise Violation(rule, f"{change.dn} became {change.state} without reason")
        _same_change(reading, change, said)
    for node, missing in left.items():
        for said in missing:
            raise Violation(said.rule, f"{_name(reading, node)} did not become {said.state}")


def _same_change(reading: Reading, change: Changed, said: Said) -> None:
    if change.state is not said.state or change.incarnation != said.incarnation:
        raise Violation(said.rule, f"{change.dn} became {change.state} and not {said.state}")
    # Whoever returns too early has no error of its own; that it is dead needs a reason all the same.
    unexplained = said.state is NodeState.DEAD and said.error is None
    if (not change.error if unexplained else change.error != said.error) or change.traceback != said.traceback:
        raise Violation(said.rule, f"{change.dn} ended with {said.error!r}, but reported was {change.error!r}")
    if not _close(change.restart_at, said.restart_at):
        node = reading.picture.nodes.get(change.node)
        rule = node.wait.rule if node is not None and node.wait is not None else Rule.R8
        raise Violation(rule, f"the backoff of {change.dn} ends at {said.restart_at}, not at {change.restart_at}")


def _deadlines(reading: Reading, kills: list[Kill], stuck: list[Stuck]) -> None:
    killed = [(kill.node, kill.incarnation) for kill in kills]
    if len(killed) != len(reading.kills) or set(killed) != reading.kills:
        raise Violation(Rule.R12, f"to be killed are {sorted(reading.kills)}, killed were {killed}")
    told = [frozenset(report.nodes) for report in stuck]
    if len(told) != len(reading.stuck) or set(told) != reading.stuck:
        raise Violation(Rule.R12, f"stuck are {[sorted(nodes) for nodes in reading.stuck]}, reported were {told}")
    if any(report.at != reading.at for report in stuck):
        raise Violation(Rule.R12, f"{stuck} is reported for another moment than {reading.at}")


def _net(arms: list[Arm], disarms: list[Disarm]) -> tuple[dict[int, float], list[int]]:
    """What is armed in the end, and what was disarmed of what had been armed before."""
    armed = {arm.timer: arm.at for arm in arms}
    if len(armed) < len(arms):
        raise Violation(Rule.TIMERS, f"a timer was armed twice: {arms}")
    disarmed = [disarm.timer for disarm in disarms if disarm.timer not in armed]
    for disarm in disarms:
        armed.pop(disarm.timer, None)
    return armed, disarmed


def _armed(reading: Reading, armed: dict[int, float]) -> None:
    """Match what was armed with what has to be; the numbers of the timers are learned here."""
    alarms = reading.picture.alarms
    if armed.keys() & alarms.keys():
        raise Violation(Rule.TIMERS, f"of these timers one is armed already: {armed}")
    for alarm in reading.armed:
        if alarm.off:
            continue
        if alarm.loose and not any(_close(at, alarm.at) for at in armed.values()):
            continue
        near = [timer for timer, at in armed.items() if _close(at, alarm.at)]
        if not near:
            names = [node.dn for node in alarm.nodes]
            raise Violation(alarm.rule, f"no timer for the {alarm.purpose} of {names} at {alarm.at}, but {armed}")
        alarm.timer = near[0]
        alarm.at = armed.pop(near[0])
        alarms[near[0]] = alarm
    if armed:
        raise Violation(Rule.TIMERS, f"timers were armed that nobody waits for: {armed}")


def _disarmed(reading: Reading, disarmed: list[int]) -> None:
    alarms = reading.picture.alarms
    unwanted = [alarm.timer for alarm in reading.disarmed if alarm.timer]
    for timer in disarmed:
        if timer in alarms and timer not in unwanted:
            reading.picture.exchange(timer, [alarm for alarm in reading.disarmed if alarm.timer not in disarmed])
    unwanted = [alarm.timer for alarm in reading.disarmed if alarm.timer]
    spare = [timer for timer in disarmed if timer not in unwanted and timer in alarms and alarms[timer].loose]
    for timer in spare:
        del alarms[timer]
    disarmed = [timer for timer in disarmed if timer not in spare]
    for timer in disarmed:
        if timer not in unwanted:
            alarm = alarms.get(timer)
            names = [node.dn for node in alarm.nodes] if alarm is not None else []
            rule = alarm.rule if alarm is not None else Rule.TIMERS
            raise Violation(rule, f"timer {timer} of {names} was disarmed without reason")
    if len(disarmed) != len(unwanted):
        raise Violation(Rule.TIMERS, f"nobody waits any more for the timers {unwanted}, disarmed were {disarmed}")
    for timer in unwanted:
        del alarms[timer]


def _gone(reading: Reading, forgets: list[Forget], removed: list[Removed], actions: Sequence[Action]) -> None:
    told = [(report.dn, report.incarnation) for report in removed]
    for node in reading.picture.nodes.values() if told else ():
        if (node.dn, node.incarnation) in told and (node.dn, node.incarnation) not in (
            *reading.removed,
            *reading.spared,
        ):
            rule, why = _why_not(reading, node.id)
            raise Violation(rule, f"{node.dn} was removed although {why}")
    told = [report for report in told if report not in reading.spared]
    if sorted(told) != sorted(reading.removed):
        raise Violation(Rule.RESTART_TYPE, f"removed are {reading.removed}, reported were {told}")
    forgotten = [node for forget in forgets for node in forget.nodes]
    early = [node for node in forgotten if node not in reading.forgotten and node in reading.picture.owed]
    for gone_early in early:
        reading.picture.owed.pop(gone_early, None)
        reading.picture.limbo.pop(gone_early, None)
    if sorted(set(forgotten) - set(early)) != sorted(reading.forgotten) or len(set(forgotten)) < len(forgotten):
        rule = Rule.O15 if any(node.life is not None for node in reading.picture.nodes.values()) else Rule.R6
        raise Violation(rule, f"out of the tree are {sorted(reading.forgotten)}, forgotten were {sorted(forgotten)}")
    gone: set[int] = set()
    for action in actions:
        if isinstance(action, Forget):
            gone.update(action.nodes)
        elif isinstance(action, (Start, Cancel, Kill)) and action.node in gone:
            raise Violation(Rule.CONTRACT, f"{action} comes after its node was forgotten")


def _stop(reading: Reading, stopping: list[Stopping], stopped: list[Stopped]) -> None:
    rule = (
        Rule.R15 if reading.picture.order is None else Rule.PROPAGATE if reading.blame == Rule.PROPAGATE else Rule.R14
    )
    if len(stopping) != reading.stopping:
        raise Violation(rule, "the stop began unasked" if stopping else "the stop did not begin")
    if len(stopped) != (reading.stopped is not None):
        raise Violation(rule, "the tree stopped too early" if stopped else "the tree did not stop")
    for report in stopped:
        if frozenset(report.unstopped) != reading.stopped:
            raise Violation(rule, f"unstopped are {reading.stopped}, reported were {report.unstopped}")


def _name(reading: Reading, node_id: int) -> str:
    node: Seen | None = reading.picture.nodes.get(node_id)
    return node.dn if node is not None else f"node {node_id}"


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _CLOSE
