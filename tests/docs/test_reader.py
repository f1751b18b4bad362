"""The reader of the documentation notices what is wrong with a page."""

from __future__ import annotations

import pytest

from .blocks import blocks, fences
from .reader import Reader, looks_like


@pytest.fixture
def read(start, tmp_path, capsys):
    """Reads a page."""

    def read(page: str) -> None:
        Reader(start, tmp_path, lambda: capsys.readouterr().out).read("page.md", blocks(page))

    return read


def fails(read, page):
    with pytest.raises(pytest.fail.Exception) as caught:
        read(page)
    return str(caught.value)


def test_blocks_share_their_names_and_the_hidden_ones_do_too(read):
    read("```python\na = 1\n```\n\n<!-- continued\na += 1\n-->\n\n```python\nassert a == 2\n```\n")
    with pytest.raises(AssertionError):
        read("```python\na = 1\n```\n\n<!-- continued\na += 1\n-->\n\n```python\nassert a == 1\n```\n")


def test_a_traceback_names_the_line_of_the_page(read):
    with pytest.raises(ZeroDivisionError) as caught:
        read("# Title\n\n```python\n1 / 0\n```\n")
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno + 1) == ("page.md", 4)


def test_output_is_compared(read):
    read("```python\nprint('a')\nprint('b')\n```\n```output\na\nb\n```\n")
    assert "instead of\n  a\nthere was\n  a\n  b" in fails(
        read, "```python\nprint('a')\nprint('b')\n```\n```output\na\n```\n"
    )


def test_output_is_what_was_printed_since_the_last_time(read):
    page = "```python\nprint('a')\n```\n```output\na\n```\n"
    read(page + page)
    assert "there was\n  a" in fails(read, page + "```python\nprint('a')\n```\n```output\nb\n```\n")


def test_what_a_command_says_is_compared(read):
    read("```console\n$ python -c \"print('a')\"\na\n```\n")
    assert "instead of\n  b\nit said\n  a" in fails(read, "```console\n$ python -c \"print('a')\"\nb\n```\n")


def test_what_a_command_says_beyond_the_page_is_noticed_unless_it_is_left_out_openly(read):
    program = "python -c \"print('a'); print('b')\""
    assert "it said more:\n  b" in fails(read, f"```console\n$ {program}\na\n```\n")
    read(f"```console\n$ {program}\na\n...\n```\n")
    read(f"```console\n$ {program}\n...\nb\n```\n")


def test_a_command_that_says_less_is_noticed(read):
    assert "instead of\n  b" in fails(read, "```console\n$ python -c \"print('a')\"\na\nb\n```\n")


def test_the_status_of_a_command_can_be_shown(read):
    page = '```console\n$ python -c "raise SystemExit(3)"\n$ echo $?\n{}\n```\n'
    read(page.format(3))
    assert "there was\n  3" in fails(read, page.format(0))


def test_a_file_is_there_for_the_commands_after_it(read):
    assert "can't open file" in fails(read, "```console\n$ python a.py\nhello\n```\n")
    read('```python title="a.py"\nprint("hello")\n```\n```console\n$ python a.py\nhello\n```\n')


WAITS = """
```python title="waits.py"
import threading
try:
    print("waits")
    threading.Event().wait()
except KeyboardInterrupt:
    print("interrupted")
```
```console title="Terminal 1"
$ python -u waits.py
waits
```
```console
$ python -c "print('meanwhile')"
meanwhile
```
"""


def test_a_command_in_a_terminal_with_a_title_is_followed_in_the_next_block_of_that_title(read):
    read(WAITS + '```console title="Terminal 1"\n^C\ninterrupted\n$ python -c "print(1)"\n1\n$ echo $?\n0\n```\n')


def test_what_still_runs_at_the_end_of_a_page_is_noticed(read):
    assert fails(read, WAITS) == "page.md: something still runs in Terminal 1"


@pytest.mark.parametrize(
    ("shown", "seen", "alike"),
    [
        ("04:43:21.516 INFO     a", "23:00:01.001 INFO     a", True),
        ("1 passed in 0.12s", "1 passed in 10.1s", True),
        ("1 passed in 0.12s", "2 passed in 0.12s", False),
        ("at 127.0.0.1:4747", "at 127.0.0.1:4748", False),
        ("died: ... again", "died: twice again", True),
        ("a", "ab", False),
        ("a  ", "a", True),
        ("(a)", "a", False),
    ],
)
def test_numbers_that_differ_from_run_to_run_are_not_compared(shown, seen, alike):
    assert looks_like(shown, seen) is alike


def test_what_no_block_was_made_of_is_counted_nevertheless():
    page = "```python\na\n```\n\n  ```python\n  b\n  ```\n<!-- note -->\n```python title=a\nc\n```\n"
    assert len(blocks(page)) == 1
    assert fences(page) == 4
