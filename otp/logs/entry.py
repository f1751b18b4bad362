"""One record of the log tree: plain text and numbers, nothing of the user's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otp.tree.reports import Report

__all__ = ["LogEntry", "Plain", "plain", "severity"]

Plain: TypeAlias = str | int | float | bool | None

_LONGEST: Final = 65_536
"""Characters of a message or a traceback; what is longer is cut, and says so."""
_SEVERITIES: Final = {
    "TRACE": 5,
    "DEBUG": 10,
    "INFO": 20,
    "SUCCESS": 25,
    "WARNING": 30,
    "ERROR": 40,
    "CRITICAL": 50,
}
_NOT_IN_JSON: Final = frozenset({math.inf, -math.inf})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One record."""

    time: float
    """Unix seconds."""
    dn: str
    """The place in the tree that it belongs to."""
    incarnation: int
    """Of the node; 0: it came from no incarnation."""
    level: str
    """Loguru's name of it."""
    severity: int
    """Loguru's number of it: 10 is DEBUG, 20 INFO, 30 WARNING, 40 ERROR."""
    message: str
    source: str = ""
    """Where it was written, as `module:function:line`."""
    thread: str = ""
    """The name of the thread that wrote it."""
    traceback: str | None = None
    raw: bool = False
    """It is a line of raw output."""
    first_cause: bool = False
    """It tells of the first of several deaths of the same kind. Kept when older records of the node are dropped."""
    report: Report | None = None
    """What the tree itself reports of a crash, of what a supervisor had to see to, or of a start."""
    extra: Mapping[str, Plain] = field(default_factory=dict[str, Plain])
    """What else was bound to the logger; objects as their `repr`."""


def severity(level: str) -> int:
    """The number of a level.

    Raises:
        ValueError: there is no such level.
    """
    try:
        return _SEVERITIES[level.upper()]
    except KeyError:
        msg = f"no level {level!r}; the levels are {', '.join(_SEVERITIES)}"
        raise ValueError(msg) from None


def cut(text: str) -> str:
    """`text`, or its beginning if it is too long for a log."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} (and {len(text) - _LONGEST} more characters)"


def plain(value: object) -> Plain:
    """`value` as something that holds nothing of the user's."""
    if value is None or (type(value) in {str, int, float, bool} and value not in _NOT_IN_JSON):
        return value  # type: ignore[return-value]  # pyright: ignore[reportReturnType] - no narrowing by `type() in`
    try:
        return cut(repr(value))
    except Exception:  # noqa: BLE001 - a hostile `__repr__` costs its owner the value, not the record
        return f"<{type(value).__qualname__}>"
