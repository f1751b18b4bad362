"""The rules by name, and what is raised when one of them is broken."""

from __future__ import annotations

import enum

__all__ = ["Rule", "Violation"]


class Rule(enum.StrEnum):
    """What the decision is held to."""

    R1 = "R1"
    """A group is started as a whole and in order, below a NEW node, or not at all."""
    R2 = "R2"
    """HEALTHY only from NEW."""
    R3 = "R3"
    """DONE when the runnable returns after it has signaled DONE, which it does once and after HEALTHY."""
    R4 = "R4"
    """What ends after a cancel is CANCELED, however it ends."""
    R5 = "R5"
    """Any other end is a death, and cancels the subtree and the group."""
    R6 = "R6"
    """What has been canceled or is dead starts again, once its subtree has ended and if its parent is live."""
    R7 = "R7"
    """No member of a group starts anew before all that must have ended."""
    R8 = "R8"
    """The dead wait for their backoff; the canceled do not."""
    R9 = "R9"
    """When the backoff falls back to its beginning."""
    R10 = "R10"
    """Nothing that an earlier incarnation says has an effect."""
    R11 = "R11"
    """At most one incarnation of a node runs."""
    R12 = "R12"
    """What does not end in time is killed or reported as stuck, at its deadline and together."""
    R14 = "R14"
    """The stop of the tree is in order, and nothing starts in it."""
    R15 = "R15"
    """The tree ends by itself when all is DONE."""
    O1 = "O1"
    O2 = "O2"
    O3 = "O3"
    O4 = "O4"
    O5 = "O5"
    O6 = "O6"
    O7 = "O7"
    O8 = "O8"
    O9 = "O9"
    O10 = "O10"
    O11 = "O11"
    O12 = "O12"
    O13 = "O13"
    O14 = "O14"
    O15 = "O15"
    O16 = "O16"
    O17 = "O17"
    O18 = "O18"
    """Those of behaviour supervisors stand in a table in `otp.testing.simulation.supervision`."""
    ISOLATION = "isolation"
    """What has nothing to do with an event is not touched by it (I4)."""
    LIVENESS = "liveness"
    """What must happen does (I5)."""
    RESTART_TYPE = "restart type"
    """TEMPORARY nodes never start again, and leave the tree."""
    REQUEST = "request"
    """A restart that is asked for concerns that node alone, and does not wait."""
    PROPAGATE = "propagate"
    """The first death stops the tree."""
    TIMERS = "timers"
    """There is a timer for each moment that is waited for, and for no other."""
    COUNTS = "counts"
    """The tree's own bookkeeping is right."""
    CONTRACT = "contract"
    """What `decide` promises of itself: it never raises, always comes to the same, and names what there is."""


class Violation(AssertionError):  # noqa: N818 - it reads as what it is: a rule was broken
    """The decision has broken a rule.

    Attributes:
        rule: Which one.
    """

    def __init__(self, rule: Rule, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
