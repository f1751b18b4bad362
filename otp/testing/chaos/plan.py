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
_SUPERVISORS: Final = 0.1
"""How many of the places are behaviour supervisors."""
_INTENSITIES: Final = (1, 1_000)
"""The first gives up easily, and is started anew by whoever is above it."""
_KINDS: Final = (Restart.PERMANENT,) * 8 + (Restart.TRANSIENT, Restart.TEMPORARY)
_SERVERS: Final = (Restart.PERMANENT,) * 8 + (Restart.TEMPORARY,)
"""A TRANSIENT one that has ended well leaves the tree, to be started again by whoever asks for that; no event tells of it."""
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
    serves: bool = False
    """It is a server."""
    max_restarts: int | None = None
    """Of a behaviour supervisor, which has one group; `None`: it is a runnable."""
    groups: list[tuple[Strategy, list[Place]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The last part of the DN."""
        return self.dn.rpartition(".")[2]

    def all(self) -> list[Place]:
        """This and all below it."""
        found: list[Place] = [self]
        for place in found:  # grows while it is walked
            found += [member for _, members in place.groups for member in members]
        return found


def draw(random: Random, nodes: int) -> Place:
    """The root of a tree of `nodes` places, threads and coroutines mixed in one tree."""
    root = Place("root")
    inner = [root]
    count = 1
    supervised = False
    while count < nodes:
        above = random.choice(inner)
        members: list[Place] = []
        for _ in range(min(nodes - count, random.randint(1, _LARGEST_GROUP))):
            count += 1
            place = Place(f"{above.dn}.n{count}", coroutine=random.random() < 0.5)  # noqa: PLR2004 - half of them
            members.append(place)
            if random.random() < _SUPERVISORS or not supervised:  # there is one in every tree
                supervised = True
                count += _supervise(random, place, min(nodes - count, random.randint(1, _LARGEST_GROUP)))
            elif place.dn.count(".") < _DEEPEST and random.random() < _INNER:
                inner.append(place)
            else:
                place.restart = random.choice(_KINDS)
                place.hangs = random.random() < 0.25  # noqa: PLR2004 - a quarter of them
                if place.hangs:
                    place.shutdown = _IMPATIENT
        above.groups.append((random.choice(list(Strategy)), members))
    return root


def _supervise(random: Random, place: Place, servers: int) -> int:
    """Have a behaviour supervisor at `place`, with so many servers. Returns how many."""
    place.coroutine = False
    place.max_restarts = random.choice(_INTENSITIES)
    names = [f"{place.dn}.s{number}" for number in range(servers)]
    members = [Place(dn, coroutine=random.random() < 0.5, serves=True) for dn in names]  # noqa: PLR2004 - half of them
    for member in members:
        member.restart = random.choice(_SERVERS)
    place.groups.append((random.choice(list(Strategy)), members))
    return servers


def flat(nodes: int) -> Place:
    """A root with `nodes` below it, each in a group of its own, every second one a coroutine."""
    below = [Place(f"root.n{number}", coroutine=number % 2 == 0) for number in range(nodes)]
    return Place("root", groups=[(Strategy.ONE_FOR_ONE, [place]) for place in below])
