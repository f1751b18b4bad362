"""Holds what was recorded to the rules.

Every event is given to `decide` again, on a fresh tree, and observers that know the rules compare what it leads to: the
same as it did then, and nothing but what the rules ask for. Then the books are balanced: each start against its one end,
and what the decision ordered against what the runnables say.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from otp.testing.simulation import Observer, Planted, Violation, recount, render
from otp.tree.decision import decide, plant
from otp.tree.decision.messages import Cancel, Changed, Ended, Finish, Signaled, Spawned, Start, StopRequested, Stuck
from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.chaos.evidence import Evidence
    from otp.testing.simulation import Entry
    from otp.tree.decision.messages import Action, Birth
    from otp.tree.decision.model import Tree

__all__ = ["balance", "rehearse"]

_RECOUNT_EVERY: Final = 200
_SHOWN: Final = 12
"""Entries that a violation shows before the one that broke a rule."""
_IMPATIENT: Final = 0.5
"""Deadlines below that many seconds are missed by who was told to, and by who waits behind a blocked event loop."""


def rehearse(entries: Sequence[Entry], calm: int | None) -> list[str]:
    """The rules that are broken by `entries`: none, or the first. After `calm` of them, all was well again."""
    tree: Tree | None = None
    observer: Observer | None = None
    for number, entry in enumerate(entries):
        cause = entry.cause
        try:
            if isinstance(cause, Planted):
                observer = Observer(cause.root, propagate=cause.propagate)
                tree, actions = plant(cause.root, cause.at, propagate=cause.propagate)
                observer.planted(actions, cause.at)
            elif tree is None or observer is None:
                return ["contract: the recording does not begin with a tree"]
            else:
                tree, actions = decide(tree, cause)
                observer.see(cause, [_without_account(action) for action in actions])
            if tuple(actions) != tuple(entry.actions):
                return [f"contract: {cause} led to {entry.actions}, and in the rehearsal to {actions}"]
            if number % _RECOUNT_EVERY == 0 or number + 1 == len(entries):
                recount(tree, observer.picture)
            if number + 1 == calm:
                observer.quiet()
        except Violation as broken:
            return [f"{broken}\n{render(entries[max(0, number - _SHOWN) : number + 1])}"]
    return []


def _without_account(action: Action) -> Action:
    """What there is to tell of an end that is no failure is for those who read it; the rules do not say."""
    if isinstance(action, Changed) and action.state is NodeState.DONE and action.traceback is not None:
        return replace(action, traceback=None)
    return action


def balance(entries: Sequence[Entry], evidence: Evidence) -> list[str]:
    """What does not add up between the decision, the events that it was told, and the runnables' own evidence."""
    books = _Books()
    for entry in entries:
        books.enter(entry)
    return [*books.problems, *books.unended(), *books.unfounded(evidence)]


class _Books:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self._births: dict[int, tuple[str, Birth]] = {}
        self._started: Counter[tuple[int, int]] = Counter()
        self._ended: Counter[tuple[int, int]] = Counter()
        self._canceled: Counter[tuple[int, int]] = Counter()
        self._hurried = False

    def enter(self, entry: Entry) -> None:
        cause = entry.cause
        if isinstance(cause, Planted):
            self._births[cause.root.node] = (cause.root.name, cause.root)
        elif isinstance(cause, (Ended, Signaled, Spawned)):
            self._enter_lifecycle(cause)
        elif isinstance(cause, StopRequested):
            self._hurried = self._hurried or cause.timeout is not None
        for action in entry.actions:
            if isinstance(action, Start):
                self._started[action.node, action.incarnation] += 1
            elif isinstance(action, Finish):  # a behaviour supervisor has nothing that could tell its end
                self._ended[action.node, action.incarnation] += 1
            elif isinstance(action, Cancel):
                self._canceled[action.node, action.incarnation] += 1
            elif isinstance(action, Stuck) and not self._hurried:
                self.problems += [
                    f"R12: {dn} {incarnation} is stuck although nobody told it to hang"
                    for node, dn, incarnation in action.nodes
                    if (self._births[node][1].policy.shutdown or 0.0) >= _IMPATIENT
                ]

    def _enter_lifecycle(self, event: Ended | Signaled | Spawned) -> None:
        key = event.node, event.incarnation
        kind = type(event).__name__
        if not self._started[key]:
            self.problems.append(f"contract: {kind} of {self._name(key)}, which was not started")
        if self._ended[key]:
            self.problems.append(f"R10: {kind} of {self._name(key)} after its end")
        if isinstance(event, Ended):
            self._ended[key] += 1
        elif isinstance(event, Spawned):
            above = self._births[event.node][0]
            for birth in event.births:
                self._births[birth.node] = (f"{above}.{birth.name}", birth)

    def unended(self) -> list[str]:
        """Starts of which no end was told, although all have ended."""
        return [f"I5: the end of {self._name(key)} was never told" for key in self._started if not self._ended[key]]

    def unfounded(self, evidence: Evidence) -> list[str]:
        """What the runnables say and the decision did not order."""
        return [
            *self._more("begun", evidence.begun, "started", self._started),
            *self._more("canceled", evidence.told, "canceled", self._canceled),
        ]

    def _more(
        self, done: str, runs: Counter[tuple[str, int]], order: str, orders: Counter[tuple[int, int]]
    ) -> list[str]:
        ordered: Counter[tuple[str, int]] = Counter()
        for (node, incarnation), count in orders.items():
            ordered[self._births[node][0], incarnation] += count
        return [
            f"isolation: {dn} {incarnation} has {done} {count} times, but was {order} {ordered[dn, incarnation]} times"
            for (dn, incarnation), count in runs.items()
            if count > ordered[dn, incarnation]
        ]

    def _name(self, key: tuple[int, int]) -> str:
        node, incarnation = key
        return f"{self._births[node][0] if node in self._births else f'node {node}'} {incarnation}"
