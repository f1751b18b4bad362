"""What a tree is to look like, drawn from a seed: places, each with the groups of those below it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from otp.tree.decision.policy import Restart, Strategy

if TYPE_CHECKING:
    from random import Random

__all__ = ["Place", "draw", "flat"]

_DEEPEST: Final = 5
_LARGEST_GROUP: Final = 5
_INNER: Final = 0.25
"""How many of the places have places below them."""
_KINDS: Final = (Restart.PERMANENT,) * 8 + (Restart.TRANSIENT, Restart.TEMPORARY)
_PATIENT: Final = 5.0
_IMPATIENT: Final = 0.05


@dataclass(slots=True, eq=False)
class Place:
    """One node to be."""

    dn: str
    coroutine: bool = False
    restart: Restart = Restart.PERMANENT
    shutdown: float = _PATIENT
    hangs: bool = False
    """Its deadline is short, so that it can be told to hang beyond it."""
    groups: list[tuple[Strategy, list[Place]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The last part of the DN."""
        return self.dn.rpartition(".")[2]


def draw(random: Random, nodes: int) -> Place:
    """The root of a tree of `nodes` places, threads and coroutines mixed in one tree."""
    root = Place("root")
    inner = [root]
    count = 1
    while count < nodes:
        above = random.choice(inner)
        members: list[Place] = []
        for _ in range(min(nodes - count, random.randint(1, _LARGEST_GROUP))):
            count += 1
            place = Place(f"{above.dn}.n{count}", coroutine=random.random() < 0.5)  # noqa: PLR2004 - half of them
            if place.dn.count(".") < _DEEPEST and random.random() < _INNER:
                inner.append(place)
            else:
                place.restart = random.choice(_KINDS)
                place.hangs = random.random() < 0.25  # noqa: PLR2004 - a quarter of them
                if place.hangs:
                    place.shutdown = _IMPATIENT
            members.append(place)
        above.groups.append((random.choice(list(Strategy)), members))
    return root


def flat(nodes: int) -> Place:
    """A root with `nodes` below it, each in a group of its own, every second one a coroutine."""
    below = [Place(f"root.n{number}", coroutine=number % 2 == 0) for number in range(nodes)]
    return Place("root", groups=[(Strategy.ONE_FOR_ONE, [place]) for place in below])
