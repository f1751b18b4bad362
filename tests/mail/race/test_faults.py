"""Faults that are put into the mail, and that a race has to find: it would be worth nothing if it did not."""

from __future__ import annotations

import itertools

import pytest

import otp
from otp.mail.calls import BlockingCall, FutureCall
from otp.tree.directory import Directory
from otp.tree.mailbox import Mailbox

from . import race
from .race import Race


@pytest.fixture
def found(monkeypatch):
    """What a short race finds. It does not wait for long for calls that never end."""
    monkeypatch.setattr(race, "PATIENCE", 2.0)

    def found() -> list[str]:
        outcome = Race(7, 2_000).run()
        print(*outcome.lines(), sep="\n")  # noqa: T201 - of a test that fails
        return outcome.found

    return found


def now_and_then(every: int):
    """True once in so many calls."""
    numbers = itertools.count(1)
    return lambda: next(numbers) % every == 0


def test_a_request_that_is_not_told_of_the_end_of_its_server_is_found(found, monkeypatch):
    fail, untold = FutureCall.fail, []
    monkeypatch.setattr(FutureCall, "fail", lambda call, reason: untold.append((call, reason)))
    assert any("have not ended, though the system has stopped" in text for text in found())
    for call, reason in untold:  # whoever waits for it is a thread of the race
        fail(call, reason)


def test_a_reply_to_the_wrong_caller_is_found(found, monkeypatch):
    answer, now, before = BlockingCall.answer, now_and_then(20), []

    def swapped(call, value):
        before.append(value)
        answer(call, before[-2] if len(before) > 1 and now() else value)

    monkeypatch.setattr(BlockingCall, "answer", swapped)
    assert any("was given the reply" in text for text in found())


def test_an_error_that_is_not_documented_is_found(found, monkeypatch):
    call, now = otp.Ref.call, now_and_then(50)

    def broken(ref, request, timeout):
        if now():
            raise KeyError(request)
        return call(ref, request, timeout)

    monkeypatch.setattr(otp.Ref, "call", broken)
    assert any("has raised KeyError" in text for text in found())


def test_a_name_that_outlives_its_incarnation_is_found(found, monkeypatch):
    leave = Directory.leave

    def late(directory, mailbox, reason):
        names, mailbox.names = mailbox.names, ()
        leave(directory, mailbox, reason)
        mailbox.names = names

    monkeypatch.setattr(Directory, "leave", late)
    assert any(text.startswith(("a name outlives", "left in the directory")) for text in found())


def test_a_mailbox_that_is_kept_is_found(found, monkeypatch):
    close, kept = Mailbox.close, []

    def keeping(mailbox, reason):
        close(mailbox, reason)
        kept.append(mailbox)

    monkeypatch.setattr(Mailbox, "close", keeping)
    assert any(text.startswith("left in memory") for text in found())
