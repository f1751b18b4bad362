"""The world around the decision: carries out its actions as threads would, and brings it what the runnables do.

Nothing is as quick or as orderly as the decision might like: a start, a cancel or the news of an end takes its time, and
overtakes what others have sent. Only what one incarnation sends comes in the order in which it was sent. The world knows
the truth about who runs, while the decision knows what it has been told; R11 is held against the truth.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otp.testing.simulation.runnables import Finish, Habit, Mood, Say, Script, script
from otp.testing.simulation.schedule import Schedule
from otp.testing.simulation.supervision.habits import child_script, first_children
from otp.testing.simulation.violation import Rule, Violation
from otp.tree.decision.messages import (
    Arm,
    Birth,
    Cancel,
    Changed,
    Disarm,
    End,
    Ended,
    Expired,
    Forget,
    Kill,
    Signal,
    Signaled,
    Spawned,
    Start,
)
from otp.tree.decision.messages import Finish as Finished
from otp.tree.decision.policy import Policy, Restart, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from otp.testing.simulation.runnables import Climate
    from otp.tree.decision.messages import Action, Event

__all__ = ["Run", "World"]

_REMEMBERED = 64
_HABITS = (Habit.SOUND, Habit.SOUND, Habit.MIXED, Habit.FRAIL)
_HABITS_OF_ROOTS = (Habit.SOUND, Habit.SOUND, Habit.SOUND, Habit.SOUND, Habit.MIXED)


@dataclass(slots=True, eq=False)
class Run:
    """One incarnation, from the moment its start was ordered."""

    node: int
    incarnation: int
    dn: str
    depth: int
    script: Script | None = None
    """None until it has begun."""
    step: int = 0
    kept: bool = False
    """A behaviour supervisor keeps it."""
    healthy: bool = False
    """It has said so."""
    told: bool = False
    """Its cancel token is set."""
    over: bool = False
    """It certainly runs no more, whether the decision knows it or not."""
    heard: float = 0.0
    """When the last of what it has sent arrives."""


class World:
    """Runnables and timers of one tree; `replant` makes room for the next."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.schedule = Schedule()
        self.mood = Mood.STORM
        self.runs: dict[int, Run] = {}
        """The last incarnation of each node."""
        self.past: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        """Incarnations that have ended, the latest last."""
        self.disarmed: deque[int] = deque([0], maxlen=_REMEMBERED)
        """Timers that must not go off any more."""
        self._dns: dict[int, str] = {}
        self._policies: dict[int, Policy] = {}
        self._kept: set[int] = set()
        self._remembered: set[int] = set()
        """The ids of all that were born and not forgotten."""
        self._plans: dict[int, tuple[tuple[str, Policy], ...]] = {}
        """The first children of each behaviour supervisor."""
        self._habits: dict[int, Habit] = {}
        self._timers: dict[int, float] = {}
        self.witness: Callable[[str], Event | None] | None = None
        """Who now and then sees a child of a behaviour supervisor end, of that DN, and may ask for something."""
        self._climate: Climate
        self._last_id = 0

    @property
    def now(self) -> float:
        """Seconds on the virtual clock."""
        return self.schedule.now

    @property
    def nodes(self) -> list[int]:
        """The ids of all nodes in the tree."""
        return list(self._dns)

    @property
    def running(self) -> list[Run]:
        """What runs, in truth."""
        return [run for run in self.runs.values() if not run.over and run.script is not None]

    @property
    def supervisors(self) -> list[tuple[int, int]]:
        """Node and incarnation of each behaviour supervisor that was started."""
        runs = self.runs.values()
        return [(run.node, run.incarnation) for run in runs if not run.over and self.policy(run.node).supervision]

    def policy(self, node: int) -> Policy:
        """Of any node that was ever born in this tree."""
        return self._policies[node]

    def dn(self, node: int) -> str | None:
        """Where it is, if it has been started."""
        return self._dns.get(node)

    def depth(self, node: int) -> int:
        """How many nodes are above it."""
        return self._dns.get(node, "").count(".")

    def names_below(self, node: int) -> list[str]:
        """The names of all children that were ever started below it."""
        above = self._dns.get(node)
        lines = [run.dn.rpartition(".") for run in self.runs.values()]
        return [name for dn, _, name in lines if dn == above]

    def room(self, climate: Climate) -> int:
        """How many more nodes the tree may have."""
        return climate.most - len(self._dns)

    def replant(self, climate: Climate) -> Birth:
        """Forget all, and give birth to the root of another tree."""
        self.schedule.clear()
        self.runs.clear()
        self.past.clear()
        self.disarmed = deque([0], maxlen=_REMEMBERED)
        self._dns.clear()
        self._policies.clear()
        self._kept.clear()
        self._remembered.clear()
        self._plans.clear()
        self._habits.clear()
        self._timers.clear()
        self._climate = climate
        policy = self.random.choice(climate.policies)
        root = Policy(shutdown=policy.shutdown, backoff=policy.backoff, killable=policy.killable)
        if self.random.random() < 0.1:  # noqa: PLR2004 - `otp` makes every root PERMANENT, the rules do not
            root = Policy(restart=Restart.TRANSIENT, backoff=policy.backoff)
        if climate.supervisors and self.random.random() < 0.5:  # noqa: PLR2004
            root = self.random.choice(climate.supervisors)
        return self.birth("root", root)

    def birth(self, name: str, policy: Policy, *, kept: bool = False) -> Birth:
        """A child to be, with an id of its own; a behaviour supervisor may keep it."""
        self._last_id += 1
        self._policies[self._last_id] = policy
        self._remembered.add(self._last_id)
        if kept:
            self._kept.add(self._last_id)
        return Birth(self._last_id, name, policy)

    # --- what the decision wants ------------------------------------------------------------------------------------

    def carry_out(self, actions: Iterable[Action]) -> None:
        """Begin to do what is to be done.

        Raises:
            Violation: when it must not be done, as the truth is.
        """
        for action in actions:
            match action:
                case Changed():
                    self._dns[action.node] = action.dn
                case Start():
                    self._order_start(action)
                case Cancel() | Kill():
                    run = self.runs.get(action.node)
                    if run is None or run.incarnation != action.incarnation:
                        raise Violation(Rule.CONTRACT, f"{action} concerns nothing that was started")
                    self.schedule.after(self._lag(), self._tell if isinstance(action, Cancel) else self._kill, run)
                case Arm():
                    self._timers[action.timer] = action.at
                    self.schedule.at(action.at + self._lateness(), self._expire, action.timer)
                case Disarm():
                    del self._timers[action.timer]
                    self.disarmed.append(action.timer)
                case Forget():
                    self._forget(action)
                case Finished():
                    self._finish(action)
                case _:
                    pass  # a report

    def _order_start(self, action: Start) -> None:
        dn = self._dns[action.node]
        for run in self.runs.values():
            if run.dn == dn and not run.over:
                raise Violation(Rule.R11, f"{dn} is started as {action.incarnation} while {run.incarnation} still runs")
        run = Run(action.node, action.incarnation, dn, dn.count("."), kept=action.node in self._kept)
        self.runs[action.node] = run
        if self.policy(action.node).supervision is None:
            self.schedule.after(self._lag(), self._begin, run)
        else:
            self.schedule.after(0.0, self._first_children, run)

    def _forget(self, action: Forget) -> None:
        for node in action.nodes:
            run = self.runs.pop(node, None)
            if run is not None and not run.over:
                raise Violation(Rule.R11, f"{run.dn} is forgotten while it still runs")
            self._dns.pop(node, None)
            if node not in self._remembered:
                raise Violation(Rule.CONTRACT, f"{node} was never born, or is forgotten twice")
            self._remembered.remove(node)

    def _first_children(self, run: Run) -> Event | None:
        """A behaviour supervisor has no runnable: its node says at once with which children it begins."""
        if run.over:
            return None
        flags = self.policy(run.node).supervision
        if flags is not None and run.node not in self._plans:
            self._plans[run.node] = first_children(self.random, self._climate, flags, run.depth + 1)
        births = tuple(self.birth(name, policy, kept=True) for name, policy in self._plans[run.node])
        return Spawned(run.node, run.incarnation, Strategy.ONE_FOR_ONE, births, self.now)

    def _finish(self, action: Finished) -> None:
        run = self.runs[action.node]
        if run.over or run.incarnation != action.incarnation:
            raise Violation(Rule.CONTRACT, f"{action} concerns nothing that runs")
        run.over = True
        self.past.append((run.node, run.incarnation))

    def _lag(self) -> float:
        """Seconds until another thread has heard of something."""
        dice = self.random.random()
        if dice < 0.6:  # noqa: PLR2004
            return 0.0
        return dice * 0.002 if dice < 0.97 else dice * self.random.choice((0.05, 0.5, 2.0))  # noqa: PLR2004

    def _lateness(self) -> float:
        return 0.0 if self.random.random() < 0.8 else self.random.random() * 0.02  # noqa: PLR2004

    # --- what the runnables do ----------------------------------------------------------------------------------------

    def _begin(self, run: Run) -> None:
        if run.over:
            return
        if self.mood is Mood.STORM and self.random.random() < 0.01:  # noqa: PLR2004 - "can't start new thread"
            self.end(run, End.RAISED)
            return
        # A root that keeps dying leaves nobody the time to do anything else.
        habit = self._habits.setdefault(run.node, self.random.choice(_HABITS if run.depth else _HABITS_OF_ROOTS))
        room = self.room(self._climate)
        if run.kept:
            first = run.incarnation == 1
            run.script = child_script(self.random, self.mood, self._climate, habit=habit, first=first, room=room)
        else:
            run.script = script(self.random, self.mood, self._climate, habit=habit, depth=run.depth, room=room)
        self._go_on(run)
        if run.told:
            self._react(run)

    def _go_on(self, run: Run) -> None:
        if run.script is not None and run.step < len(run.script.deeds):
            self.schedule.after(run.script.deeds[run.step][0], self._act, run)

    def _act(self, run: Run) -> None:
        if run.over or run.script is None or run.step >= len(run.script.deeds):
            return
        deed = run.script.deeds[run.step][1]
        run.step += 1
        if isinstance(deed, Finish):
            if self.mood is not Mood.CALM and not (deed.end is End.IGNORED and run.healthy):
                self.end(run, deed.end)
            return
        self._go_on(run)
        if isinstance(deed, Say):
            run.healthy = run.healthy or deed.signal is Signal.HEALTHY
            self._send(run, Signaled(run.node, run.incarnation, deed.signal, self.now))
        else:
            births = tuple(self.birth(name, policy) for name, policy in deed.children)
            self._send(run, Spawned(run.node, run.incarnation, deed.strategy, births, self.now))

    def end(self, run: Run, end: End) -> None:
        """`run` comes to its end, and the decision will hear of it."""
        run.over = True
        self.past.append((run.node, run.incarnation))
        error = "ValueError: no" if end is End.RAISED else None
        draw = self.random.random()
        self._send(run, Ended(run.node, run.incarnation, end, self.now, draw, error, error and "Traceback"))
        if run.kept and self.witness is not None and self.random.random() < 0.1:  # noqa: PLR2004
            self.schedule.at(run.heard, self.witness, run.dn)

    def _send(self, run: Run, event: Event) -> None:
        run.heard = max(run.heard, self.now + self._lag())
        self.schedule.at(run.heard, _arrive, event)

    def _tell(self, run: Run) -> None:
        run.told = True
        if self.policy(run.node).supervision is not None:
            run.heard = self.now
            if not run.over:
                self.end(run, End.LEFT)
        elif run.script is not None:
            self._react(run)

    def _react(self, run: Run) -> None:
        if run.over or run.script is None:
            return
        if run.script.reaction is not None or self.mood is not Mood.STORM:
            seconds = run.script.reaction if run.script.reaction is not None and self.mood is Mood.STORM else 0.001
            self.schedule.after(seconds, self._leave, run)
        elif self.random.random() < 0.5:  # noqa: PLR2004 - half of the deaf end at last, by themselves
            self.schedule.after(self.random.expovariate(0.02), self._leave, run)

    def _leave(self, run: Run) -> None:
        if not run.over and run.script is not None:
            self.end(run, run.script.leaves)

    def _kill(self, run: Run) -> None:
        if not run.over:
            self.end(run, End.RAISED)

    def _expire(self, timer: int) -> Event | None:
        return Expired(timer, self.now) if self._timers.pop(timer, None) is not None else None

    # --- the mood -------------------------------------------------------------------------------------------------------

    def change_mood(self, mood: Mood) -> None:
        """From now on, runnables behave differently; with the storm over, nothing hangs any longer."""
        self.mood = mood
        if mood is Mood.STORM:
            return
        for run in self.running:
            if run.kept and not run.told and not run.healthy:
                run.script = Script(((0.01, Say(Signal.HEALTHY)),), 0.01, End.LEFT)
                run.step = 0
                self._go_on(run)
            elif run.told:
                self.schedule.after(self.random.random() * 0.1, self._leave, run)
            elif mood is Mood.HARVEST:
                run.script = Script(
                    ((0.01, Say(Signal.HEALTHY)), (0.01, Say(Signal.DONE)), (0.01, Finish(End.RETURNED))),
                    0.01,
                    End.LEFT,
                )
                run.step = 0
                self._go_on(run)


def _arrive(event: Event) -> Event:
    return event
