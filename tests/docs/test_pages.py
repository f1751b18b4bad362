"""What the documentation shows works: its Python runs, its commands say what it says they do."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from .blocks import KINDS, blocks, fences
from .reader import Reader

CHECKOUT = Path(__file__).parents[2]
ROOT = CHECKOUT / "docs" / "pages"
PATIENCE = 10.0
"""Seconds for the threads of a page to end; it has stopped its systems."""
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.md"))


@pytest.fixture
def reader(start, tmp_path, monkeypatch, capsys):
    """A reader in an empty directory, but for our examples."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    return Reader(start, tmp_path, lambda: capsys.readouterr().out)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_works(page, reader, recwarn):
    text = (ROOT / page).read_text(encoding="utf-8")
    before = set(threading.enumerate())

    reader.read(page, blocks(text))

    assert [str(warning.message) for warning in recwarn if str(warning.message) not in text] == []

    # Timers watch the programs of the test.
    left = {thread for thread in set(threading.enumerate()) - before if not isinstance(thread, threading.Timer)}
    for thread in left:
        thread.join(PATIENCE)
    assert [thread.name for thread in left if thread.is_alive()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_is_of_a_kind_that_is_known(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    found = blocks(text)

    assert {block.kind for block in found} <= KINDS.keys()
    assert len(found) == fences(text)


@pytest.mark.parametrize("page", PAGES)
def test_a_file_that_a_page_shows_is_used_by_a_command_further_down(page):
    found = blocks((ROOT / page).read_text(encoding="utf-8"))
    for number, block in enumerate(found):
        if block.kind == "python" and block.title is not None:
            commands = "".join(later.text for later in found[number:] if later.kind == "console")
            assert block.title.removesuffix(".py") in commands, f"{page}, line {block.line}"
