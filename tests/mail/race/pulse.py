"""When the machine has given this process no time: what is late because of that is not late by its own fault."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

_BEAT = 0.005
_MISSED = 0.015
"""Seconds between two beats, beyond which there has been a pause."""


class Pulse:
    """A thread that does nothing but wake up. It notes when it could not, and how much of that time nobody here used."""

    def __init__(self) -> None:
        self._pauses: list[tuple[float, float, float]] = []
        """From, to, and the seconds in between in which the process did not run."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    @contextmanager
    def beating(self):
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    def stolen(self, since: float, until: float) -> float:
        """Seconds of that time, of `time.monotonic`, in which the process would have run and did not."""
        return sum(lost for begin, end, lost in self._pauses if begin < until and end > since)

    def _beat(self) -> None:
        began, used = time.monotonic(), time.process_time()
        while not self._over.wait(_BEAT):
            now, cpu = time.monotonic(), time.process_time()
            if now - began > _MISSED:
                self._pauses.append((began, now, max(0.0, now - began - (cpu - used))))
            began, used = now, cpu
