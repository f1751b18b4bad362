"""Starting and stopping a child: what takes time, and what the supervisor waits for meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.testing.simulation.picture import Alarm, Purpose
from otp.testing.simulation.rules import call_off, start
from otp.testing.simulation.supervision.specs import Outcome, Status
from otp.testing.simulation.violation import Rule
from otp.testing.simulation.walk import Walk
from otp.tree.decision.messages import End
from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.simulation.picture import Seen
    from otp.testing.simulation.supervision.life import Life
    from otp.testing.simulation.supervision.specs import Spec, Steps

__all__ = ["bring_up", "halt", "lose_patience", "stop"]


def bring_up(life: Life, spec: Spec, rule: Rule) -> Steps[Outcome]:
    """Start a child and wait for what comes of it; `rule` asks for that."""
    life.starting = spec
    _begin(life, spec, rule)
    # What has returned as it should has started, and its exit signal comes once all below it has ended too.
    yield lambda: _has_started(spec) or (not spec.node.runs and spec.node.gone()) or _is_late(spec)
    if _is_late(spec):
        spec.patience = None
        yield from _walk(life, [spec.node], Rule.O12)
        outcome = Outcome.FAILED
    else:
        outcome = _outcome(life, spec)
    life.starting = None
    return outcome


def _begin(life: Life, spec: Spec, rule: Rule) -> None:
    reading, node = life.reading, spec.node
    life.enter(node)
    start(reading, node)
    reading.reasons[node.id] = rule
    if node.policy.start_timeout is not None:
        spec.patience = Alarm(Purpose.START, reading.at + node.policy.start_timeout, Rule.O12, [node])
        reading.armed.append(spec.patience)


def _has_started(spec: Spec) -> bool:
    node = spec.node
    return node.healthy_at is not None or (node.state is NodeState.DONE and spec.end is not End.IGNORED)


def _is_late(spec: Spec) -> bool:
    return spec.patience is not None and spec.patience.off


def lose_patience(life: Life, spec: Spec) -> None:
    """It has started, or ended."""
    if spec.patience is not None:
        call_off(life.reading, spec.patience)
        spec.patience = None


def _outcome(life: Life, spec: Spec) -> Outcome:
    lose_patience(life, spec)
    if not _has_started(spec):
        return Outcome.IGNORED if spec.node.state is NodeState.DONE else Outcome.FAILED
    if not spec.node.runs:
        life.dying.append(spec)
    return Outcome.STARTED


def stop(life: Life, specs: Sequence[Spec], rule: Rule, *, for_good: bool = False) -> Steps[None]:
    """Stop children, the last first and one at a time; those of a dynamic supervisor all at once.

    TEMPORARY ones lose their specification by it, unless all is over `for_good` anyway.
    """
    if life.flags.dynamic:
        running = [spec.node for spec in specs if spec.status is Status.RUNNING]
        yield from _walk(life, running, rule)
    for spec in reversed(specs):
        yield from halt(life, spec, rule)
        if not for_good:
            life.put_away(spec)


def halt(life: Life, spec: Spec, rule: Rule) -> Steps[None]:
    """Stop a child, or give up to start it."""
    if spec.status is Status.RUNNING:
        yield from _walk(life, [spec.node], rule)
    spec.status = Status.STOPPED
    spec.held_by = []
    spec.reminder = None


def _walk(life: Life, tops: Sequence[Seen], rule: Rule) -> Steps[None]:
    """Stop `tops` side by side, until all have ended or are stuck."""
    walk = life.walk = Walk(tops, rule, life.sup.dn)
    life.picture.walks.append(walk)
    walk.go_on(life.reading)
    yield lambda: walk.over
