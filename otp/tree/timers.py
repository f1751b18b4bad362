"""The timers that the decision has armed, by the moment they come due. Used by the root supervisor only."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

__all__ = ["Timers"]


class Timers:
    """Timers by number. Disarming is free; what it leaves behind in the heap is cleared away now and then."""

    def __init__(self) -> None:
        """No timers."""
        self._armed: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def arm(self, timer: int, at: float) -> None:
        """`timer` comes due at `at`."""
        self._armed[timer] = at
        heappush(self._heap, (at, timer))

    def disarm(self, timer: int) -> None:
        """`timer` does not come due any more."""
        del self._armed[timer]
        # 64 spares a small tree the effort; beyond it at most half of the heap is dead, and each sweep is paid for.
        if len(self._heap) > 64 + 2 * len(self._armed):
            self._heap = [(at, number) for number, at in self._armed.items()]
            heapify(self._heap)

    def next(self) -> float | None:
        """When the first timer comes due."""
        while self._heap and self._heap[0][1] not in self._armed:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> int | None:
        """Take the first timer that is due by `now`."""
        first = self.next()
        if first is None or first > now:
            return None
        _, timer = heappop(self._heap)
        del self._armed[timer]
        return timer
