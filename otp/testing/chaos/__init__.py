"""Chaos on the real engine: threads, coroutines and time as they are, and faults from a seed.

    plan        what a tree is to look like
    fault       what can be done to it
    runnables   what runs in it, and commits faults when it is ordered to
    servers     those of them that answer calls, below behaviour supervisors
    callers     who calls them all the while
    evidence    what the runnables know: who runs, who was canceled
    disasters   a sink that blocks, a machine without threads
    recorder    writes down what the root supervisor handled
    watcher     reads the events of the system; `fold` makes a tree of them, `story` compares them
    review      holds the recording to the rules, by the observers of the simulation
    rounds      a fresh system each, in which all that happens
    herd        a thousand nodes that fail at once
    report      the figures

The command is `python -m otp.testing.chaos`. The simulation finds what is wrong in the decision, and does so a hundred times
as fast; this finds what is wrong in how it is carried out.
"""

from __future__ import annotations

from otp.testing.chaos.herd import Herd, stampede
from otp.testing.chaos.report import Report, percentile
from otp.testing.chaos.rounds import Settings, chaos

__all__ = ["Herd", "Report", "Settings", "chaos", "percentile", "stampede"]
