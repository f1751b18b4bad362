"""What a page of the documentation consists of, for whoever wants to run it: its fenced blocks, in order.

    ```python                     run, in the names that the blocks before it have left
    ```python title="service.py"  written to that file, for a command further down
    ```output                     what the Python since the last such block has printed
    ```console                    commands after `$ `, each with what it says, up to its end
    ```console title="Terminal 1" the same, but its last command may go on after the block, and a later block of the same
                                  title follows it; `^C` is SIGINT
    <!-- continued ... -->        Python that readers do not see: it runs what a block has only defined

Everything else (`KINDS`) is not run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = {
    "python": "run",
    "continued": "run",
    "console": "run",
    "output": "compared",
    "text": "a picture",
    "sh": "sets up an environment; `.ci/run` and `tests/examples` hold the README's",
    "ini": "belongs to systemd",
    "dockerfile": "belongs to a container engine",
    "": "text",
}

_BLOCK = re.compile(
    r"^```(?P<kind>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$"
    r"|^<!-- continued\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    title: str | None
    text: str
    line: int
    """Of its first line, from 1."""


def blocks(page: str) -> list[Block]:
    """The blocks of a page."""
    found: list[Block] = []
    for match in _BLOCK.finditer(page):
        hidden = match["hidden"] is not None
        line = page.count("\n", 0, match.start("hidden" if hidden else "text")) + 1
        text = match["hidden"] if hidden else match["text"]
        found.append(Block("continued" if hidden else match["kind"], match["title"], text, line))
    return found


def fences(page: str) -> int:
    """How many fences and comments the page has, whether or not `blocks` understands them."""
    return len(re.findall(r"^\s*(?:```|~~~)", page, re.MULTILINE)) // 2 + page.count("<!--")
