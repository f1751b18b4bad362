"""A traceback is taken down quickly and made text later; the text is the one that Python itself would have made."""

from __future__ import annotations

import traceback

import pytest

from otp.tree.rendering import Trace, clear, render


class Mine(Exception):  # noqa: N818 - a user's name
    pass


class Hostile(Exception):  # noqa: N818 - the same
    def __str__(self) -> str:
        raise RuntimeError


def down(depth: int, error: BaseException) -> None:
    if depth:
        down(depth - 1, error)
    _ = (1 + [1, 2][0]) and None
    raise error


def noted() -> None:
    error = ValueError("with a note")
    error.add_note("the note")
    raise error


def chained() -> None:
    try:
        down(1, ValueError("first"))
    except ValueError as error:
        message = "second"
        raise KeyError(message) from error


def during() -> None:
    try:
        down(0, ValueError("first"))
    finally:
        down(0, KeyError("second"))


CASES = {
    "one of Python's own": lambda: down(0, ValueError("text")),
    "one of the user's": lambda: down(0, Mine("text")),
    "no text": lambda: down(0, ValueError()),
    "several lines": lambda: down(0, Mine("one\ntwo")),
    "a deep stack": lambda: down(20, ValueError("deep")),
    "positions in a line": lambda: 1 / 0,
    "no Exception": lambda: down(0, KeyboardInterrupt()),
    "a suggestion": lambda: traceback.format_exceptio,
    "a syntax error": lambda: compile("1 +", "file", "eval"),
    "a note": noted,
    "a cause": chained,
    "a context": during,
    "a group": lambda: down(1, ExceptionGroup("several", [ValueError("one"), Mine("two")])),
}


@pytest.mark.parametrize("call", CASES.values(), ids=CASES.keys())
def test_the_text_is_the_one_that_python_would_have_made(call):
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - each another
        call()
    expected = "".join(traceback.format_exception(caught.value))

    _, trace = render(caught.value)
    clear(caught.value)

    assert str(trace) == expected
    assert str(trace) == expected, "asked again it says the same"


def test_an_exception_that_was_never_raised_has_no_stack():
    _, trace = render(ValueError("made"))

    assert str(trace) == "ValueError: made\n"


def test_an_exception_that_cannot_say_itself_is_told_by_its_name():
    with pytest.raises(Hostile) as caught:
        down(0, Hostile())

    line, trace = render(caught.value)

    assert line == "Hostile: (its message could not be made)"
    assert str(trace).splitlines()[0] == "Traceback (most recent call last):"
    assert str(trace).splitlines()[-1].endswith("Hostile: (its message could not be made)")


def test_a_traceback_is_no_longer_than_a_log_can_bear():
    _, trace = render(ValueError("x" * 1_000_000))

    assert len(str(trace)) == 100_000


def test_a_trace_of_text_is_that_text():
    assert str(Trace("text")) == "text"
