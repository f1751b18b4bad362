"""Threads that are started without waiting for them to run.

`threading.Thread.start` waits until the new thread has got hold of the GIL once. Beside four busy threads that takes 34 to
62 ms, for each thread that is started; the loop of the tree cannot wait for that.
"""

from __future__ import annotations

import threading

__all__ = ["UnwaitedThread"]


class UnwaitedThread(threading.Thread):
    """A daemon thread whose `start` returns at once.

    Until it runs, `is_alive` says False and `join` raises `RuntimeError`.
    """

    _started: threading.Event  # pyright: ignore[reportUninitializedInstanceVariable] - `Thread` makes one too

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        # The one thing `Thread.start` waits for. Should a later Python do it in another way, this does no harm.
        self._started = _Unwaited()
        self.daemon = True
        super().start()


class _Unwaited(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return self.is_set()
