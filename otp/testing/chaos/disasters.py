"""Faults of the machine and of the program around a tree: a sink that blocks, and no thread left."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from loguru import logger

from otp.backends.unwaited import UnwaitedThread

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Disasters"]


class Disasters:
    """Each lasts until a moment on `time.monotonic`."""

    def __init__(self) -> None:
        """None yet."""
        self._sink_opens = 0.0
        self._threads_return = 0.0
        self._never = threading.Event()
        self.refused = 0
        """Starts of threads that failed."""

    @contextmanager
    def possible(self) -> Generator[None]:
        """For as long as the block lasts, a sink of the log is ours, and so is the start of the backends' threads."""
        start = UnwaitedThread.start

        def refusing(thread: UnwaitedThread) -> None:
            if time.monotonic() < self._threads_return:
                self.refused += 1
                msg = "can't start new thread"
                raise RuntimeError(msg)
            start(thread)

        sink = logger.add(self._write, format="{message}")
        try:
            with patch.object(UnwaitedThread, "start", refusing):
                yield
        finally:
            logger.remove(sink)

    def block_sink(self, seconds: float) -> None:
        """Who logs has to wait."""
        self._sink_opens = time.monotonic() + seconds

    def take_threads(self, seconds: float) -> None:
        """No thread can be started."""
        self._threads_return = time.monotonic() + seconds

    def _write(self, message: str) -> None:
        del message
        left = self._sink_opens - time.monotonic()
        if left > 0:
            self._never.wait(left)
