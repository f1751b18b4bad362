"""What one event must lead to, as far as the rules say: filled by `rules`, compared with the actions by `verdict`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otp.testing.simulation.violation import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.simulation.picture import Alarm, Picture, Seen
    from otp.tree.decision.messages import Action, Cause, Event, StopSupervisor, Verdict, Why
    from otp.tree.decision.model import NodeState

__all__ = ["Ending", "Reading", "Reply", "Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """A change of state that must be reported."""

    incarnation: int
    state: NodeState
    rule: Rule
    error: str | None = None
    traceback: object = None
    restart_at: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request."""

    verdict: Verdict
    rule: Rule
    child: int | None = None
    """The child that it must not name wrongly."""
    named: bool = False
    """It must name it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A behaviour supervisor has come to its end."""

    node: int
    incarnation: int
    why: Why
    child: tuple[int | None, str | None]
    """Because of which."""
    rule: Rule
    order: StopSupervisor | None = None
    """The request that it ends by."""


@dataclass(slots=True, eq=False)
class Reading:
    """The effects of one event."""

    picture: Picture
    event: Event | None
    """None when the tree is planted."""
    at: float
    actions: Sequence[Action] = ()
    """What it has led to: looked at where the rules leave a choice."""
    blame: Rule = Rule.ISOLATION
    """The rule that is broken by an effect that nothing here asks for."""
    starts: list[Seen] = field(default_factory=list)
    """In the order in which they must come."""
    reasons: dict[int, Rule] = field(default_factory=dict)
    """Of starts that a behaviour supervisor orders: the rule that asks for it, by node."""
    said: dict[int, list[Said]] = field(default_factory=dict)
    """By node, in the order in which they must come."""
    cancels: dict[tuple[int, int], Rule] = field(default_factory=dict)
    """By node and incarnation: the rule that asks for it."""
    cancelings: list[tuple[frozenset[str], Cause, str]] = field(default_factory=list)
    tops: set[str] = field(default_factory=set)
    """Whom behaviour supervisors cancel; how many reports that makes is not said."""
    kills: set[tuple[int, int]] = field(default_factory=set)
    stuck: set[frozenset[tuple[int, str, int]]] = field(default_factory=set)
    """One report for each deadline that has passed."""
    armed: list[Alarm] = field(default_factory=list)
    disarmed: list[Alarm] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    removed: list[tuple[str, int]] = field(default_factory=list)
    spared: list[tuple[str, int]] = field(default_factory=list)
    """Whose removal may be reported or not."""
    answers: dict[int, Reply] = field(default_factory=dict)
    """By request."""
    endings: list[Ending] = field(default_factory=list)
    stopping: bool = False
    stopped: frozenset[str] | None = None
    """The DNs of what still runs, if the tree has stopped by this event."""
