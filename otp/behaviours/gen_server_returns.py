"""What callbacks of a server return, where a plain value does not say it."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, final

from otp.mail.stop import checked_reason
from otp.reasons import ExitReason, Reason

__all__ = ["NOTHING_SAID", "TIMEOUT", "Continue", "Ignore", "NoReply", "Reply", "Stop"]


class _Named:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


TIMEOUT: Final = _Named("otp.TIMEOUT")
"""What `handle_info` is given when the idle timeout is over."""
NOTHING_SAID: Final = _Named("<none>")
"""There is no reply, not even `None`."""


@final
@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a call, where there is more to say than it.

    Raises:
        TypeError, ValueError: `timeout` is no number of seconds.
    """

    value: Any
    _: KW_ONLY
    timeout: float | None = None
    """Seconds without any mail until `handle_info(TIMEOUT)`; 0.0: as soon as no mail is there. `None`: never."""

    def __post_init__(self) -> None:
        _check(self.timeout)


@final
@dataclass(frozen=True, slots=True)
class NoReply:
    """There is none, or none yet: `otp.reply` can give one to the sender later.

    Raises:
        TypeError, ValueError: `timeout` is no number of seconds.
    """

    _: KW_ONLY
    timeout: float | None = None
    """As in `Reply`."""

    def __post_init__(self) -> None:
        _check(self.timeout)


@final
@dataclass(frozen=True, slots=True)
class Continue:
    """Have `handle_continue(arg)` called next, before any mail."""

    arg: Any = None
    _: KW_ONLY
    reply: Any = NOTHING_SAID
    """Sent before that; of `handle_call` only."""


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """End the server: `terminate(reason)` is called, then the reply is sent, then it has ended by `reason`.

    Raises:
        TypeError: `reason` is none.
    """

    reason: ExitReason = Reason.NORMAL
    _: KW_ONLY
    reply: Any = NOTHING_SAID
    """Of `handle_call` only."""

    def __post_init__(self) -> None:
        checked_reason(self.reason)


@final
@dataclass(frozen=True, slots=True)
class Ignore:
    """Of `init`: there is nothing to do here, and that is no failure."""


def _check(timeout: float | None) -> None:
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        msg = f"timeout= takes seconds or None, not {type(timeout).__name__}"
        raise TypeError(msg)
    if not math.isfinite(timeout) or timeout < 0:
        msg = f"timeout={timeout!r} must be finite and not negative; None means never"
        raise ValueError(msg)
