"""A reader who does what a page says, and compares what comes of it with what the page shows."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from .blocks import Block

_PROGRAMS = {
    "otp": [sys.executable, "-m", "otp"],
    "python": [sys.executable],
    "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
}
_ANY = "..."
"""Any text in a line; as a line: any lines."""
_NUMBER = re.compile(r"\d\d:\d\d:\d\d(?:\\\.\d+)?|\d+(?:\\\.\d+)+")
"""What differs from run to run: numbers with a decimal point, addresses, times of the day."""


class Reader:
    """One reader of one page, in a directory of his own."""

    def __init__(self, start: Callable[..., Any], directory: Path, printed: Callable[[], str]) -> None:
        self._start = start
        self._directory = directory
        self._printed = printed
        self._names: dict[str, Any] = {"__name__": "page"}
        self._terminals: dict[str | None, Terminal] = {}

    def read(self, page: str, blocks: Iterable[Block]) -> None:
        """All of it; whatever was started must have ended then."""
        for block in blocks:
            match block.kind:
                case "python" if block.title is not None:
                    (self._directory / block.title).write_text(block.text, encoding="utf-8")
                case "python" | "continued":
                    source = "\n" * (block.line - 1) + block.text  # so that tracebacks name the line of the page
                    exec(compile(source, page, "exec", dont_inherit=True), self._names)  # noqa: S102 - our own
                case "output":
                    compare(block.text.splitlines(), self._printed().splitlines(), f"{page}, line {block.line}")
                case "console":
                    self._type(page, block)
                case _:
                    pass
        for title, terminal in self._terminals.items():
            if terminal.busy:
                pytest.fail(f"{page}: something still runs in {title}")

    def _type(self, page: str, block: Block) -> None:
        place = f"{page}, line {block.line}"
        terminal = self._terminals.setdefault(block.title, Terminal(self._start, self._directory))
        lines = block.text.splitlines()
        for number, line in enumerate(lines):
            if line.startswith("$ "):
                terminal.finish(place)
                terminal.type(line[2:])
            elif line == "^C":
                terminal.interrupt()
            else:
                terminal.expect(line, place)
            if number == len(lines) - 1 and block.title is None:
                terminal.finish(place)


class Terminal:
    """A terminal: one command after the other, each started when the one before has ended."""

    def __init__(self, start: Callable[..., Any], directory: Path) -> None:
        self._start = start
        self._directory = directory
        self._program: Any = None
        self._status = 0
        self._skips = False
        self._echo: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether a command has been begun that nobody has waited for."""
        return self._program is not None

    def type(self, command: str) -> None:
        """Begin a command."""
        if command == "echo $?":
            self._echo = [str(self._status)]
            return
        name, *arguments = shlex.split(command)
        self._program = self._start(*_PROGRAMS[name], *arguments, cwd=self._directory)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._program.send(signal.SIGINT)

    def expect(self, line: str, place: str) -> None:
        """The next line of the command."""
        if line == _ANY:
            self._skips = True
            return
        if self._echo:
            compare([line], [self._echo.pop()], place)
            return
        seen: list[str] = []
        while (said := self._program.next_line()) is not None:
            seen.append(said)
            if looks_like(line, said):
                self._skips = False
                return
            if not self._skips:
                break
        pytest.fail(f"{place}: instead of\n  {line}\nit said\n  " + "\n  ".join(seen[-30:]))

    def finish(self, place: str) -> None:
        """Wait for the command that has been begun last; it says nothing that the page does not show."""
        if self._program is None:
            return
        read = len(self._program.lines)
        self._status = self._program.end()
        left = self._program.lines[read:]
        if left and not self._skips:
            pytest.fail(f"{place}: it said more:\n  " + "\n  ".join(left))
        self._program = None
        self._skips = False


def looks_like(shown: str, seen: str) -> bool:
    """Whether a line is what the page shows, but for what differs from run to run."""
    pattern = _NUMBER.sub(lambda found: r"[\d.:]+", re.escape(shown.rstrip()))
    return re.fullmatch(pattern.replace(re.escape(_ANY), ".*"), seen.rstrip()) is not None


def compare(shown: list[str], seen: list[str], place: str) -> None:
    """Fail unless each line looks like the one that is shown."""
    if len(shown) != len(seen) or not all(map(looks_like, shown, seen)):
        pytest.fail(f"{place}: instead of\n  " + "\n  ".join(shown) + "\nthere was\n  " + "\n  ".join(seen))
