"""Reads the events of a system while it runs: folds them, and measures how long it takes to recover."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from otp.events import Died, Healthy
from otp.testing.chaos.fold import Fold, differences
from otp.testing.chaos.story import line

if TYPE_CHECKING:
    from otp.system import System
    from otp.testing.chaos.story import Line

__all__ = ["Watcher"]


class Watcher:
    """A thread with an event stream."""

    def __init__(self, system: System, supervisors: set[str]) -> None:
        """Of `system`, which has not been started; `supervisors` are the DNs of behaviour supervisors."""
        self._stream = system.events()
        self._fold = Fold(supervisors)
        self._lock = threading.Lock()
        self._pending: defaultdict[str, list[float]] = defaultdict(list)
        self._healthy_at: dict[str, float] = {}
        self.recoveries: list[float] = []
        """Seconds from a fault to the next HEALTHY of its node."""
        self.told: list[Line] = []
        self.deaths = 0
        self.last_healthy = 0.0
        """When a node became healthy last, in Unix seconds."""
        self.problem: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="chaos: watcher", daemon=True)
        self._thread.start()

    def expect(self, dn: str, at: float) -> None:
        """The node at `dn` must become healthy after `at`, in Unix seconds."""
        with self._lock:
            healthy_at = self._healthy_at.get(dn, 0.0)
            if healthy_at > at:  # the stream was quicker
                self.recoveries.append(healthy_at - at)
            else:
                self._pending[dn].append(at)

    def unrecovered(self) -> list[str]:
        """Who has not recovered yet."""
        with self._lock:
            return [dn for dn, moments in self._pending.items() if moments]

    def differences(self, system: System) -> list[str]:
        """Where events and snapshot differ at the moment; none when the tree is at rest and all has been read."""
        shown = system.tree()
        with self._lock:
            return differences(self._fold, shown.walk())

    def finish(self, system: System) -> list[str]:
        """The system has stopped: what is wrong with what it has told."""
        self._thread.join()
        if self.problem is not None:
            return [f"I15: the events do not fit each other: {self.problem!r}"]
        if self._stream.missed:
            return [f"I15: {self._stream.missed} events were missed by a reader that only counts"]
        return differences(self._fold, system.tree().walk())

    def _read(self) -> None:
        try:
            for event in self._stream:
                self.told.append(line(event))
                with self._lock:
                    self._fold.add(event)
                    if isinstance(event, Healthy):
                        self._recovered(event)
                    self.deaths += isinstance(event, Died)
        except BaseException as problem:  # noqa: BLE001 - a KeyError: of a node nothing was told before
            self.problem = problem

    def _recovered(self, event: Healthy) -> None:
        self._healthy_at[event.dn] = self.last_healthy = event.time
        moments = self._pending.pop(event.dn, [])
        later = [at for at in moments if at >= event.time]
        self.recoveries += [event.time - at for at in moments if at < event.time]
        if later:
            self._pending[event.dn] = later
