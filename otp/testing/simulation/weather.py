"""What befalls a tree from outside: faults, late calls of earlier incarnations, requests of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otp.testing.simulation.runnables import Mood
from otp.testing.simulation.supervision.callers import Callers
from otp.tree.decision.messages import (
    End,
    Ended,
    Expired,
    RestartRequested,
    Signal,
    Signaled,
    Spawned,
    StopRequested,
)
from otp.tree.decision.policy import Policy, Strategy

if TYPE_CHECKING:
    from otp.testing.simulation.runnables import Climate
    from otp.testing.simulation.world import World
    from otp.tree.decision.messages import Event

__all__ = ["TIMEOUTS", "Weather"]

TIMEOUTS: Final = (None, None, 0.0, 0.05, 1.0, 20.0)
_ENDS: Final = (End.RAISED, End.RAISED, End.RETURNED, End.LEFT)
_STOP_AGAIN: Final = 0.05


class Weather:
    """Blows as long as the mood of `world` is a storm."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random
        self._climate: Climate
        self._callers = Callers(world)
        world.witness = self._witness
        self.stopping = False
        """Whether a stop was asked for; then it is asked for again now and then."""

    def begin(self, climate: Climate) -> None:
        """Begin to blow over a new tree."""
        self._climate = climate
        self.stopping = False
        self.go_on()

    def go_on(self) -> None:
        """The next gust."""
        self._world.schedule.after(self._random.expovariate(1) * self._climate.pace * 4, self._gust)

    def _gust(self) -> Event | None:
        if self._world.mood is not Mood.STORM:
            return None
        self.go_on()
        if self.stopping and self._random.random() < _STOP_AGAIN:
            return StopRequested(self._random.choice(TIMEOUTS), self._world.now)
        gusts = (self._fault, self._fault, self._burst, self._restart, self._stale, self._stale)
        if self._climate.supervisors and self._random.random() < (0.1 if self.stopping else 0.5):
            for _ in range(self._random.choice((0, 0, 1, 4))):
                self._world.schedule.after(0.0, self._callers.call, self._climate)
            return self._callers.call(self._climate)
        return self._random.choice(gusts)()

    def _witness(self, dn: str) -> Event | None:
        """Somebody has seen a child end, and asks its supervisor for something: it may be restarting it."""
        return self._callers.call(self._climate, dn) if self._world.mood is Mood.STORM else None

    def _fault(self) -> Event | None:
        """Something ends: as often what has been canceled and hangs as anything else, or a tree would soon be one wait."""
        running = self._world.running
        told = [run for run in running if run.told]
        if running:
            ending = told if told and self._random.random() < 0.5 else running  # noqa: PLR2004
            self._world.end(self._random.choice(ending), self._random.choice(_ENDS))
        return None

    def _burst(self) -> Event | None:
        """Many end at the same moment."""
        share = self._random.random()
        for run in self._world.running:
            if self._random.random() < share:
                self._world.end(run, self._random.choice(_ENDS))
        return None

    def _restart(self) -> Event | None:
        """Of what serves, of any node, or of one that is in the tree no more."""
        dice = self._random.random()
        if dice < 0.4:  # noqa: PLR2004
            nodes = [run.node for run in self._world.running if not run.told]
        elif dice < 0.9:  # noqa: PLR2004
            nodes = self._world.nodes
        else:
            nodes = [node for node, _ in self._world.past]
        return RestartRequested(self._random.choice(nodes), self._world.now) if nodes else None

    def _stale(self) -> Event | None:
        """A helper thread of an incarnation that has ended, or a message of its that was long under way."""
        world, random = self._world, self._random
        stale = [(node, number) for node, number in world.past if self._is_stale(node, number)]
        if not stale:
            return Expired(random.choice(world.disarmed), world.now)
        node, number = random.choice(stale)
        kind = random.randrange(5)
        if kind == 0:
            births = (world.birth("stale", Policy()),)
            return Spawned(node, number, Strategy.ONE_FOR_ALL, births, world.now)
        if kind == 1:
            return Ended(node, number, random.choice(_ENDS), world.now, random.random())
        if kind == 2:  # noqa: PLR2004
            return Expired(random.choice(world.disarmed), world.now)
        return Signaled(node, number, random.choice(tuple(Signal)), world.now)

    def _is_stale(self, node: int, number: int) -> bool:
        """Whether the decision has heard already that this incarnation has ended."""
        run = self._world.runs.get(node)
        return run is None or run.incarnation > number or run.heard < self._world.now
