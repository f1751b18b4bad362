"""Writes a log tree to a file or a terminal: for people, or a JSON object a line for machines.

In a thread of its own, so that a full disk or a stopped terminal holds up nobody; what it misses meanwhile it counts, and
says so when it can write again.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from otp.logs.entry import LogEntry
    from otp.logs.tree import LogTree

__all__ = ["Form", "LogWriter", "as_json", "for_people"]

Form: TypeAlias = Literal["people", "json"]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What could move a cursor, end a line, forge a record or turn the direction of writing: C0 and C1, line and paragraph
separators, bidirectional controls. Tabs and newlines are dealt with by `for_people`."""


class LogWriter:
    """The thread that writes the records of `tree` to `file`, from its start until the tree ends."""

    def __init__(self, tree: LogTree, file: TextIO, *, form: Form = "people") -> None:
        """Of all records that the tree has kept, and all to come."""
        self._stream = tree.stream(backlog=None, level="DEBUG")
        self._file = file
        self._form: Callable[[LogEntry], str] = as_json if form == "json" else for_people
        self._told = 0
        self.unread = False
        """The file is a pipe, and nobody is at its other end any more."""
        self._thread = threading.Thread(target=self._run, name="otp: log writer", daemon=True)

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Write what has come so far and no more, for at most `timeout` seconds."""
        self._stream.end()
        self._thread.join(timeout)

    def _run(self) -> None:
        for entry in self._stream:
            self._write(self._form(entry))
            if self._stream.missed > self._told:
                missed = self._stream.missed - self._told
                self._told += missed
                self._write(f"otp: {missed} log records were lost here: writing them took too long\n")

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except BrokenPipeError:
            self.unread = True
        except (OSError, ValueError):
            pass  # a full disk, a closed file; there is nowhere to complain to


def for_people(entry: LogEntry) -> str:
    """A line with time, level, DN and message; further lines of it are indented, so that no text can forge a record."""
    seconds = time.strftime("%H:%M:%S", time.localtime(entry.time))
    first, *others = escape(entry.message).split("\n")
    first = first.removeprefix(f"{entry.dn} ")  # what happens to a node says itself to which
    if entry.traceback is not None:
        others.extend(escape(entry.traceback).split("\n"))
    head = f"{seconds}.{int(entry.time % 1 * 1000):03} {entry.level:<8} {entry.dn} "
    if entry.raw:
        head += "| "
    return "".join([head, first, "\n", *(f"    {line}\n" for line in others)])


def escape(text: str) -> str:
    """`text` with control characters shown instead of obeyed; newlines and tabs stay."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def as_json(entry: LogEntry) -> str:
    """One line, whatever the texts are."""
    record: dict[str, object] = {
        "time": entry.time,
        "level": entry.level,
        "dn": entry.dn,
        "incarnation": entry.incarnation,
        "message": entry.message,
        "source": entry.source,
        "thread": entry.thread,
        "traceback": entry.traceback,
        "raw": entry.raw,
        "extra": dict(entry.extra),
    }
    if entry.report is not None:
        record["report"] = {"kind": entry.report.kind, **asdict(entry.report)}
    return json.dumps(record) + "\n"
