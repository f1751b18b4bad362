"""Behaviour supervisors once more, as OTP's `supervisor(3)` and Elixir's `DynamicSupervisor` describe them: the oracle.

    specs        what a supervisor knows of its children, and what it finds in its mail
    life         its life, as the one process that it is in OTP
    children     starting and stopping a child
    strategies   what comes of the end of a child
    requests     what is asked from outside, and the answers
    household    all supervisors of a tree, whenever something has happened
    verdict      compares answers, ends and queries with what they must be
    habits       draws supervisors and what their children do
    callers      what is asked of them

Nothing of this is shared with the decision but its messages and policies. The rules, by the names of violations:

    O1   children start in order, each once the one before it has started; then the supervisor is HEALTHY
    O2   when one of the first children does not start, the others are stopped and the supervisor ends: START_FAILED
    O3   children stop in reverse, one at a time, each from its innermost last; those of a dynamic supervisor all at once
    O4   PERMANENT children are restarted after any end, TRANSIENT after an abnormal one, TEMPORARY never: they are removed
    O5   a restart takes along whom the strategy says, starts anew what had been stopped, and waits for all old ones to end
    O6   more than `max_restarts` within `max_seconds`, both inclusive, end the supervisor: INTENSITY
    O7   a restart that fails is tried again after what was in the mail, and counts; the supervisor serves meanwhile
    O8   significant children that end by themselves end the supervisor as `auto_shutdown` says: AUTO_SHUTDOWN
    O9   answers say what is
    O10  each request is answered once; NO_PROCESS where the supervisor is not there or ends before
    O11  a request does what it says, in its turn, and nothing else; it never counts as a restart
    O12  a child that is not HEALTHY within `start_timeout` has not started, and is stopped
    O13  a dynamic supervisor has no more than `max_children`, and keeps none that has ended
    O14  an ended supervisor has no children and starts none; to whoever is above it, it is DEAD by a clean reason
    O15  what has no specification any more is forgotten once it has ended, and nothing else is
    O16  a child whose restart is asked for alone is started again, and that is not counted
    O17  which_children and count_children say what is
    O18  a supervisor that is asked to end does so in its turn, after its children, and by the reason that it was given
"""

from __future__ import annotations

from otp.testing.simulation.supervision.household import go_on, requested

__all__ = ["go_on", "requested"]
