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

    _started: _Begun  # pyright: ignore[reportUninitializedInstanceVariable] - `Thread` makes one too

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        # The one thing `Thread.start` waits for. Should a later Python do it in another way, this does no harm.
        self._started = _Begun()
        self.daemon = True
        super().start()


class _Begun:
    """What `Thread` asks of an event, but for the wait; a real one takes 3 us to make and 2 to set."""

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return self._is_set

    def _at_fork_reinit(self) -> None:
        """In a forked child; there is no lock in it."""
