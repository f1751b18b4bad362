"""Draws behaviour supervisors, their first children, and what their children do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otp.testing.simulation.runnables import Finish, Habit, Mood, Say, Script, ask, reaction
from otp.tree.decision.messages import End, Signal
from otp.tree.decision.policy import AutoShutdown, Policy, Restart, Strategy, Supervision

if TYPE_CHECKING:
    from random import Random

    from otp.testing.simulation.runnables import Climate, Deed

__all__ = ["child", "child_script", "first_children", "supervisor"]

_PATIENCES: Final = (None, 0.0719, 0.419, 2.23, 60.0, 60.0)
_TERMS: Final = (None, None, None, 0.0007, 0.0291, 0.457, 2.911)
"""None of them is a deadline's length: whose timer it is could not be told by its moment."""
_NAMES: Final = ("a", "b", "c", "d", "e", "f")
_MOST: Final = 5


def supervisor(random: Random, beat: float) -> Policy:
    """Draw a supervisor; `beat` is the time in which children like to die (see `child_script`)."""
    dynamic = random.random() < 0.3  # noqa: PLR2004
    return Policy(
        restart=random.choice((Restart.PERMANENT, Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY)),
        shutdown=random.choice(_TERMS),
        start_timeout=random.choice(_PATIENCES),
        supervision=Supervision(
            strategy=Strategy.ONE_FOR_ONE if dynamic else random.choice(tuple(Strategy)),
            max_restarts=random.choice((0, 1, 1, 2, 3, 5)),
            max_seconds=random.choice((beat, beat, 2 * beat, 0.03, 0.5, 5.0)),
            auto_shutdown=AutoShutdown.NEVER if dynamic else random.choice(tuple(AutoShutdown)),
            dynamic=dynamic,
            max_children=random.choice((None, 1, 3)) if dynamic else None,
        ),
    )


def first_children(random: Random, climate: Climate, flags: Supervision, depth: int) -> tuple[tuple[str, Policy], ...]:
    """Draw the children that a supervisor begins with."""
    if flags.dynamic:
        return ()
    names = random.sample(_NAMES, random.randint(0, _MOST))
    return tuple((name, child(random, climate, flags, depth)) for name in names)


def child(random: Random, climate: Climate, flags: Supervision, depth: int) -> Policy:
    """Draw a child of a supervisor."""
    if depth < 4 and random.random() < 0.15:  # noqa: PLR2004 - some are supervisors themselves
        policy = supervisor(random, climate.beat)
    else:
        policy = replace(random.choice(climate.policies), start_timeout=random.choice(_PATIENCES))
    can = flags.auto_shutdown is not AutoShutdown.NEVER and policy.restart is not Restart.PERMANENT
    return replace(policy, significant=can and random.random() < 0.4)  # noqa: PLR2004


def child_script(  # noqa: PLR0913 - all that it depends on
    random: Random, mood: Mood, climate: Climate, *, habit: Habit, first: bool, room: int
) -> Script:
    """Draw what the next incarnation of a child does; the `first` one seldom fails to start."""
    deeds: list[tuple[float, Deed]] = []
    if room > 0 and random.random() < 0.2:  # noqa: PLR2004
        deeds.append((random.expovariate(1) * climate.pace, ask(random, climate, room)))
    if mood is Mood.STORM:
        deeds += _stormy(random, climate, habit, first=first)
    else:
        deeds.append((random.random() * 0.01, Say(Signal.HEALTHY)))
    return Script(
        tuple(deeds),
        reaction(random, mood, climate),
        random.choice((End.LEFT, End.LEFT, End.RETURNED, End.RAISED, End.SHUTDOWN)),
    )


def _stormy(random: Random, climate: Climate, habit: Habit, *, first: bool) -> list[tuple[float, Deed]]:
    fails = {Habit.SOUND: 0.05, Habit.MIXED: 0.25, Habit.FRAIL: 0.6}[habit]
    dies = {Habit.SOUND: 0.3, Habit.MIXED: 0.8, Habit.FRAIL: 0.95}[habit]
    prompt = random.random() < 0.8  # noqa: PLR2004 - so that many die together, or in the very last moment that counts
    pause = 0.0 if prompt else random.expovariate(1) * climate.pace
    if random.random() < 0.03:  # noqa: PLR2004
        return [(pause, Finish(End.IGNORED))]
    if random.random() < (fails / 5 if first else fails):
        ends = (End.RAISED, End.RAISED, End.RETURNED, End.SHUTDOWN, End.IGNORED, End.IGNORED, End.LEFT)
        return [(pause, Finish(random.choice(ends)))] if random.random() < 0.7 else []  # noqa: PLR2004 - or it hangs
    deeds: list[tuple[float, Deed]] = [(pause, Say(Signal.HEALTHY))]
    if random.random() < dies:
        life = climate.beat if prompt else random.expovariate(1) * climate.pace * 4
        end = random.choice((End.RAISED, End.RAISED, End.RETURNED, End.SHUTDOWN, End.LEFT))
        if random.random() < 0.3:  # noqa: PLR2004
            deeds.append((life / 2, Say(Signal.DONE)))
            life, end = life / 2, End.RETURNED
        deeds.append((life, Finish(end)))
    return deeds
