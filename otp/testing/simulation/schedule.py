"""The virtual clock and everything that is still to happen: the only place where time passes in a simulation."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.tree.decision.messages import Event

__all__ = ["Happening", "Schedule"]

_TICKS: Final = 2**20
"""Per second."""

Happening: TypeAlias = "Callable[..., Event | None]"
"""Something that happens in the world; what it returns is an event for the decision."""


class Schedule:
    """Happenings by the moment at which they are due; at the same moment, first come, first served."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the beginning of the simulation."""
        self._heap: list[tuple[float, int, Happening, tuple[object, ...]]] = []
        self._numbers = itertools.count()

    def at(self, moment: float, happening: Happening, *args: object) -> None:
        """Have `happening(*args)` called at `moment`."""
        moment = (
            math.ceil(moment * _TICKS) / _TICKS
        )  # so that times add up and are no longer, nor shorter, by a rounding
        heapq.heappush(self._heap, (moment, next(self._numbers), happening, args))

    def after(self, seconds: float, happening: Happening, *args: object) -> None:
        """Have `happening(*args)` called in `seconds`."""
        self.at(self.now + seconds, happening, *args)

    def next(self) -> Event | None:
        """Let time pass until an event comes to the decision; None: nothing is left that could bring one."""
        while self._heap:
            moment, _, happening, args = heapq.heappop(self._heap)
            self.now = max(self.now, moment)
            event = happening(*args)
            if event is not None:
                return event
        return None

    def clear(self) -> None:
        """Nothing of what was to happen will; the clock goes on."""
        self._heap.clear()
