"""A log tree as lines for people and for machines; no text can break out of its line."""

from __future__ import annotations

import io
import json
import threading

import pytest

from otp.logs.tree import LogTree
from otp.logs.writer import LogWriter, as_json, for_people

from .records import entry


def lines_of(form: str, *entries) -> list[str]:
    tree = LogTree()
    file = io.StringIO()
    for each in entries:
        tree.write(each)
    writer = LogWriter(tree, file, form=form)
    writer.start()
    tree.end()
    writer.close(10)
    return file.getvalue().splitlines()


def test_people_get_time_level_place_and_message():
    (line,) = lines_of("people", entry("root.a", "hello", time=1_000.25))

    assert line.endswith(".250 INFO     root.a hello")


def test_raw_output_is_told_from_what_the_program_says():
    (line,) = lines_of("people", entry("root.a", "hello", raw=True))

    assert line.endswith("root.a | hello")


def test_further_lines_of_a_message_are_indented_so_that_none_passes_for_a_record():
    forged = entry("root.a", "hello\n10:00:00.000 CRITICAL root.b forged", traceback="Traceback\n  deep")

    assert [line[:4] for line in for_people(forged).splitlines()[1:]] == ["    ", "    ", "    "]


@pytest.mark.parametrize("control", ["\x1b[31m", "\r", "\b", "\x00", "\x9b", "\u2028", "\u202e", "\x0b"])
def test_control_characters_are_shown_and_not_obeyed(control):
    text = for_people(entry(message=f"a{control}b"))

    assert text.count("\n") == 1
    assert control not in text
    assert "\\" in text


def test_machines_get_an_object_a_line_whatever_the_text_is():
    nasty = entry(
        "root.a", 'quote " newline \n escape \x1b lone \ud800', traceback="T", extra={"user": "ann"}, raw=True
    )
    (line,) = lines_of("json", nasty)
    record = json.loads(line)

    assert record["message"] == nasty.message
    assert record["extra"] == {"user": "ann"}
    assert (record["dn"], record["incarnation"], record["level"], record["raw"]) == ("root.a", 1, "INFO", True)
    assert line.isascii()
    assert as_json(nasty) == f"{line}\n"


def test_a_file_that_cannot_be_written_is_no_reason_to_end():
    class Full(io.StringIO):
        tries = 0

        def write(self, text: str) -> int:
            self.tries += 1
            if self.tries == 1:
                raise OSError(28, "No space left on device")
            return super().write(text)

    tree, file = LogTree(), Full()
    writer = LogWriter(tree, file)
    tree.write(entry(message="lost"))
    tree.write(entry(message="written"))
    writer.start()
    tree.end()
    writer.close(10)

    assert file.getvalue().endswith("written\n")
    assert "lost" not in file.getvalue()


def test_what_a_blocked_file_has_missed_is_told_when_it_goes_on():
    may_write, blocked = threading.Event(), threading.Event()

    class Blocked(io.StringIO):
        def write(self, text: str) -> int:
            blocked.set()
            may_write.wait()
            return super().write(text)

    tree, file = LogTree(), Blocked()
    writer = LogWriter(tree, file)
    writer.start()
    tree.write(entry(message="first"))
    assert blocked.wait(10)
    for number in range(10_050):
        tree.write(entry(message=str(number)))
    may_write.set()
    tree.end()
    writer.close(10)
    lines = file.getvalue().splitlines()

    assert lines[1].startswith("otp: ")
    lost = int(lines[1].split()[1])
    assert lost == 50
    assert lost + len(lines) - 1 == 10_051
