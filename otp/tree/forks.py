"""Whether this process is a fork of the one that something was made in.

A forked process has only the thread that forked: no loop of a tree, no event loop, and locks that may stay taken for ever.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["generation", "when_this_thread_forks"]

_generation = 0
_thread = threading.local()


def generation() -> int:
    """How many forks this process is away from the one that imported this; it differs in each."""
    return _generation


def when_this_thread_forks(call: Callable[[], object]) -> None:
    """Have `call` called in a child that the calling thread forks, before anything else runs there."""
    _thread.call = call


def _forked() -> None:
    global _generation  # noqa: PLW0603 - a process has one such number
    _generation += 1
    call: Callable[[], object] | None = getattr(_thread, "call", None)
    if call is not None:
        call()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
