"""Exceptions and stacks as text, whatever the user's objects do when they are asked to show themselves.

Called in the thread where the exception was raised, or where a report is written; never in the loop of the tree.
"""

from __future__ import annotations

import dis
import sys
import traceback
from contextlib import suppress
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

__all__ = ["clear", "render", "stack_of_frame", "stack_of_thread", "without_innermost_frame"]

_LINE: Final = 1_000
"""Characters of an error in one line; what is cut off still stands in the traceback."""
_GENERATORS: Final = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_YIELD: Final = dis.opmap["YIELD_VALUE"]
_TEXT: Final = 100_000
"""Characters of a traceback: a message of a gigabyte must not become a log line of one."""

# Python's own attributes of exceptions, whatever a class of the user's makes of these names.
_traceback: Callable[[BaseException], TracebackType | None] = vars(BaseException)["__traceback__"].__get__
_cause: Callable[[BaseException], BaseException | None] = vars(BaseException)["__cause__"].__get__
_context: Callable[[BaseException], BaseException | None] = vars(BaseException)["__context__"].__get__
_members: Callable[[BaseException], tuple[BaseException, ...]] = vars(BaseExceptionGroup)["exceptions"].__get__


def render(exception: BaseException) -> tuple[str, str]:
    """The exception in one line, and its traceback."""
    name = "an exception without a name"
    try:
        name = f"{type(exception).__qualname__}"
        message = str(exception)
        line = f"{name}: {message}" if message else name
    except BaseException:  # noqa: BLE001 - a hostile `__str__` must not decide how its owner's end is reported
        line = f"{name}: (its message could not be made)"
    try:
        text = "".join(traceback.format_exception(exception))
    except BaseException:  # noqa: BLE001 - the same for `__notes__`, `__cause__` and whatever else is formatted
        text = f"{line}\n"
    return " ".join(line[:_LINE].split("\n")), text[:_TEXT]


def clear(exception: BaseException) -> None:
    """Drop what the frames of the exception hold: a kept exception would keep sockets, and rebinding would fail."""
    for each in _linked(exception):
        for frame, _ in traceback.walk_tb(_traceback(each)):
            if not _is_suspended(frame):
                with suppress(RuntimeError):  # it is running
                    frame.clear()


def _is_suspended(frame: FrameType) -> bool:
    """Whether a generator or coroutine will go on here: another owner of the exception, who has it from a future.

    Before Python 3.13, clearing its frame would end it, and whoever waits for it would wait for ever.
    """
    code = frame.f_code
    return bool(code.co_flags & _GENERATORS) and code.co_code[frame.f_lasti] == _YIELD


def without_innermost_frame(exception: BaseException) -> BaseException:
    """The exception, as if the frame that caught it had never been in its traceback."""
    caught = _traceback(exception)
    return BaseException.with_traceback(exception, None if caught is None else caught.tb_next)


def _linked(exception: BaseException) -> Iterator[BaseException]:
    """The exception, its causes and contexts, and the members of groups among them."""
    left = [exception]
    seen: set[int] = set()
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left.extend(link for link in (_cause(each), _context(each)) if link is not None)
        if issubclass(type(each), BaseExceptionGroup):  # `isinstance` would ask the object for its class
            left.extend(_members(each))


def stack_of_thread(ident: int | None) -> str:
    """Where the thread is right now."""
    frame = sys._current_frames().get(ident or 0)  # noqa: SLF001 - there is no other way to ask
    return "(its thread has ended)\n" if frame is None else stack_of_frame(frame)


def stack_of_frame(frame: FrameType) -> str:
    """The stack that ends in `frame`."""
    text = ""
    with suppress(BaseException):  # the frame runs on while it is read
        text = "".join(traceback.format_stack(frame))
    return text or "(no stack)\n"
