"""What comes of the end of a child: restart types, strategies, intensity, automatic shutdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.testing.simulation.supervision.children import bring_up, halt, stop
from otp.testing.simulation.supervision.specs import Outcome, Over, Status
from otp.testing.simulation.violation import Rule
from otp.tree.decision.messages import Why
from otp.tree.decision.policy import AutoShutdown, Restart, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.simulation.supervision.life import Life
    from otp.testing.simulation.supervision.specs import Again, Exit, Retry, Spec, Steps

__all__ = ["again", "exited", "retry", "settle_down"]


def exited(life: Life, mail: Exit) -> Steps[None]:
    """A child has ended by itself."""
    spec = mail.spec
    if not life.is_current(spec, mail.incarnation):
        return
    kind = spec.node.policy.restart
    if kind is Restart.PERMANENT or (kind is Restart.TRANSIENT and not mail.clean):
        yield from _restart(life, spec, Rule.O5)
        return
    life.doing = Rule.O4
    life.put_away(spec)
    _auto_shutdown(life, spec)


def _auto_shutdown(life: Life, spec: Spec) -> None:
    if not spec.node.policy.significant or life.flags.auto_shutdown is AutoShutdown.NEVER:
        return
    left = [other for other in life.specs if other.node.policy.significant and other.active]
    if life.flags.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT or not left:
        life.doing = Rule.O8
        raise Over(Why.AUTO_SHUTDOWN, spec)


def retry(life: Life, mail: Retry) -> Steps[None]:
    """Try again what has failed, unless somebody has stopped it meanwhile."""
    spec = mail.spec
    if spec.reminder is not mail:
        return
    spec.reminder = None
    if not spec.node.over():
        _hold(spec, [spec], counts=mail.counts, alone=mail.alone)
    elif mail.counts:
        yield from _restart(life, spec, Rule.O7)
    else:
        yield from _go(life, spec, Rule.O16 if mail.alone else Rule.O5, alone=mail.alone)


def _restart(life: Life, spec: Spec, rule: Rule) -> Steps[None]:
    """One more restart, if that is not one too many."""
    life.doing = rule
    at = life.reading.at
    life.crashes = [crash for crash in life.crashes if at - crash <= life.flags.max_seconds]
    life.crashes.append(at)
    if len(life.crashes) > life.flags.max_restarts:
        life.doing = Rule.O6
        spec.status = Status.STOPPED
        raise Over(Why.INTENSITY, spec)
    yield from _go(life, spec, rule, alone=life.flags.dynamic or life.flags.strategy is Strategy.ONE_FOR_ONE)


def _go(life: Life, spec: Spec, rule: Rule, *, alone: bool) -> Steps[None]:
    """Restart it, alone or with all that the strategy takes along; a start that fails is tried again."""
    life.doing = rule
    group = [spec] if alone else (yield from _stop_group(life, spec, rule))
    stuck = [other for other in group if not other.node.over()]
    if stuck:
        _hold(spec, stuck, counts=False, alone=alone)
        return
    for other in group:
        if other in life.specs:
            outcome = yield from bring_up(life, other, rule)
            if outcome is Outcome.FAILED and other.node.policy.restart is Restart.TEMPORARY:
                life.put_away(other)  # it was restarted on request only
            elif outcome is Outcome.FAILED:
                other.status = Status.RESTARTING
                life.remind(other, counts=True)
                return
            else:
                settle_down(life, other, outcome)


def _hold(spec: Spec, stuck: Sequence[Spec], *, counts: bool, alone: bool) -> None:
    """A runnable that does not end must not keep the supervisor from serving: its restart waits aside."""
    spec.status = Status.RESTARTING
    spec.held_by = [other.node for other in stuck]
    spec.counts = counts
    spec.alone = alone


def _stop_group(life: Life, spec: Spec, rule: Rule) -> Steps[list[Spec]]:
    """Stop all that the strategy takes along."""
    first = spec.place if life.flags.strategy is Strategy.REST_FOR_ONE else 0
    spec.status = Status.STOPPED  # there is no process any more
    life.crashed = spec
    group = [other for other in life.specs if other.place >= first]
    yield from stop(life, group, rule)
    life.crashed = None
    return [*group, *(gone for gone in life.lingering() if gone.place > first and gone not in group)]


def settle_down(life: Life, spec: Spec, outcome: Outcome) -> None:
    """Write down that a child has been started, or would not be."""
    if outcome is Outcome.STARTED:
        spec.status = Status.RUNNING
    else:
        life.put_away(spec, removed=None)


def again(life: Life, mail: Again) -> Steps[None]:
    """Somebody wanted it started anew: that is no crash, and nothing at all if it has been started anew since."""
    spec = mail.spec
    if spec not in life.specs or not spec.active or spec.node.incarnation != mail.incarnation:
        return
    life.doing = Rule.O16
    yield from halt(life, spec, Rule.O16)
    yield from _go(life, spec, Rule.O16, alone=True)
