"""A whole simulation: trees are planted, live through a storm, are stopped or come to their end, and every event is judged.

    schedule --event--> decide --actions--> observer (judges) --> world (carries them out) --> schedule

All that is random comes from one seed.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Final

from otp.testing.simulation.observer import Observer
from otp.testing.simulation.recount import flat, recount
from otp.testing.simulation.runnables import Mood, climate
from otp.testing.simulation.supervision.habits import supervisor
from otp.testing.simulation.trace import Planted, Trace, render
from otp.testing.simulation.violation import Rule, Violation
from otp.testing.simulation.weather import TIMEOUTS, Weather
from otp.testing.simulation.world import World
from otp.tree import decision
from otp.tree.decision.messages import StopRequested

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otp.testing.simulation.runnables import Climate
    from otp.tree.decision.messages import Action, Event
    from otp.tree.decision.model import Tree

__all__ = ["SUPERVISED", "Simulation"]

_TAIL: Final = 40
_RECOUNT_EVERY: Final = 8
_COPY_EVERY: Final = 64
_PATIENCE: Final = 3_000
"""Events within which a tree of this size must have come to rest."""
_PROPAGATING: Final = 0.1
"""The share of trees that a death stops."""
SUPERVISED: Final = 0.25
"""The share of trees with behaviour supervisors."""


class Simulation:
    """What becomes of one seed."""

    def __init__(self, seed: int, *, tail: int | None = _TAIL, supervised: float = SUPERVISED) -> None:
        """The trace keeps the last `tail` steps; None: all of them, which `trace.replay` needs.

        `supervised` is the share of trees with behaviour supervisors in them.
        """
        self._supervised = supervised
        self.seed = seed
        self.count = 0
        """Events so far."""
        self.trees = 0
        """Trees planted so far."""
        self.trace = Trace(tail)
        self._random = Random(seed)  # noqa: S311 - it must be the same again, not secret
        self._world = World(self._random)
        self._weather = Weather(self._world)
        self._story = self._tell()
        self._climate: Climate
        self._tree: Tree
        self._observer: Observer

    @property
    def now(self) -> float:
        """Seconds on the virtual clock."""
        return self._world.now

    def run(self, events: int) -> None:
        """Go on until there have been `events` in all.

        Raises:
            Violation: at the first event that leads to what the rules do not allow; the notes say where it was.
        """
        try:
            while self.count < events:
                next(self._story)
        except Violation as violation:
            violation.add_note(f"seed {self.seed}, event {self.count}, tree {self.trees}; the trace's tail:")
            violation.add_note(render(list(self.trace.entries)[-_TAIL:]))
            raise

    # --- the story: yields after every event ----------------------------------------------------------------------------

    def _tell(self) -> Iterator[None]:
        while True:
            self._plant()
            while not self._observer.picture.stopped:
                yield from self._storm(self._random.randint(10, 200))
                # What a behaviour supervisor keeps is never done, and so never is the tree.
                bounty = self._calm if self._climate.supervisors else self._harvest
                yield from self._random.choice((self._calm, bounty, self._stop, self._stop))()
            self._check()
            yield from self._aftermath()

    def _plant(self) -> None:
        self.trees += 1
        weather = climate(self._random)
        if self._random.random() < self._supervised:
            beat = self._random.choice((0.125, 0.5, 1.0))
            supervisors = tuple(supervisor(self._random, beat) for _ in range(4))
            weather = replace(weather, supervisors=supervisors, beat=beat)
        self._climate = weather
        root = self._world.replant(weather)
        self._world.change_mood(Mood.STORM)
        self._weather.begin(weather)
        propagate = self._random.random() < _PROPAGATING
        planted = Planted(root, self.now, propagate)
        self._tree, actions = decision.plant(root, self.now, propagate=propagate)
        self._observer = Observer(root, propagate=propagate)
        self.trace.add(self.count, self.now, planted, actions)
        self._observer.planted(actions, self.now)
        self._world.carry_out(actions)

    def _storm(self, events: int) -> Iterator[None]:
        for _ in range(events):
            if self._observer.picture.stopped or not self._next():
                return
            yield

    def _calm(self) -> Iterator[None]:
        """When the storm is over, all that must run does so soon (I5)."""
        yield from self._rest(Mood.CALM)
        self._observer.quiet()
        self._check()
        self._world.change_mood(Mood.STORM)
        self._weather.go_on()

    def _harvest(self) -> Iterator[None]:
        """When everything is done, the tree comes to its end by itself (R15)."""
        yield from self._rest(Mood.HARVEST)
        if not self._observer.picture.stopped:
            raise Violation(Rule.R15, "all has been done, and the tree does not stop")

    def _stop(self) -> Iterator[None]:
        """In the storm at first; what hangs even then ends when it is over."""
        self._weather.stopping = True
        self._deliver(StopRequested(self._random.choice(TIMEOUTS), self.now))
        yield
        yield from self._storm(self._random.randint(0, 150))
        if not self._observer.picture.stopped:
            yield from self._rest(Mood.CALM)
            self._observer.quiet()

    def _rest(self, mood: Mood) -> Iterator[None]:
        self._world.change_mood(mood)
        for _ in range(_PATIENCE):
            if not self._next():
                return
            yield
        raise Violation(Rule.LIVENESS, f"after {_PATIENCE} events without a fault the tree has not come to rest")

    def _aftermath(self) -> Iterator[None]:
        """The tree has stopped, and some still do not know."""
        self._world.change_mood(Mood.STORM)
        self._weather.go_on()
        for _ in range(self._random.randint(0, 12)):
            if not self._next():
                return
            yield

    # --- one event --------------------------------------------------------------------------------------------------------

    def _next(self) -> bool:
        event = self._world.schedule.next()
        if event is None:
            return False
        self._deliver(event)
        return True

    def _deliver(self, event: Event) -> None:
        copied = deepcopy(self._tree) if self.count % _COPY_EVERY == 0 else None
        self.count += 1
        try:
            self._tree, actions = decision.decide(self._tree, event)
        except Exception as error:
            self.trace.add(self.count, self.now, event, ())
            raise Violation(Rule.CONTRACT, f"{event} made the decision raise {error!r}") from error
        self.trace.add(self.count, self.now, event, actions)
        if copied is not None:
            self._same(copied, event, actions)
        self._observer.see(event, actions)
        self._world.carry_out(actions)
        if self.count % _RECOUNT_EVERY == 0:
            self._check()

    def _same(self, copied: Tree, event: Event, actions: list[Action]) -> None:
        again, others = decision.decide(copied, event)
        if others != actions or flat(again) != flat(self._tree):
            raise Violation(Rule.CONTRACT, f"a copy of the tree comes to something else: {others}")

    def _check(self) -> None:
        recount(self._tree, self._observer.picture)
