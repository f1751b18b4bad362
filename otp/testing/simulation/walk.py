"""The order in which what is stopped has to end: the last started first, children before their parent, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from otp.testing.simulation.picture import Alarm, Purpose
from otp.testing.simulation.rules import condemn
from otp.testing.simulation.violation import Rule
from otp.tree.decision.messages import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otp.testing.simulation.picture import Seen
    from otp.testing.simulation.reading import Reading

__all__ = ["Walk", "fronts", "reach"]


def fronts(node: Seen, come_to: Callable[[Seen], None]) -> list[Seen]:
    """Whose turn it is, from `node` on: one, or several below a dynamic supervisor; none if all have ended or are stuck.

    `come_to` is called with each node that the order has come to.
    """
    come_to(node)
    if node.life is not None:  # a supervisor ends first what it is about
        found = [front for top in node.life.awaited() for front in fronts(top, come_to)]
        if found:
            return found
    flags = node.policy.supervision
    if flags is not None and flags.dynamic:
        found = [front for child in node.children() for front in fronts(child, come_to)]
        if found:
            return found
    else:
        for child in reversed(list(node.children())):
            found = fronts(child, come_to)
            if found:
                return found
    return [node] if node.runs and not node.late else []


@dataclass(slots=True, eq=False)
class Walk:
    """A behaviour supervisor stops children, side by side; each of them stops what is below it as the order comes to it."""

    tops: Sequence[Seen]
    rule: Rule
    """The one that asks for it."""
    by: str
    over: bool = False

    def go_on(self, reading: Reading) -> bool:
        """Cancel whose turn it is. Whether there was anything to do."""
        moved = False
        while not self.over:
            turns = [front for top in self.tops for front in fronts(top, partial(reach, reading))]
            if any(not front.condemned for front in turns):
                for front in turns:
                    condemn(reading, [front], Cause.STOP, self.by, supervised=self.rule)
                moved = True
            elif turns:
                break
            else:
                self.over = moved = True
        return moved


def reach(reading: Reading, node: Seen) -> None:
    """From now on nothing is started below `node`; a supervisor has its `shutdown` for all that is below it."""
    if node.stopping:
        return
    node.stopping = True
    if node.life is not None and node.runs and not node.condemned and node.policy.shutdown is not None:
        node.term = Alarm(Purpose.TERM, reading.at + node.policy.shutdown, Rule.O3, [node])
        reading.armed.append(node.term)
    if node.life is not None:
        node.life.freeze()
    for child in node.children():
        if child.wait is not None:
            child.wait.loose = True
            child.wait = None
