"""All behaviour supervisors of a tree: they come to life when they are started, and go on whenever something has happened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from otp.testing.simulation.reading import Reply
from otp.testing.simulation.rules import died, kept_died, say
from otp.testing.simulation.supervision.life import Life
from otp.testing.simulation.violation import Rule
from otp.tree.decision.messages import Changed, End, Ended, StartChild, Verdict
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Restart

if TYPE_CHECKING:
    from otp.testing.simulation.picture import Seen
    from otp.testing.simulation.reading import Reading
    from otp.tree.decision.messages import Request, StopSupervisor

__all__ = ["go_on", "requested"]


def requested(reading: Reading, request: Request) -> None:
    """Somebody outside asks a supervisor for something; it may not be there."""
    sup = reading.picture.current(request)
    reading.blame = Rule.O10
    if sup is None or sup.life is None or sup.condemned:
        reading.answers[request.request] = Reply(Verdict.NO_PROCESS, Rule.O10)
        if isinstance(request, StartChild):
            reading.forgotten.append(request.birth.node)
    else:
        sup.life.requested(reading, request)


def go_on(reading: Reading) -> bool:
    """Let stops go on, or else the deepest supervisor that can. Whether any could.

    They are processes, and nothing says in OTP which of them is first when several have something to do in the same
    moment. With `otp` it is the deepest: it does what it is about before whoever is above may stop it.
    """
    picture = reading.picture
    moved = False
    for walk in picture.walks:
        moved = walk.go_on(reading) or moved
    picture.walks = [walk for walk in picture.walks if not walk.over]
    lives = _lives(reading)
    for life in lives:
        if moved:
            break
        ends = len(reading.endings)
        moved = life.advance(reading)
        if len(reading.endings) > ends:
            _collapse(reading, life.sup, reading.endings[-1].order)
    for life in lives:
        life.sweep(reading)
    return moved


def _lives(reading: Reading) -> list[Life]:
    """Of all supervisors that run, the deepest first."""
    lives: list[Life] = []
    for sup in reading.picture.nodes.values():
        flags = sup.policy.supervision
        if flags is None or not sup.runs:
            continue
        if sup.life is None:
            sup.life = Life(reading.picture, sup, flags)
            if sup.condemned:
                sup.life.canceled(reading)
        lives.append(sup.life)
    return sorted(lives, key=lambda life: life.sup.dn.count("."), reverse=True)


def _collapse(reading: Reading, sup: Seen, order: StopSupervisor | None) -> None:
    """A supervisor has ended by its own decision, or as it was asked to: what that is to whoever is above it."""
    picture = reading.picture
    sup.runs = False
    if sup.healthy_at is not None and reading.at - sup.healthy_at >= sup.policy.backoff.reset_after:
        sup.deaths = 0
    end = End.SHUTDOWN if order is None else order.end
    rule = Rule.O14 if order is None else Rule.O18
    done = sup.done = end is End.RETURNED
    if sup.parent is None:
        sup.condemned = True
        say(reading, sup, NodeState.DONE if done else NodeState.DEAD, rule)
        picture.stopped = True
        reading.stopped = frozenset()
    elif sup.parent.life is not None:
        say(reading, sup, NodeState.DONE if done else NodeState.DEAD, rule)
        if not done:
            kept_died(reading, sup, end)
        sup.parent.life.child_ended(reading, sup, None if order is None else end)
    elif done or (end is End.SHUTDOWN and sup.policy.restart is Restart.TRANSIENT):
        say(reading, sup, NodeState.DONE, rule)
    elif order is None:
        died(reading, sup, _draw(reading, sup))
    else:
        died(reading, sup, Ended(sup.id, sup.incarnation, end, reading.at, order.draw, order.error, order.traceback))


def _draw(reading: Reading, sup: Seen) -> Ended:
    """No runnable has ended, so it is nowhere said which random number the backoff takes; it must be one from [0, 1)."""
    end = Ended(sup.id, sup.incarnation, End.RAISED, reading.at)
    told = [action for action in reading.actions if isinstance(action, Changed) and action.node == sup.id]
    longest, shortest = (sup.policy.backoff.delay(sup.deaths, draw) for draw in (1.0, 0.0))
    if not told or told[-1].restart_at is None or longest == shortest:
        return end
    draw = (told[-1].restart_at - reading.at - shortest) / (longest - shortest)
    return replace(end, draw=draw) if 0 <= draw < 1 else end
