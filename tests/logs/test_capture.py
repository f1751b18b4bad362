"""Records find the node they came from, whatever wrote them."""

from __future__ import annotations

import logging
import os
import threading
import warnings

from loguru import logger

import otp

from .records import messages, running


def test_a_record_of_the_runnables_logger_has_its_dn_and_incarnation():
    def log() -> None:
        otp.logger().bind(user="ann").warning("careful")

    with running(log) as system:
        (found,) = system.logs.read("root.child")

    assert (found.dn, found.incarnation, found.level, found.severity) == ("root.child", 1, "WARNING", 30)
    assert found.message == "careful"
    assert found.source.startswith(f"{__name__}:log:")
    assert found.thread == "root.child"
    assert found.extra == {"user": "ann"}
    assert not found.raw


def test_a_record_of_the_global_loguru_logger_belongs_to_the_runnable_that_wrote_it():
    with running(lambda: logger.info("{} braces {{}}", "{}")) as system:
        (found,) = system.logs.read("root.child")

    assert found.message == "{} braces {}"
    assert found.incarnation == 1


def test_logging_and_warnings_land_at_the_runnable_they_came_from(monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", lambda *_: None)  # else it is in the summary of the test run

    def log() -> None:
        logging.getLogger("some.library").warning("from %s", "logging")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("seen", UserWarning, stacklevel=1)

    with running(log) as system:
        found = system.logs.read("root.child")

    assert [each.message for each in found] == ["from logging", "UserWarning: seen"]
    assert found[0].source.startswith("some.library:log:")
    assert found[1].level == "WARNING"


def test_a_bound_thread_of_the_runnables_own_logs_at_its_node():
    def log() -> None:
        thread = threading.Thread(target=otp.bind(lambda: logging.getLogger("x").error("helper")))
        thread.start()
        thread.join()

    with running(log) as system:
        assert messages(system, "root.child") == ["helper"]


def test_other_threads_records_land_at_the_root_with_the_threads_name():
    with running() as system:
        thread = threading.Thread(target=lambda: logging.getLogger("x").error("foreign"), name="a stranger")
        thread.start()
        thread.join()
        (found,) = system.logs.read("root", below=False)

    assert (found.dn, found.incarnation, found.thread) == ("root", 0, "a stranger")


def test_a_record_of_logging_that_is_sent_on_to_loguru_stands_in_the_tree_once():
    class SendOn(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logger.opt(depth=6).log(record.levelname, record.getMessage())

    library = logging.getLogger("sent.on")
    handler = SendOn()
    library.addHandler(handler)
    try:
        with running(
            lambda: library.error("once"), lambda: logger.error("twice"), lambda: logger.error("twice")
        ) as system:
            assert messages(system, "root.child") == ["once", "twice", "twice"]
    finally:
        library.removeHandler(handler)


def test_two_systems_keep_their_records_apart():
    with running(lambda: otp.logger().info("mine")) as one, running(lambda: otp.logger().info("yours")) as two:
        assert messages(one, "root.child") == ["mine"]
        assert messages(two, "root.child") == ["yours"]


def test_exceptions_are_kept_as_text_and_no_value_of_a_variable_is_shown():
    def log() -> None:
        value = "hunter2"
        try:
            len(value) / 0
        except ZeroDivisionError:
            otp.logger().exception("failed")
            logging.getLogger("x").exception("failed too")

    with running(log) as system:
        first, second = system.logs.read("root.child")

    for found in (first, second):
        assert found.traceback is not None
        assert "ZeroDivisionError" in found.traceback
        assert "hunter2" not in found.traceback


def test_hostile_arguments_cost_their_owner_the_text_not_the_record():
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError

        __str__ = __repr__

    def log() -> None:
        otp.logger().bind(thing=Hostile()).info("bound")
        logging.getLogger("x").handlers.append(logging.NullHandler())
        logging.getLogger("x").propagate = False
        logging.getLogger("x").error(Hostile())

    with running(log) as system:
        bound, logged = system.logs.read("root.child")

    assert bound.extra == {
        "thing": "<test_hostile_arguments_cost_their_owner_the_text_not_the_record.<locals>.Hostile>"
    }
    assert "Hostile" in logged.message


def test_a_system_leaves_no_hook_behind():
    factory, show, sinks = logging.getLogRecordFactory(), warnings.showwarning, dict(logger._core.handlers)
    with running():
        assert logging.getLogRecordFactory() is not factory
    assert logging.getLogRecordFactory() is factory
    assert warnings.showwarning is show
    assert dict(logger._core.handlers) == sinks


def test_a_system_adds_no_handler_to_logging_so_that_basic_config_works_as_before():
    with running():
        assert not [each for each in logging.getLogger().handlers if "otp" in type(each).__module__]


def test_hooks_that_others_have_put_over_ours_are_left_alone():
    before = logging.getLogRecordFactory()
    with running():
        ours = logging.getLogRecordFactory()

        def theirs(*args, **kwargs):
            return ours(*args, **kwargs)

        logging.setLogRecordFactory(theirs)
        logger.remove()
    try:
        assert logging.getLogRecordFactory() is theirs
        logging.getLogger("x").error("after the end nobody minds")
    finally:
        logging.setLogRecordFactory(before)


def test_a_logger_still_works_when_its_incarnation_has_ended():
    kept: list = []
    with running(lambda: kept.append(otp.logger())) as system:
        pass
    kept[0].info("too late for the tree, not for the sinks")

    assert messages(system, "root.child") == []


def test_a_forked_process_writes_to_no_tree():
    with running() as system:
        pid = otp_fork()
        assert pid == 0
        assert messages(system) == []


def otp_fork() -> int:
    """Fork, log in the child, and give its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            logging.getLogger("x").error("from a fork")
            logger.error("from a fork")
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
