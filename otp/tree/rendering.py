"""Exceptions and stacks as text, whatever the user's objects do when they are asked to show themselves.

Called in the thread where the exception was raised, or where a report is written; never in the loop of the tree.
"""

from __future__ import annotations

import dis
import sys
import traceback
from contextlib import suppress
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType, TracebackType

__all__ = ["Trace", "clear", "render", "stack_of_frame", "stack_of_thread", "without_innermost_frame"]

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


class Trace:
    """The traceback of an exception, taken down where it was raised and made text where it is read.

    The next incarnation waits for the one and not for the other: to take it down takes about 3 us, to format it 60.
    """

    __slots__ = ("_format", "_text")

    def __init__(self, text: str, form: Callable[[], Iterable[str]] | None = None) -> None:
        """The text, or what makes it."""
        self._text = text
        self._format = form

    def __str__(self) -> str:
        form, self._format = self._format, None
        if form is not None:
            self._text = "".join(form())[:_TEXT]
        return self._text


def render(exception: BaseException) -> tuple[str, Trace]:
    """The exception in one line, and its traceback."""
    name = "an exception without a name"
    try:
        name = f"{type(exception).__qualname__}"
        message = str(exception)
        line = f"{name}: {message}" if message else name
    except BaseException:  # noqa: BLE001 - a hostile `__str__` must not decide how its owner's end is reported
        line = f"{name}: (its message could not be made)"
    try:
        trace = _take_down(exception, line)
    except BaseException:  # noqa: BLE001 - the same for `__notes__`, `__cause__` and whatever else is formatted
        trace = Trace(f"{line[:_TEXT]}\n")
    return " ".join(line[:_LINE].split("\n")), trace


def _take_down(exception: BaseException, line: str) -> Trace:
    linked = _linked(exception)
    # What holds objects of the user's is made text at once, in the thread of their owner.
    if any(hasattr(each, "__notes__") or issubclass(type(each), SyntaxError) for each in linked):
        return Trace("".join(_taken(exception).format())[:_TEXT])
    # Of these the standard library says more than where they were raised.
    if len(linked) > 1 or issubclass(type(exception), (BaseExceptionGroup, NameError, AttributeError, ImportError)):
        return Trace("", _taken(exception).format)
    module = f"{type(exception).__module__}"
    prefix = "" if module in {"builtins", "__main__"} else f"{module}."
    frames = [(each.tb_frame.f_code, each.tb_lasti, each.tb_lineno) for each in _frames(_traceback(exception))]
    return Trace("", lambda: _formatted(frames, f"{prefix}{line}\n"))


def _taken(exception: BaseException) -> traceback.TracebackException:
    return traceback.TracebackException(
        type(exception), exception, _traceback(exception), lookup_lines=False, compact=True
    )


def _frames(innermost: TracebackType | None) -> Iterator[TracebackType]:
    while innermost is not None:
        yield innermost
        innermost = innermost.tb_next


def _formatted(frames: list[tuple[CodeType, int, int]], line: str) -> Iterator[str]:
    """As `traceback.format_exception`, of an exception with nothing but a traceback."""
    summary = traceback.StackSummary()
    for code, instruction, lineno in frames:
        _, end_lineno, column, end_column = next(islice(code.co_positions(), instruction // 2, None))
        summary.append(
            traceback.FrameSummary(
                code.co_filename,
                lineno,
                code.co_name,
                lookup_line=False,
                end_lineno=end_lineno,
                colno=column,
                end_colno=end_column,
            )
        )
    if summary:
        yield "Traceback (most recent call last):\n"
        yield from summary.format()
    yield line


def clear(exception: BaseException) -> None:
    """Drop what the frames of the exception hold: a kept exception would keep sockets, and rebinding would fail."""
    for each in _linked(exception):
        outermost = _traceback(each)
        for frame, _ in traceback.walk_tb(outermost):
            if not _is_suspended(frame):
                with suppress(RuntimeError):  # it is running
                    frame.clear()
        _clear_callers(None if outermost is None else outermost.tb_frame.f_back)


def _clear_callers(frame: FrameType | None) -> None:
    """Those below the traceback: whoever caught the exception has ended too, and its frame is kept by `f_back`."""
    while frame is not None and not _is_suspended(frame):
        try:
            frame.clear()
        except RuntimeError:  # it is running, and so are all below it
            return
        frame = frame.f_back


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


def _linked(exception: BaseException) -> list[BaseException]:
    """The exception, its causes and contexts, and the members of groups among them."""
    found = [exception]
    seen = {id(exception)}
    for each in found:  # grows while it is walked
        links = [_cause(each), _context(each)]
        if issubclass(type(each), BaseExceptionGroup):  # `isinstance` would ask the object for its class
            links.extend(_members(each))
        for link in links:
            if link is not None and id(link) not in seen:
                seen.add(id(link))
                found.append(link)
    return found


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
