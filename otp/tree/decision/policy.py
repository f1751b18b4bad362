"""What a child is promised: when it is started again, how soon, and how long it may take to end.

Plain data, written by the user through `otp.run` and `otp.Child`, read by the decision. A policy is checked where it is
written, so the decision never meets a bad one.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

__all__ = ["BRUTAL_KILL", "AutoShutdown", "Backoff", "BrutalKill", "Policy", "Restart", "Strategy", "Supervision"]


class Restart(enum.StrEnum):
    """After which ends a child is started again (the restart types of `supervisor(3)`)."""

    PERMANENT = "permanent"
    """After every end; a return without DONE is a death."""
    TRANSIENT = "transient"
    """After an abnormal end only; a plain return is DONE."""
    TEMPORARY = "temporary"
    """Never, not even when its group starts anew: it is removed from the tree."""


class Strategy(enum.StrEnum):
    """Whom the death of a group's member takes along (the strategies of `supervisor(3)`)."""

    ONE_FOR_ONE = "one_for_one"
    """Nobody."""
    ONE_FOR_ALL = "one_for_all"
    """All other members."""
    REST_FOR_ONE = "rest_for_one"
    """The members that were started after it; they follow it, in order, when it starts again."""


class AutoShutdown(enum.StrEnum):
    """Whether a behaviour supervisor ends when significant children have ended by themselves."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    """As soon as one of them has."""
    ALL_SIGNIFICANT = "all_significant"
    """As soon as one of them has and no other is left."""


class BrutalKill(enum.Enum):
    """The type of `BRUTAL_KILL`."""

    BRUTAL_KILL = "brutal_kill"


BRUTAL_KILL: Final = BrutalKill.BRUTAL_KILL
"""As `shutdown`: do not wait at all. What can be killed is killed; a thread counts as stuck at once."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a dead node waits before its next incarnation: exponential, capped, with jitter.

    The defaults are those of Monogon's Go supervisor, except that it never gives up.

    Raises:
        ValueError: when a number makes no sense; `TypeError` when it is none.
    """

    initial: float = 0.5
    """Seconds before the first restart."""
    multiplier: float = 1.5
    """What each further death multiplies the wait with; at least 1."""
    maximum: float = 60.0
    """Seconds above which the wait does not grow. Jitter is applied after it."""
    jitter: float = 0.5
    """The share of the wait that is random: 0.5 spreads it evenly over 50 % to 150 %."""
    reset_after: float = 0.0
    """Seconds a node must have been healthy for its next death to count as the first one again; at 0 the HEALTHY signal
    is enough."""

    def __post_init__(self) -> None:
        names = ("initial", "multiplier", "maximum", "jitter", "reset_after")
        for name in names:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                msg = f"Backoff({name}=...) takes a number, not {type(value).__name__}"
                raise TypeError(msg)
            if not math.isfinite(value) or value < 0:
                msg = f"Backoff({name}={value!r}) must be finite and not negative"
                raise ValueError(msg)
        if self.multiplier < 1:
            msg = f"Backoff(multiplier={self.multiplier!r}) must be at least 1: waits never shrink"
            raise ValueError(msg)
        if self.jitter > 1:
            msg = f"Backoff(jitter={self.jitter!r}) must be between 0 and 1"
            raise ValueError(msg)
        for name in names:  # the arithmetic is done in the loop of the tree: none of the user's in it
            object.__setattr__(self, name, float(getattr(self, name)))

    def delay(self, failures: int, draw: float) -> float:
        """The wait in seconds after `failures` earlier deaths in a row, for a random `draw` from [0, 1)."""
        try:
            wait = min(self.initial * self.multiplier**failures, self.maximum)
        except OverflowError:  # 1.5 ** 1751 is no float any more, and a node may die that often
            wait = self.maximum if self.initial else 0.0
        return wait * (1 + self.jitter * (2 * draw - 1))


@dataclass(frozen=True, slots=True)
class Supervision:
    """How a behaviour supervisor keeps its children."""

    strategy: Strategy = Strategy.ONE_FOR_ONE
    max_restarts: int = 3
    """It gives up at one restart more than this within `max_seconds`; 0: at the first crash."""
    max_seconds: float = 5.0
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    dynamic: bool = False
    """Its children come and go, each for itself: none is kept after its end, and all are stopped at once."""
    max_children: int | None = None
    """Of a dynamic one: how many it has at most; `None`: any number."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that the decision has to know about a child. Built by `otp.Child`, which checks it."""

    restart: Restart = Restart.PERMANENT
    shutdown: float | None = 5.0
    """Seconds from cancel until the node is stuck; `None`: it may take for ever; 0: it is stuck at once."""
    backoff: Backoff = Backoff()
    significant: bool = False
    """Whether its end by itself may end the behaviour supervisor above it."""
    start_timeout: float | None = 60.0
    """Seconds until HEALTHY, where something waits for it."""
    killable: bool = False
    """Whether its backend can end it by force; otherwise it is reported as stuck."""
    supervision: Supervision | None = None
    """Given: the node is a behaviour supervisor, without a runnable of its own."""
