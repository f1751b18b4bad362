"""R1-R9 and R12 once more, as slowly and plainly as they can be written: what must an event lead to?

One function per kind of event draws the new picture and writes down its effects. Nothing of this is shared with the
decision but its messages and its policies: whether a subtree has ended or a barrier still holds is looked up each time.
R14 and R15 are in `endings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.testing.simulation.picture import Alarm, Group, Purpose, Seen
from otp.testing.simulation.reading import Reading, Said
from otp.testing.simulation.violation import Rule
from otp.tree.decision.messages import Cause, End, Signal
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Restart, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otp.tree.decision.messages import Birth, Ended, RestartRequested, Signaled, Spawned
    from otp.tree.decision.policy import Backoff

__all__ = [
    "call_in",
    "call_off",
    "condemn",
    "deadline_over",
    "died",
    "ended",
    "is_legal",
    "kept_died",
    "restart_requested",
    "say",
    "settle",
    "signaled",
    "spawned",
    "start",
    "wait_no_longer",
]

_BLAME = {Cause.DEATH: Rule.R5, Cause.RESTART: Rule.REQUEST, Cause.STOP: Rule.R14}
_LONGEST_NAME = 64


def spawned(reading: Reading, event: Spawned) -> None:
    """R1: all of the group or nothing; what is asked for by a condemned parent is never started."""
    picture = reading.picture
    parent = picture.current(event)
    reading.blame = Rule.R10 if parent is None else Rule.R1
    if parent is not None and parent.life is not None and not parent.life.ended:
        parent.life.spawned(event)
        return
    if parent is None or parent.state is not NodeState.NEW or not is_legal(parent, event.births):
        return
    group = Group(event.strategy, kept=parent.life is not None)
    parent.groups.append(group)
    for birth in event.births:
        child = Seen(birth.node, birth.name, f"{parent.dn}.{birth.name}", birth.policy, parent, group)
        group.members.append(child)
        picture.nodes[child.id] = child
        if parent.condemned or picture.order is not None or parent.stopping:
            child.condemned = True
            say(reading, child, NodeState.CANCELED, Rule.R6 if parent.condemned else Rule.R14)
        else:
            start(reading, child)


def is_legal(parent: Seen, births: tuple[Birth, ...]) -> bool:
    """Whether these may be the names of new children of `parent`."""
    taken = [child.name for child in parent.children()]
    for birth in births:
        letters = birth.name.replace("-", "a").replace("_", "a")
        if not (letters.isascii() and letters.isalnum() and len(letters) <= _LONGEST_NAME) or birth.name in taken:
            return False
        taken.append(birth.name)
    return True


def signaled(reading: Reading, event: Signaled) -> None:
    """R2: HEALTHY only from NEW, DONE only from HEALTHY; R3: DONE changes no state yet."""
    node = reading.picture.current(event)
    if node is None or node.life is not None:
        reading.blame = Rule.R10
        return
    reading.blame = Rule.R2 if event.signal is Signal.HEALTHY else Rule.R3
    if event.signal is Signal.HEALTHY and node.state is NodeState.NEW:
        node.healthy_at = event.at
        say(reading, node, NodeState.HEALTHY, Rule.R2)
    elif event.signal is Signal.DONE and node.state is NodeState.HEALTHY:
        node.done = True


def ended(reading: Reading, event: Ended) -> None:
    """R3, R4 or R5; R9 for what it means to the backoff."""
    node = reading.picture.current(event)
    if node is None:
        reading.blame = Rule.R10
        return
    node.runs = False
    if node.deadline is not None and not any(other.runs for other in node.deadline.nodes):
        call_off(reading, node.deadline)
    node.deadline = None
    node.late = False
    if node.healthy_at is not None and event.at - node.healthy_at >= node.policy.backoff.reset_after:
        node.deaths = 0
    if node.condemned:
        say(reading, node, NodeState.CANCELED, Rule.R4, error=event.error, traceback=event.traceback)
    elif event.end is End.IGNORED or (
        event.end is End.RETURNED and (node.done or node.policy.restart in (Restart.TRANSIENT, Restart.TEMPORARY))
    ):
        say(reading, node, NodeState.DONE, Rule.R3)
    elif node.group.kept:
        say(reading, node, NodeState.DEAD, Rule.R5, error=event.error, traceback=event.traceback)
        kept_died(reading, node, event.end)
    else:
        died(reading, node, event)
    if node.parent is not None and node.parent.life is not None:
        node.parent.life.child_ended(reading, node, event.end)


def died(reading: Reading, node: Seen, event: Ended) -> None:
    """R5, R7, R8: what a death takes along, and how long the dead one waits."""
    picture = reading.picture
    node.condemned = True
    ends_tree = picture.propagate and picture.order is None
    comes_back = (
        picture.order is None
        and not picture.propagate
        and node.policy.restart is not Restart.TEMPORARY
        and not node.called_off()
    )
    due: float | None = None
    if comes_back:
        pause = _pause(node.policy.backoff, node.deaths, event.draw)
        node.deaths += 1
        if pause > 0:
            due = event.at + pause
            node.wait = Alarm(Purpose.BACKOFF, due, Rule.R8 if node.healthy_at is None else Rule.R9, [node])
            reading.armed.append(node.wait)
    say(reading, node, NodeState.DEAD, Rule.R5, error=event.error, traceback=event.traceback, restart_at=due)
    reached = list(node.children())
    if comes_back:
        rank = node.group.members.index(node)
        if node.group.strategy is Strategy.ONE_FOR_ALL:
            reached += [member for member in node.group.members if member is not node]
        elif node.group.strategy is Strategy.REST_FOR_ONE:
            reached += node.group.members[rank + 1 :]
    for child in node.children():
        wait_no_longer(reading, child)
    condemn(reading, reached, Cause.DEATH, node.dn)
    if ends_tree:
        reading.blame = Rule.PROPAGATE


def kept_died(reading: Reading, node: Seen, end: End) -> None:
    """A child of a behaviour supervisor has died: in a propagating tree that is a death, unless it was in good order."""
    picture = reading.picture
    clean = end is End.SHUTDOWN and node.policy.restart is not Restart.PERMANENT
    if picture.propagate and picture.order is None and not clean:
        reading.blame = Rule.PROPAGATE


def _pause(backoff: Backoff, deaths: int, draw: float) -> float:
    """R8, R9: the length of a backoff, grown one death after the other."""
    wait = backoff.initial
    for _ in range(deaths):
        if wait >= backoff.maximum:
            break
        wait *= backoff.multiplier
    wait = min(wait, backoff.maximum)
    return wait - wait * backoff.jitter + 2 * wait * backoff.jitter * draw


def restart_requested(reading: Reading, event: RestartRequested) -> None:
    """That node alone, without backoff."""
    picture = reading.picture
    node = picture.nodes.get(event.node)
    reading.blame = Rule.REQUEST
    if node is None or picture.order is not None or picture.stopped:
        return
    if node.parent is not None and node.parent.life is not None:
        node.parent.life.asked_again(node)
        return
    node.wanted = True
    wait_no_longer(reading, node)
    condemn(reading, [node], Cause.RESTART, node.dn)


def condemn(reading: Reading, tops: Iterable[Seen], cause: Cause, by: str, *, supervised: Rule | None = None) -> None:
    """R6, R12: a cancel reaches all below its tops that is not condemned yet, and sets their deadlines.

    It is `supervised` when a behaviour supervisor orders it, by that rule.
    """
    fresh = [top for top in tops if not top.condemned]
    if supervised is not None:
        reading.tops |= {top.dn for top in fresh}
    elif fresh:
        reading.cancelings.append((frozenset(top.dn for top in fresh), cause, by))
    deadlines: dict[float, Alarm] = {}
    for node in [node for top in fresh for node in top.below()]:
        wait_no_longer(reading, node)
        if node.condemned:
            continue
        node.condemned = True
        if node.life is not None:
            node.life.canceled(reading)
        if not node.runs:
            say(reading, node, NodeState.CANCELED, Rule.R14 if cause is Cause.STOP else Rule.R6)
            continue
        reading.cancels[node.id, node.incarnation] = supervised or _BLAME[cause]
        if node.policy.shutdown is not None and node.life is None:  # a supervisor has no runnable that could last
            limit = reading.at + node.policy.shutdown
            node.deadline = deadlines.setdefault(limit, Alarm(Purpose.DEADLINE, limit, Rule.R12))
            node.deadline.nodes.append(node)
    for deadline in deadlines.values():
        if deadline.at > reading.at:
            reading.armed.append(deadline)
        else:
            deadline_over(reading, deadline)


def deadline_over(reading: Reading, deadline: Alarm) -> None:
    """R12: kill what can be killed, and report all others at once."""
    deadline.off = True
    late = [node for node in deadline.nodes if node.runs and not node.policy.killable]
    reading.kills |= {(node.id, node.incarnation) for node in deadline.nodes if node.runs and node.policy.killable}
    for node in late:
        node.late = True
    if late:
        reading.stuck.add(frozenset((node.id, node.dn, node.incarnation) for node in late))


def settle(reading: Reading) -> None:
    """R6-R8: in every group of a live parent, start what has to start again by now."""
    picture = reading.picture
    if picture.order is not None or picture.stopped:
        return
    for group in list(picture.live_groups()):
        if group.kept or any(member.called_off() for member in group.members[:1]):
            continue
        lying = [member for member in group.members if member.condemned]
        if group.strategy is not Strategy.ONE_FOR_ONE and not all(member.over() for member in lying):
            continue
        for member in lying:
            if member.wait is not None and group.strategy is Strategy.REST_FOR_ONE:
                break
            if member.wait is None and member.over():
                if member.policy.restart is Restart.TEMPORARY and not member.wanted:
                    _remove(reading, member)
                else:
                    start(reading, member)


def start(reading: Reading, node: Seen) -> None:
    """The next incarnation of `node`, which has no children."""
    below = [gone.id for gone in node.below()[1:]]
    for gone in below:
        del reading.picture.nodes[gone]
    reading.forgotten += below
    call_in(reading, [node.id, *below])
    node.groups = []
    node.stopping = False
    node.term = None
    node.incarnation += 1
    node.runs = True
    node.condemned = node.done = node.wanted = False
    node.healthy_at = None
    node.state = NodeState.NEW
    node.since = reading.at
    reading.starts.append(node)
    node.life = None


def _remove(reading: Reading, node: Seen) -> None:
    below = [gone.id for gone in node.below()]
    for gone in below:
        del reading.picture.nodes[gone]
    reading.forgotten += below
    call_in(reading, below)
    node.group.members.remove(node)
    reading.removed.append((node.dn, node.incarnation))


def call_in(reading: Reading, owners: Iterable[int]) -> None:
    """What is owed by these, and by what is owed by them, must have been forgotten by now."""
    picture = reading.picture
    called = list(owners)
    for owner in called:
        due = [node for node, by in picture.owed.items() if by == owner]
        for node in due:
            del picture.owed[node]
        reading.forgotten += due
        called += due
        for node in (owner, *due):
            picture.limbo.pop(node, None)


def call_off(reading: Reading, alarm: Alarm) -> None:
    """Nobody waits for `alarm` any more."""
    if not alarm.off:
        alarm.off = True
        reading.disarmed.append(alarm)


def wait_no_longer(reading: Reading, node: Seen) -> None:
    """`node` is not in its backoff any more."""
    if node.wait is not None:
        call_off(reading, node.wait)
        node.wait = None


def say(  # noqa: PLR0913 - a report has that many parts
    reading: Reading,
    node: Seen,
    state: NodeState,
    rule: Rule,
    *,
    error: str | None = None,
    traceback: object = None,
    restart_at: float | None = None,
) -> None:
    """`node` has a new state, which must be reported."""
    node.state = state
    node.since = reading.at
    said = Said(node.incarnation, state, rule, error, traceback, restart_at)
    reading.said.setdefault(node.id, []).append(said)
