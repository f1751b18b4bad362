"""Why an incarnation has ended, as others are told: exit reasons, as Erlang's."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["ExitReason", "Reason", "Shutdown", "is_clean", "told"]


class Reason(enum.StrEnum):
    """The reasons that have a name."""

    NORMAL = "normal"
    """It has done what it was for."""
    SHUTDOWN = "shutdown"
    """Its supervisor asked it to end, or it gave up in good order."""
    KILL = "kill"
    """As a signal: end, whether it traps exits or not. Nobody sees it as a reason; it becomes KILLED."""
    KILLED = "killed"
    """It was ended by force, or after its deadline only."""
    NOPROC = "noproc"
    """Nobody lived there."""
    NOCONNECTION = "noconnection"
    """The node of the cluster that it lived on cannot be reached."""
    TIMEOUT = "timeout"
    """It took too long."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """A clean end, and what there is to say about it; Erlang's `{shutdown, Detail}`."""

    detail: Any


ExitReason: TypeAlias = Reason | Shutdown | BaseException | str
"""The reason of a crash is the exception itself."""


def is_clean(reason: ExitReason) -> bool:
    """Whether it is no failure: NORMAL, SHUTDOWN, `Shutdown`."""
    return reason is Reason.NORMAL or reason is Reason.SHUTDOWN or isinstance(reason, Shutdown)


def told(reason: ExitReason) -> str:
    """The reason in one line, whatever the user's objects do when they are asked to show themselves."""
    if isinstance(reason, str):
        return f"{reason.value if isinstance(reason, Reason) else reason}"[:_LINE]
    shown = reason.detail if isinstance(reason, Shutdown) else reason
    try:
        text = f"{type(shown).__qualname__}: {shown}" if isinstance(shown, BaseException) else f"{shown!r}"
    except BaseException:  # noqa: BLE001 - a hostile one must not decide how an end is reported
        text = f"{type(shown).__name__} (it could not be shown)"
    line = " ".join(text[:_LINE].split("\n"))
    return f"shutdown: {line}" if isinstance(reason, Shutdown) else line


_LINE = 1_000
"""Characters."""
