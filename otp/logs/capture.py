"""How records find their log tree, whatever they were written with: loguru, `logging` or `warnings`.

    loguru    a sink of our own beside the user's
    logging   the record factory, so that no handler is added: `logging.basicConfig` works as before, and what the
              user's handlers print they go on printing
    warnings  `warnings.showwarning`, which goes on calling the one it found

A record belongs to the place that its logger was bound to (`otp.logger()`), else to the runnable whose context it was
written in, else to the root of every system that runs. The hooks are put in with the first system and taken out with the
last. They run in the thread that logs; nothing of the user's is kept.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, TextIO

import loguru

from otp.logs.entry import LogEntry, cut, plain
from otp.tree.forks import generation
from otp.tree.incarnation import current

if TYPE_CHECKING:
    from otp.logs.tree import LogTree
    from otp.tree.backend import Host

__all__ = ["Place", "attach", "detach", "place_of"]

_ECHO: Final = 0.1
"""Seconds in which a loguru record with the text of a `logging` record of the same thread is its echo: many programs send
`logging` on to loguru, and it would stand in the tree twice."""

_OWN: Final = frozenset({"dn", "incarnation", "raw", "first_cause", "lifecycle"})
_LIFECYCLE: Final = _OWN | {"report"}


class Place(str):
    """A DN that knows its log tree: what `dn` is bound to in `extra`. To everybody else it is the text."""

    __slots__ = ("tree",)

    tree: LogTree | None


def place_of(dn: str, host: Host) -> Place:
    """The place `dn` in the log tree of `host`."""
    place = Place(dn)
    place.tree = _hooks.trees.get(host)
    return place


def attach(host: Host, tree: LogTree) -> None:
    """Send what belongs to `host` to `tree`, until `detach`."""
    _hooks.attach(host, tree)


def detach(host: Host) -> None:
    """Send nothing of `host` any more."""
    _hooks.detach(host)


class _Hooks:
    """The three hooks, and where they send records to."""

    def __init__(self) -> None:
        self._trees: dict[Host, LogTree] = {}
        self._made_in = generation()
        self._lock = threading.Lock()
        self._last = threading.local()
        self._sink: int | None = None
        self._old_factory: Any = None
        self._old_show: Any = None

    @property
    def trees(self) -> dict[Host, LogTree]:
        """Where to. Nowhere in a forked process: a lock of a tree may have been taken when it forked."""
        return self._trees if self._made_in == generation() else {}

    def attach(self, host: Host, tree: LogTree) -> None:
        with self._lock:
            self._made_in = generation()
            if not self._trees:
                self._put_in()
            self._trees = {**self._trees, host: tree}

    def detach(self, host: Host) -> None:
        with self._lock:
            self._trees = {other: tree for other, tree in self._trees.items() if other is not host}
            if not self._trees:
                self._take_out()

    def _put_in(self) -> None:
        # The text that loguru makes of a record is all that is used of its formatting: that of the exception.
        self._sink = loguru.logger.add(self._on_loguru, level="DEBUG", format=_exception_only, diagnose=False)
        self._old_factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._make_record)
        self._old_show = warnings.showwarning
        warnings.showwarning = self._show_warning

    def _take_out(self) -> None:
        """Put back what was there, unless somebody has put in something else meanwhile; ours then only passes on."""
        if self._sink is not None:
            with suppress(ValueError):  # the user has removed all sinks
                loguru.logger.remove(self._sink)
            self._sink = None
        if logging.getLogRecordFactory() == self._make_record:
            logging.setLogRecordFactory(self._old_factory)
        if warnings.showwarning == self._show_warning:
            warnings.showwarning = self._old_show

    # --- loguru ---

    def _on_loguru(self, message: loguru.Message) -> None:
        record = message.record
        extra = record["extra"]
        if not isinstance(extra.get("dn"), Place) and self._is_echo(record["message"]):
            return
        text, exception = record["message"], str(message).strip("\n")
        own, report = _OWN, None
        if extra.get("lifecycle") is True:  # for other sinks the text says all: the place, and below it the traceback
            text, _, exception = text.removeprefix(f"{extra['dn']} ").partition("\n")
            own, report = _LIFECYCLE, extra.get("report")
        entry = {
            "time": record["time"].timestamp(),
            "level": record["level"].name,
            "severity": record["level"].no,
            "message": cut(text),
            "source": f"{record['name']}:{record['function']}:{record['line']}",
            "thread": record["thread"].name,
            "traceback": cut(exception) or None,
            "raw": extra.get("raw") is True,
            "first_cause": extra.get("first_cause") is True,
            "report": report,
            "extra": {str(key): plain(value) for key, value in extra.items() if key not in own},
        }
        place = extra.get("dn")
        if isinstance(place, Place):
            if place.tree is not None and self.trees:
                number = extra.get("incarnation")
                place.tree.write(_entry(entry, str(place), number if isinstance(number, int) else 0))
        else:
            self._write(entry)

    def _is_echo(self, text: str) -> bool:
        last: tuple[str, float] | None = getattr(self._last, "record", None)
        self._last.record = None
        return last is not None and last[0] == text and time.monotonic() - last[1] < _ECHO

    # --- logging ---

    def _make_record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - whatever `logging` passes
        record: logging.LogRecord = self._old_factory(*args, **kwargs)
        if self.trees:
            text = _text_of(record)
            self._last.record = (text, time.monotonic())
            self._write(
                {
                    "time": record.created,
                    "level": record.levelname,
                    "severity": record.levelno,
                    "message": cut(text),
                    "source": f"{record.name}:{record.funcName}:{record.lineno}",
                    "thread": record.threadName or "",
                    "traceback": _traceback_of(record),
                }
            )
        return record

    # --- warnings ---

    def _show_warning(  # noqa: PLR0913, PLR0917 - as `warnings.showwarning` is
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if self.trees:
            self._write(
                {
                    "time": time.time(),
                    "level": "WARNING",
                    "severity": logging.WARNING,
                    "message": cut(f"{category.__name__}: {message}"),
                    "source": f"{PurePath(filename).name}::{lineno}",
                    "thread": threading.current_thread().name,
                }
            )
        self._old_show(message, category, filename, lineno, file, line)

    # --- where to ---

    def _write(self, entry: dict[str, Any]) -> None:
        incarnation = current.get()
        if incarnation is None:
            for tree in self.trees.values():
                tree.write(_entry(entry, "root", 0))
            return
        own = self.trees.get(incarnation.system)
        if own is not None:
            own.write(_entry(entry, incarnation.dn, incarnation.number))


_hooks: Final = _Hooks()


def _entry(parts: dict[str, Any], dn: str, incarnation: int) -> LogEntry:
    return LogEntry(dn=dn, incarnation=incarnation, **parts)


def _exception_only(record: loguru.Record) -> str:
    del record
    return "{exception}"


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the message; `logging` itself complains about them
        return str(plain(record.msg))


def _traceback_of(record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[0] is None:
        return None
    try:
        return cut("".join(traceback.format_exception(*record.exc_info)).rstrip())
    except Exception:  # noqa: BLE001 - a hostile exception
        return record.exc_info[0].__qualname__
