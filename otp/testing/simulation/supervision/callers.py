"""What people ask of behaviour supervisors: with names that there are, that there were and that there never were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otp.testing.simulation.supervision.habits import child
from otp.tree.decision.messages import DeleteChild, End, RestartChild, StartChild, StopSupervisor, TerminateChild
from otp.tree.decision.policy import Supervision

if TYPE_CHECKING:
    from otp.testing.simulation.runnables import Climate
    from otp.testing.simulation.world import World
    from otp.tree.decision.messages import Request

__all__ = ["Callers"]

_NAMES: Final = ("a", "b", "c", "d", "e", "f", "x", "y")


class Callers:
    """They need not know whether the supervisor that they call is there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random
        self._last = 0
        self._favourite: tuple[int, int] | None = None

    def call(self, climate: Climate, dn: str | None = None) -> Request | None:
        """The next request, if there is anybody to ask; about the child at `dn`, if it is given."""
        world, random = self._world, self._random
        who = world.supervisors if random.random() < 0.95 else list(world.past)  # noqa: PLR2004
        if not who:
            return None
        if self._favourite not in who or random.random() < 0.4:  # noqa: PLR2004 - many calls meet at one of them
            self._favourite = random.choice(who)
        above, _, last = (dn or "").rpartition(".")
        near = [(node, incarnation) for node, incarnation in who if dn is not None and world.dn(node) == above]
        node, incarnation = near[0] if near else self._favourite
        if random.random() < 0.03:  # noqa: PLR2004
            incarnation += random.choice((-1, 1))
        self._last += 1
        if random.random() < 0.04:  # noqa: PLR2004
            end = random.choice((End.RETURNED, End.SHUTDOWN, End.RAISED))
            return StopSupervisor(self._last, node, incarnation, end, world.now, random.random(), f"stopped: {end}")
        name = last if near else random.choice((random.choice(_NAMES), *world.names_below(node)))
        flags = world.policy(node).supervision or Supervision()
        room = world.room(climate) > 0
        if random.random() < (0.6 if flags.dynamic else 0.2):
            if not room:
                return None
            birth = world.birth(name, child(random, climate, flags, world.depth(node) + 1), kept=True)
            return StartChild(self._last, node, incarnation, birth, world.now)
        kinds = (TerminateChild,) if flags.dynamic else (TerminateChild, RestartChild, RestartChild, DeleteChild)
        return random.choice(kinds)(self._last, node, incarnation, name, world.now)
