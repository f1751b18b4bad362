"""The log tree: the newest records of each node, in memory, and streams of what comes.

Written to by `otp.logs.capture` from whatever thread a record comes from, read by users, by sinks and by the command
line. A lock is held for as long as it takes to append; the loop of the tree never logs, so it never waits for it.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from otp.logs.entry import severity
from otp.tree.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otp.logs.entry import LogEntry

__all__ = ["LogStream", "LogTree"]

_PER_NODE: Final = 8192
"""Records kept of one node, as Monogon's log tree keeps."""
_IN_ALL: Final = 100_000
"""Records kept of all nodes: about 50 MB of usual lines. Beyond it the oldest go, whosever they are."""
_CAUSES: Final = 1_000
"""Nodes whose first cause is kept: a tree with names made up for each connection must not grow for ever."""
_BOUND: Final = 10_000
"""Records that wait for the reader of one stream."""


class LogStream(Stream["LogEntry"]):
    """Records as they come: an iterator, and an asynchronous one, that ends with the system."""

    def __init__(self, dn: str, *, below: bool, floor: int, bound: int) -> None:
        """Use `LogTree.stream`."""
        super().__init__(bound)
        self._dn = dn
        self._below = below
        self._floor = floor

    def wants(self, entry: LogEntry) -> bool:
        """Whether the reader asked for such a record."""
        return entry.severity >= self._floor and _belongs(entry.dn, self._dn, below=self._below)


class LogTree:
    """The records of one system. All methods may be called from any thread, also when the system has stopped."""

    def __init__(self, *, per_node: int = _PER_NODE, in_all: int = _IN_ALL) -> None:
        """Keeps at most `per_node` records of a node, and `in_all` of all."""
        self._per_node = per_node
        self._in_all = in_all
        self._lock = threading.Lock()
        self._rings: dict[str, deque[tuple[int, LogEntry]]] = {}
        self._order: OrderedDict[int, str] = OrderedDict()
        """Whose the kept records are, oldest first."""
        self._causes: OrderedDict[str, tuple[int, LogEntry]] = OrderedDict()
        self._streams: tuple[LogStream, ...] = ()
        self._last = 0
        self._ended = False

    def write(self, entry: LogEntry) -> None:
        """Add a record."""
        with self._lock:
            self._last += 1
            ring = self._rings.setdefault(entry.dn, deque())
            if len(ring) == self._per_node:
                number, _ = ring.popleft()
                del self._order[number]
            elif len(self._order) == self._in_all:
                self._drop_oldest()
                ring = self._rings.setdefault(entry.dn, ring)
            ring.append((self._last, entry))
            self._order[self._last] = entry.dn
            if entry.first_cause:
                self._causes[entry.dn] = (self._last, entry)
                self._causes.move_to_end(entry.dn)
                if len(self._causes) > _CAUSES:
                    self._causes.popitem(last=False)
            for stream in self._streams:
                if stream.wants(entry):
                    stream.push(entry)

    def _drop_oldest(self) -> None:
        _, dn = self._order.popitem(last=False)
        ring = self._rings[dn]
        ring.popleft()
        if not ring:
            del self._rings[dn]

    def read(
        self, dn: str = "root", *, below: bool = True, last: int | None = None, level: str = "TRACE"
    ) -> list[LogEntry]:
        """The kept records, in the order in which they were written.

        Args:
            dn: of the node.
            below: those of all nodes below it, too.
            last: only so many, the newest; `None`: all.
            level: nothing less severe.

        Raises:
            ValueError: there is no such level, or `last` is negative.
        """
        floor = severity(level)
        if last is not None and last < 0:
            msg = f"read(last={last}) must not be negative"
            raise ValueError(msg)
        with self._lock:
            return self._read(dn, below=below, last=last, floor=floor)

    def stream(
        self,
        dn: str = "root",
        *,
        below: bool = True,
        backlog: int | None = 0,
        level: str = "TRACE",
        bound: int = _BOUND,
    ) -> LogStream:
        """The records from now on, without a gap after the `backlog` newest kept ones (`None`: all of them).

        Args:
            dn: of the node.
            below: those of all nodes below it, too.
            backlog: how many of the kept records come first.
            level: nothing less severe.
            bound: how many may wait for the reader; beyond it the oldest are dropped, and `missed` counts them.

        Raises:
            ValueError: there is no such level, or a number makes no sense.
        """
        stream = LogStream(dn, below=below, floor=severity(level), bound=bound)
        if bound < 1 or (backlog is not None and backlog < 0):
            msg = f"stream(backlog={backlog}, bound={bound}): a backlog is at least 0, a bound at least 1"
            raise ValueError(msg)
        with self._lock:
            for entry in self._read(dn, below=below, last=backlog, floor=severity(level)):
                stream.push(entry)
            if self._ended:
                stream.end()
            else:
                self._streams = (*(old for old in self._streams if not old.closed), stream)
        return stream

    def end(self) -> None:
        """Nothing more will be written; streams end when they have been read."""
        with self._lock:
            self._ended = True
            for stream in self._streams:
                stream.end()
            self._streams = ()

    def _read(self, dn: str, *, below: bool, last: int | None, floor: int) -> list[LogEntry]:
        kept = [self._kept(each) for each in {**self._rings, **self._causes} if _belongs(each, dn, below=below)]
        merged = [entry for _, entry in heapq.merge(*kept, key=_number) if entry.severity >= floor]
        return merged if last is None else merged[len(merged) - min(last, len(merged)) :]

    def _kept(self, dn: str) -> Iterator[tuple[int, LogEntry]]:
        """The ring of a node, after the first cause of its deaths if the ring has lost that."""
        ring = self._rings.get(dn, ())
        cause = self._causes.get(dn)
        if cause is not None and cause[0] not in self._order:
            yield cause
        yield from ring


def _number(numbered: tuple[int, LogEntry]) -> int:
    return numbered[0]


def _belongs(dn: str, wanted: str, *, below: bool) -> bool:
    return dn == wanted or (below and dn.startswith(f"{wanted}."))
