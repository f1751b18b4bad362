"""A sub-logger has a place of its own below its runnable, which no child can take."""

from __future__ import annotations

import threading

import pytest

import otp

from .records import messages, running


class TestSubLoggers:
    """The test of that name of the Go original."""

    def test_its_records_are_read_at_its_own_dn(self):
        with running(lambda: otp.sub_logger("dut").info("hello from child.dut")) as system:
            (found,) = system.logs.read("root.child.dut")

        assert found.message == "hello from child.dut"
        assert found.incarnation == 1

    def test_a_child_cannot_take_the_name_of_a_sub_logger(self):
        def steps() -> None:
            otp.sub_logger("dut")
            with pytest.raises(otp.DuplicateNameError, match=r"root\.child has a sub-logger 'dut' already"):
                otp.run("dut", otp.wait_canceled)

        with running(steps) as system:
            assert system.node("root.child").children == ()

    def test_a_sub_logger_cannot_take_the_name_of_a_child(self):
        def steps() -> None:
            otp.run("foo", otp.wait_canceled)
            with pytest.raises(otp.DuplicateNameError, match=r"root\.child has a child 'foo' already"):
                otp.sub_logger("foo")

        with running(steps) as system:
            assert system.node("root.child.foo").incarnation == 1


def test_the_same_sub_logger_can_be_had_again():
    def steps() -> None:
        otp.sub_logger("part").info("one")
        otp.sub_logger("part").info("two")

    with running(steps) as system:
        assert messages(system, "root.child.part") == ["one", "two"]


def test_a_sub_loggers_name_is_a_name():
    def steps() -> None:
        with pytest.raises(otp.InvalidNameError, match=r"a\.b"):
            otp.sub_logger("a.b")

    with running(steps) as system:
        assert messages(system) == []


def test_the_next_incarnation_may_use_the_name_for_a_child():
    began = threading.Semaphore(0)

    def child() -> None:
        if otp.current().incarnation == 1:
            otp.sub_logger("part")
        else:
            otp.run("part", otp.wait_canceled)
        otp.signal(otp.Signal.HEALTHY)
        began.release()
        otp.wait_canceled()

    def root() -> None:
        otp.run("child", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    with otp.System(root) as system:
        assert began.acquire(timeout=10)
        system.restart("root.child")
        assert began.acquire(timeout=10)
        assert system.node("root.child.part").dn == "root.child.part"


def test_outside_of_a_runnable_there_is_none():
    for call in (lambda: otp.sub_logger("x"), otp.raw_logger, otp.logger):
        with pytest.raises(otp.NotInRunnableError):
            call()
