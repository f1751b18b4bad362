"""What the README shows of the quickstart is what one sees. (`tests/examples` runs its Python, `.ci/run` its two commands.)"""

from __future__ import annotations

import signal
import socket
import sys

import pytest

from .blocks import blocks
from .reader import looks_like
from .test_pages import CHECKOUT

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def port():
    """One that is free, for the default one may be somebody's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def shows(text: str, program) -> None:
    """Fail unless the program says each line of `text`, in whatever order; those that are cut short aside."""
    missing = [line for line in text.splitlines() if line.strip() != "..."]
    while missing:
        said = program.next_line()
        assert said is not None, f"it never said {missing}"
        missing = [line for line in missing if not looks_like(line, said)]


def test_the_quickstart_says_what_the_readme_shows(start, port, tmp_path):
    started, client, healed, stopped = (
        block for block in blocks(README.replace("4747", str(port))) if block.kind in {"", "console"}
    )
    command = "examples.quickstart_client"
    assert f"$ python -m {command}\n" in client.text
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")

    program = start(sys.executable, "-m", "otp", "run", "examples.quickstart:root", str(port), "0")
    shows(started.text, program)
    talk = start(sys.executable, "-m", command, str(port))
    talk.end()
    assert talk.lines == client.text.splitlines()[1:]
    shows(healed.text, program)
    program.send(signal.SIGINT)
    shows(stopped.text, program)
    assert program.end() == 0


def test_a_line_that_the_program_does_not_say_is_noticed(start):
    program = start(sys.executable, "-c", "print('a'); print('b')")
    with pytest.raises(AssertionError, match="it never said \\['c'\\]"):
        shows("b\na\n...\nc\n", program)


def test_the_readme_leads_to_documentation_that_is_there():
    assert "(docs/pages/index.md)" in README
    assert (CHECKOUT / "docs" / "pages" / "index.md").is_file()
