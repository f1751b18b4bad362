"""Raw output becomes lines, in whatever pieces it comes."""

from __future__ import annotations

import threading
from contextlib import redirect_stdout

import pytest

import otp

from .records import messages, running


def written(*chunks, close: bool = True) -> list[str]:
    """What becomes of `chunks` written to the raw logger of a runnable."""

    def write() -> None:
        raw = otp.raw_logger()
        for chunk in chunks:
            assert raw.write(chunk) == len(chunk)
        if close:
            raw.close()

    with running(write) as system:
        return messages(system, "root.child")


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"o", b"n", b"e\ntw", b"o\n"), ["one", "two"]),
        (("text\n", b"bytes\n"), ["text", "bytes"]),
        ((b"no newline",), ["no newline"]),
        ((b"dos\r\n",), ["dos"]),
        ((b"\n\n",), ["", ""]),
        ((b"caf\xc3", b"\xa9\n"), ["café"]),
        ((b"bad \xff byte\n",), ["bad \\xff byte"]),
        ((b"cut short \xc3",), ["cut short \\xc3"]),
        ((b"{braces} {}\n",), ["{braces} {}"]),
        ((memoryview(b"view\n"), bytearray(b"array\n")), ["view", "array"]),
        ((b"",), []),
    ],
)
def test_chunks_become_lines(chunks, lines):
    assert written(*chunks) == lines


def test_a_long_line_is_broken_up_and_loses_nothing():
    long = "".join(chr(97 + number % 26) for number in range(20_000))

    assert [len(line) for line in written(f"{long}\n")] == [8192, 8192, 3616]
    assert "".join(written(f"{long}\n")) == long
    assert "".join(written(*(long[at : at + 100] for at in range(0, len(long), 100)))) == long


def test_the_records_are_marked_as_raw():
    with running(lambda: otp.raw_logger().write("line\n")) as system:
        (found,) = system.logs.read("root.child")

    assert found.raw
    assert (found.level, found.incarnation) == ("INFO", 1)


def test_what_has_no_newline_is_logged_before_the_death_of_its_runnable():
    died = threading.Event()

    def child() -> None:
        otp.raw_logger().write("last words")
        raise RuntimeError

    def root() -> None:
        otp.run("child", child, backoff=otp.Backoff(initial=60))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = otp.System(root)
    with system.logs.stream("root.child") as stream, system:
        first, second = next(stream), next(stream)
        died.set()

    assert first.message == "last words"
    assert "died: RuntimeError" in second.message


def test_it_can_be_printed_to():
    def show() -> None:
        with otp.raw_logger() as raw, redirect_stdout(raw):
            print("printed")  # noqa: T201 - this is what is tested

    with running(show) as system:
        assert messages(system, "root.child") == ["printed"]


def test_an_incarnation_that_has_ended_gives_no_raw_logger():
    refused: list[BaseException] = []
    over = threading.Event()
    go = threading.Event()

    def outlive() -> None:
        go.wait()
        try:
            otp.raw_logger()
        except otp.StaleIncarnationError as error:
            refused.append(error)
        over.set()

    with running(lambda: threading.Thread(target=otp.bind(outlive), daemon=True).start()):
        pass
    go.set()

    assert over.wait(timeout=10)
    assert len(refused) == 1
