"""Whether this process is a fork of the one that something was made in.

A forked process has only the thread that forked: no loop of a tree, no event loop, and locks that may stay taken for ever.
"""

from __future__ import annotations

import os

__all__ = ["generation"]

_generation = 0


def generation() -> int:
    """How many forks this process is away from the one that imported this; it differs in each."""
    return _generation


def _count() -> None:
    global _generation  # noqa: PLW0603 - a process has one such number
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count)
