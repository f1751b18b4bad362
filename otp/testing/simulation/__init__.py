"""A seeded simulation of supervision trees, and observers that hold the decision to its rules.

    schedule     the virtual clock, and everything that is still to happen
    runnables    what fake runnables do: right, wrong, late or never
    world        carries out actions as threads would, knows the truth about who runs
    weather      faults, late calls and requests from outside
    picture      what an observer remembers of a tree
    reading      what an event must lead to: written by `rules` and `endings`, read by `verdict`
    supervision  all of that for behaviour supervisors, which have rules of their own
    observer     all of that for one tree; `recount` checks the tree's own counts
    simulation   trees from planting to their end, one after the other, from one seed
    trace        what has happened, to be read or done again

The command is `python -m otp.testing.simulate`.
"""

from __future__ import annotations

from otp.testing.simulation.observer import Observer
from otp.testing.simulation.recount import flat, recount
from otp.testing.simulation.simulation import SUPERVISED, Simulation
from otp.testing.simulation.trace import Entry, Planted, Trace, render, replay
from otp.testing.simulation.violation import Rule, Violation

__all__ = [
    "SUPERVISED",
    "Entry",
    "Observer",
    "Planted",
    "Rule",
    "Simulation",
    "Trace",
    "Violation",
    "flat",
    "recount",
    "render",
    "replay",
]
