"""Fake runnables: what an incarnation does, how it takes a cancel, and how it ends.

A script is drawn when the incarnation begins, and played by `world`. What is in it can be illegal, late or deaf to a
cancel, for that is what users write.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from otp.tree.decision.messages import End, Signal
from otp.tree.decision.policy import Backoff, Policy, Restart, Strategy
from otp.tree.decision.stop import LAST_GRACE

if TYPE_CHECKING:
    from random import Random

__all__ = ["Ask", "Climate", "Deed", "Finish", "Habit", "Mood", "Say", "Script", "ask", "climate", "reaction", "script"]

_STRATEGIES: Final = tuple(Strategy)
_RESTARTS: Final = (Restart.PERMANENT, Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY)
# No sum of these is a backoff without jitter, or a deadline and a backoff could not be told apart by their moment.
_SHUTDOWNS: Final = (None, 0.0, 0.0173, 0.311, LAST_GRACE, 1.739, 5.071)
_BAD_NAMES: Final = ("", "a.b", "x" * 65, "naïve", "new\nline", "c\n", "a b", ".")
_MOST_IN_GROUP: Final = 5
_DEEPEST: Final = 7


class Mood(enum.StrEnum):
    """How runnables behave as a whole."""

    STORM = "storm"
    """As badly as they can."""
    CALM = "calm"
    """All cooperate: they serve until they are canceled, and end promptly then."""
    HARVEST = "harvest"
    """All become DONE."""


class Habit(enum.StrEnum):
    """What the incarnations of one node have in common."""

    SOUND = "sound"
    FRAIL = "frail"
    """It dies most of the time, and often before it is healthy."""
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Say:
    """Give a signal, legal or not."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a group of children."""

    strategy: Strategy
    children: tuple[tuple[str, Policy], ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """Come to an end."""

    end: End


Deed: TypeAlias = Say | Ask | Finish


@dataclass(frozen=True, slots=True)
class Script:
    """What one incarnation does."""

    deeds: tuple[tuple[float, Deed], ...]
    """Each with the seconds that pass before it; without a `Finish` it serves until it is canceled."""
    reaction: float | None
    """Seconds from the cancel to its end; None: it is deaf, and goes on as if nothing had happened."""
    leaves: End
    """How it ends when it has been canceled."""


@dataclass(frozen=True, slots=True)
class Climate:
    """What the runnables of one tree have in common."""

    most: int
    """About how many nodes the tree may have."""
    pace: float
    """Seconds that a runnable takes for a deed, and that pass between two faults, on average."""
    policies: tuple[Policy, ...]
    supervisors: tuple[Policy, ...] = ()
    """Of the behaviour supervisors in it, if there are any."""
    beat: float = 1.0
    """Seconds after which the children of supervisors like to die; no sum of it is rounded."""


def climate(random: Random) -> Climate:
    """Draw what the next tree will be like."""
    policies = tuple(
        Policy(
            restart=random.choice(_RESTARTS),
            shutdown=random.choice(_SHUTDOWNS),
            backoff=Backoff(
                initial=random.choice((0.0, 0.05, 0.45, 2.0)),
                multiplier=random.choice((1.0, 1.5, 1.5, 10.0)),
                maximum=random.choice((0.3, 5.0, 60.0)),
                jitter=random.choice((0.0, 0.5, 0.5, 1.0)),
                reset_after=random.choice((0.0, 0.0, 0.5, 10.0)),
            ),
            killable=random.random() < 0.25,  # noqa: PLR2004 - about one in four
        )
        for _ in range(8)
    )
    return Climate(random.choice((6, 15, 15, 40, 120)), random.choice((0.003, 0.05, 0.3, 3.0)), policies)


def script(random: Random, mood: Mood, climate: Climate, *, habit: Habit, depth: int, room: int) -> Script:  # noqa: PLR0913 - all that it depends on
    """Draw what the next incarnation of a node does; `room` is how many more nodes the tree may have."""
    spawns: list[Deed] = []
    wanted = random.random()
    if depth < _DEEPEST and room > 0 and wanted < (1.0 if depth == 0 else 0.5):
        groups = random.choice((1, 1, 2, 3))
        spawns = [ask(random, climate, room) for _ in range(groups)]
    if mood is Mood.STORM:
        deeds = _stormy(random, habit, spawns)
    else:
        deeds = [*spawns, Say(Signal.HEALTHY)]
        if mood is Mood.HARVEST:
            deeds += [Say(Signal.DONE), Finish(End.RETURNED)]
    timed = tuple((random.expovariate(1) * climate.pace, deed) for deed in deeds)
    return Script(timed, reaction(random, mood, climate), random.choice((End.LEFT, End.LEFT, End.RETURNED, End.RAISED)))


def _stormy(random: Random, habit: Habit, spawns: list[Deed]) -> list[Deed]:
    """Anything in any order, though most runnables do what is right."""
    dies = {Habit.SOUND: 0.15, Habit.MIXED: 0.5, Habit.FRAIL: 0.9}[habit]
    deeds: list[Deed] = list(spawns)
    if random.random() < (0.3 if habit is Habit.FRAIL else 0.85):
        deeds.append(Say(Signal.HEALTHY))
    if random.random() < 0.1:  # noqa: PLR2004 - one in ten is wrong
        deeds.append(Say(random.choice((Signal.HEALTHY, Signal.DONE))))
    if random.random() < 0.15:  # noqa: PLR2004
        deeds.append(Say(Signal.DONE))
    if random.random() < 0.1:  # noqa: PLR2004
        random.shuffle(deeds)
    if random.random() < dies:
        deeds.append(Finish(random.choice((End.RAISED, End.RAISED, End.RETURNED, End.LEFT))))
    elif random.random() < 0.1:  # noqa: PLR2004
        deeds += [Say(Signal.DONE), Finish(End.RETURNED)]
    return deeds


def reaction(random: Random, mood: Mood, climate: Climate) -> float | None:
    """Draw how long it takes from a cancel to the end; None: it is deaf."""
    if mood is not Mood.STORM:
        return random.random() * 0.01
    kind = random.random()
    if kind < 0.8:  # noqa: PLR2004 - most end soon
        return random.expovariate(1) * 0.01
    if kind < 0.95:  # noqa: PLR2004 - some late, within their deadline or not
        return random.choice((0.2, 1.0, 4.0)) * random.expovariate(1) + climate.pace
    return None


def ask(random: Random, climate: Climate, room: int) -> Ask:
    """Draw a group of children."""
    size = random.randint(1, max(1, min(_MOST_IN_GROUP, room)))
    names = [f"{random.choice('abcdefgh')}{random.choice('123456789')}" for _ in range(size)]
    odd = random.random()
    if odd < 0.04:  # noqa: PLR2004 - a few names are bad, anywhere in the group
        names[random.randrange(size)] = random.choice(_BAD_NAMES)
    elif odd < 0.06:  # noqa: PLR2004 - a few are double
        names.append(names[0])
    return Ask(random.choice(_STRATEGIES), tuple((name, _policy(random, climate)) for name in names))


def _policy(random: Random, climate: Climate) -> Policy:
    supervised = climate.supervisors and random.random() < 0.35  # noqa: PLR2004
    return random.choice(climate.supervisors if supervised else climate.policies)
