"""What a process has that can be left behind: threads, file descriptors, child processes.

Taken before a tree is started and again after it has stopped; what is new is named. Descriptors and processes are read
from `/proc`, so that elsewhere only threads are seen.
"""

from __future__ import annotations

import gc
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otp.tree.rendering import stack_of_thread

__all__ = ["Belongings"]

_PATIENCE: Final = 1.0
"""Seconds for threads that have been told to end."""
_PROC: Final = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the process has at one moment."""

    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]
    """Number, and what it is open to."""
    processes: frozenset[int]

    @classmethod
    def now(cls) -> Belongings:
        """Have a look."""
        return cls(frozenset(threading.enumerate()), frozenset(_descriptors()), frozenset(_children()))

    def left_behind(self) -> list[str]:
        """What is there beyond these, one text for each; threads that are ending are waited for."""
        until = time.monotonic() + _PATIENCE
        for thread in self._new_threads():
            thread.join(max(0.0, until - time.monotonic()))
        texts = [f"thread {each.name!r}:\n{stack_of_thread(each.ident)}" for each in self._new_threads()]
        if set(_descriptors()) - self.descriptors:
            gc.collect()  # a socket in a cycle is nobody's any more, though it is open
        texts += [f"file descriptor {fd} ({target})" for fd, target in sorted(set(_descriptors()) - self.descriptors)]
        texts += [f"process {pid} ({_command(pid)})" for pid in sorted(set(_children()) - self.processes)]
        return texts

    def _new_threads(self) -> list[threading.Thread]:
        mine = threading.current_thread()
        return [each for each in threading.enumerate() if each not in self.threads and each is not mine]


def _descriptors() -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    with suppress(OSError):
        for entry in (_PROC / "fd").iterdir():
            with suppress(OSError):  # the one that the listing itself had open
                found.append((int(entry.name), str(entry.readlink())))
    return found


def _children() -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in (_PROC / "task").iterdir():
            with suppress(OSError):  # the thread has ended meanwhile
                found += map(int, (task / "children").read_text().split())
    return found


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    return " ".join(words).strip() or "ended, but nobody has waited for it"
