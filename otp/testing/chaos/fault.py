"""What can be done to a tree, and how often which of it is."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

__all__ = ["FATAL", "FROM_OUTSIDE", "WEIGHTS", "Fault", "Order"]


class Fault(enum.StrEnum):
    """The kinds of faults."""

    RAISE = "raise"
    RETURN = "return"
    EXIT = "SystemExit"
    INTERRUPT = "KeyboardInterrupt"
    ILLEGAL = "illegal signal"
    SPAWN = "spawn storm"
    """It dies, and its next incarnation starts many children that end at once."""
    HANG = "hang"
    """It is restarted from outside, and ends only after its deadline."""
    BLOCKED_LOOP = "blocked event loop"
    RESTART = "restart"
    """From outside, while it runs as it should."""
    BLOCKED_SINK = "blocked sink"
    """A sink of the log blocks for a while, with everybody who logs."""
    NO_THREADS = "thread exhaustion"
    """No thread can be started for a while."""


FROM_OUTSIDE: Final = frozenset({Fault.RESTART, Fault.BLOCKED_SINK, Fault.NO_THREADS})
"""Those that no runnable commits."""
FATAL: Final = frozenset(
    {Fault.RAISE, Fault.RETURN, Fault.EXIT, Fault.INTERRUPT, Fault.ILLEGAL, Fault.SPAWN, Fault.HANG, Fault.RESTART}
)
"""Those after which the node that was chosen has to start again."""
WEIGHTS: Final = {
    Fault.RAISE: 30.0,
    Fault.RETURN: 15.0,
    Fault.EXIT: 8.0,
    Fault.INTERRUPT: 6.0,
    Fault.ILLEGAL: 10.0,
    Fault.SPAWN: 2.0,
    Fault.HANG: 6.0,
    Fault.BLOCKED_LOOP: 3.0,
    Fault.RESTART: 18.0,
    Fault.BLOCKED_SINK: 1.0,
    Fault.NO_THREADS: 1.0,
}


@dataclass(frozen=True, slots=True)
class Order:
    """A fault for one runnable to commit, with all that is left to chance about it."""

    fault: Fault
    seconds: float = 0.0
    """How long it takes, where it takes time."""
