"""What has happened, event by event: enough to do it all again without the world."""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otp.testing.simulation.violation import Rule, Violation
from otp.tree.decision import decide, plant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otp.tree.decision.messages import Action, Birth, Event
    from otp.tree.decision.model import Tree

__all__ = ["Entry", "Planted", "Trace", "render", "replay"]


@dataclass(frozen=True, slots=True)
class Planted:
    """A tree was planted."""

    root: Birth
    at: float
    propagate: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a simulation."""

    number: int
    """How many events had come before."""
    now: float
    """The virtual clock, in seconds."""
    cause: Planted | Event
    actions: Sequence[Action]


class Trace:
    """The entries of a simulation; the last `length` of them, or all (`None`)."""

    def __init__(self, length: int | None) -> None:
        self.entries: deque[Entry] = deque(maxlen=length)

    def add(self, number: int, now: float, cause: Planted | Event, actions: Sequence[Action]) -> None:
        """Write down a step."""
        self.entries.append(Entry(number, now, cause, actions))


def render(entries: Iterable[Entry]) -> str:
    """Entries as text: the event on a line, each of its actions on another."""
    lines: list[str] = []
    for entry in entries:
        lines.append(f"#{entry.number} {entry.now:.6f} {entry.cause}")
        lines += [f"      {action}" for action in entry.actions]
    return "\n".join(lines)


def replay(entries: Iterable[Entry]) -> int:
    """Let the decision see the causes of a whole trace again. Returns how many there were.

    Raises:
        Violation: with the rule `contract`, when it comes to other actions.
    """
    tree: Tree | None = None
    count = 0
    for entry in entries:
        if isinstance(entry.cause, Planted):
            tree, actions = plant(entry.cause.root, entry.cause.at, propagate=entry.cause.propagate)
        elif tree is not None:
            tree, actions = decide(tree, deepcopy(entry.cause))
        else:
            continue
        count += 1
        if list(actions) != list(entry.actions):
            raise Violation(Rule.CONTRACT, f"#{entry.number} led to {entry.actions}, and now to {actions}")
    return count
