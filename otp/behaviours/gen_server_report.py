"""What the log says of a crash besides the traceback: the message that the server was at, and its state.

It is put down in the server's own thread, as a note of the exception, so that it stands in the one record that the tree
writes of a death. What the user's objects do when they are asked to show themselves does not matter.
"""

from __future__ import annotations

import reprlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from otp.behaviours.gen_server_returns import TIMEOUT
from otp.mail.calls import CallMessage, CastMessage

if TYPE_CHECKING:
    from otp.behaviours.gen_server import GenServer

__all__ = ["report", "shown", "shown_message"]

_repr: Final = reprlib.Repr()
_repr.maxlevel = 4
_repr.maxdict = _repr.maxlist = _repr.maxtuple = _repr.maxset = _repr.maxfrozenset = _repr.maxdeque = 20
_repr.maxstring = _repr.maxother = _repr.maxlong = 200
_STATE: Final = 4_000
"""Characters of a state."""


class _Note(str):
    """A note of ours; an exception that is raised again has that of its last time only."""

    __slots__ = ()


def report(server: GenServer, letter: object, error: BaseException) -> None:
    """Add what is known to `error`, by which `server` ends when it is at `letter`; `None`: it has had no mail yet."""
    at = "" if letter is None else f"last message: {shown_message(letter)}\n"
    note = _Note(f"{at}state of {type(server).__name__}: {_shown_state(server)}")
    with suppress(BaseException):  # a class of the user's may have made anything of its notes
        error.__notes__ = [*(each for each in getattr(error, "__notes__", ()) if type(each) is not _Note), note]


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
