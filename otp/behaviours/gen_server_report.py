"""What the report of a crash says of a server: the message that it was at, and its state.

It is put down in the server's own thread. What the user's objects do when they are asked to show themselves does not
matter.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Final

from otp.behaviours.gen_server_returns import TIMEOUT
from otp.mail.calls import CallMessage, CastMessage
from otp.tree.reports import Seen

if TYPE_CHECKING:
    from otp.behaviours.gen_server import GenServer

__all__ = ["seen", "shown", "shown_message"]

_repr: Final = reprlib.Repr()
_repr.maxlevel = 4
_repr.maxdict = _repr.maxlist = _repr.maxtuple = _repr.maxset = _repr.maxfrozenset = _repr.maxdeque = 20
_repr.maxstring = _repr.maxother = _repr.maxlong = 200
_STATE: Final = 4_000
"""Characters of a state."""


def seen(server: GenServer, letter: object) -> Seen:
    """What `server` is at; with `None` as the letter it has had no mail yet."""
    return Seen(None if letter is None else shown_message(letter), _shown_state(server))


def shown(value: object) -> str:
    """`value` in a few words."""
    try:
        return _repr.repr(value)
    except BaseException:  # noqa: BLE001 - a hostile `__repr__` must not decide how an end is reported
        return f"<{type(value).__name__} that cannot be shown>"


def shown_message(letter: object) -> str:
    """A letter in a few words."""
    if isinstance(letter, CallMessage):
        return f"call {shown(letter.request)}"
    if isinstance(letter, CastMessage):
        return f"cast {shown(letter.request)}"
    return f"{TIMEOUT!r}" if letter is TIMEOUT else shown(letter)


def _shown_state(server: GenServer) -> str:
    try:
        state: object = server.format_status()
    except BaseException as error:  # noqa: BLE001 - as above
        return f"(format_status raised {type(error).__name__})"
    return shown(state)[:_STATE]
