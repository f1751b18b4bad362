"""What the report of a crash shows of a server: `format_status`, its mail in a few words, and nothing else."""

from __future__ import annotations

import threading
import traceback

import pytest
from loguru import logger

import otp
from otp.behaviours.gen_server_report import shown_message
from otp.logs.writer import as_json

from .house import Doer, boom

SECRET = "hunter2"  # noqa: S105 - what is looked for


def crash_of(house, ref, letter):
    """The one ERROR record of a server that `letter` has ended."""
    ref.send(letter)
    house.event(otp.events.Died)
    (entry,) = house.logged("ERROR")
    return entry


def test_a_crash_is_one_record_with_reason_last_message_and_state(house, kind):
    class Counting(otp.GenServer):
        def init(self):
            self.number = 7

        def handle_info(self, message):
            raise ValueError("broken")  # noqa: EM101 - as users write it

        def terminate(self, reason):
            self.number = 8

    entry = crash_of(house, house.run(kind(Counting)), ("add", 1))
    report = entry.report

    assert (entry.dn, entry.incarnation, entry.level) == ("root.server", 1, "ERROR")
    assert entry.message.startswith("died: ValueError: broken; starts again in ")
    assert type(report) is otp.CrashReport
    assert (report.kind, report.dn, report.incarnation) == ("crash", "root.server", 1)
    assert (report.reason, report.last_message, report.state) == ("ValueError: broken", "('add', 1)", "{'number': 7}")
    assert entry.traceback.endswith("ValueError: broken\nlast message: ('add', 1)\nstate: {'number': 7}")


@pytest.mark.parametrize(
    ("send", "shown"),
    [
        (lambda ref: ref.send_request("ask"), "call 'ask'"),
        (lambda ref: ref.cast(["do"]), "cast ['do']"),
        (lambda ref: ref.send(5), "5"),
    ],
    ids=["call", "cast", "info"],
)
def test_the_last_message_says_how_it_was_sent(house, kind, send, shown):
    class Falling(otp.GenServer):
        def handle_info(self, message):
            raise KeyError

        def terminate(self, reason):
            pass

    send(house.run(kind(Falling)))
    house.event(otp.events.Died)
    (entry,) = house.logged("ERROR")

    assert entry.report.last_message == shown


def test_a_server_that_crashes_before_its_first_mail_has_no_last_message(house, kind):
    house.do(kind, lambda server: otp.Continue(boom(ValueError("early"))))
    house.event(otp.events.Died)
    (entry,) = house.logged("ERROR")

    assert entry.report.last_message is None
    assert entry.report.state.startswith("{'house': <")


def test_the_idle_timeout_is_a_last_message_too(house, kind):
    class Idle(otp.GenServer):
        def init(self):
            return otp.NoReply(timeout=0.0)

        def handle_info(self, message):
            raise KeyError

        def terminate(self, reason):
            pass

    house.run(kind(Idle))
    house.event(otp.events.Died)
    (entry,) = house.logged("ERROR")

    assert entry.report.last_message == "otp.TIMEOUT"


def test_a_start_that_fails_has_no_state(house, kind):
    house.do(kind, boom(ValueError("no")))
    house.event(otp.events.Died)
    (entry,) = house.logged("ERROR")

    assert (entry.report.last_message, entry.report.state) == (None, None)
    assert entry.report.supervisor.context is otp.ErrorContext.START_ERROR


def test_a_stop_by_an_abnormal_reason_is_reported_with_last_message_and_state(house, kind):
    entry = crash_of(house, house.do(kind), lambda _: otp.Stop("disk full"))

    assert entry.message.startswith("died: stopped: disk full")
    assert entry.report.reason == "disk full"
    assert "<lambda>" in entry.report.last_message
    assert entry.report.state is not None


@pytest.mark.parametrize("reason", [otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("why")])
@pytest.mark.parametrize("restart", [otp.Restart.TRANSIENT, otp.Restart.TEMPORARY])
def test_a_clean_end_is_no_error(house, kind, reason, restart):
    house.do(kind, restart=restart).stop(reason, timeout=10)
    house.system.stop()

    assert house.logged("WARNING") == []


def test_the_state_is_that_of_before_terminate_and_of_it_if_that_raises(house, kind):
    class Failing(Doer):
        number = 0

        def terminate(self, reason):
            self.number = 2
            raise LookupError

        def format_status(self):
            return self.number

    entry = crash_of(house, house.run(kind(Failing), house), lambda server: otp.Stop("enough"))

    assert (entry.report.reason, entry.report.last_message, entry.report.state) == ("LookupError", None, "2")


# --- what must not be seen ---


class Safe(Doer):
    def init(self, house):
        self.house = house
        self.password = SECRET

    def format_status(self):
        return {"password": "..."}


class Login:
    def __init__(self, then):
        self.password = SECRET
        self.then = then

    def __call__(self, *args):
        return self.then(*args)

    def __repr__(self):
        return "<Login>"


def all_that_is_written(house, ref, letter):
    """Everything that the tree and its records say of that crash, in any sink, and what a caller prints of it."""
    texts = []
    sink = logger.add(lambda message: texts.append(f"{message} {message.record}"), backtrace=True, diagnose=True)
    try:
        waiting = house.waiting(ref)
        ref.send(letter)
        error = waiting.exception(10)
        texts.extend(traceback.format_exception(error))
        event = house.event(otp.events.Died)
        entries = house.logged()
    finally:
        logger.remove(sink)
    texts += [str(event), *map(str, entries), *map(as_json, entries)]
    return "\n".join(texts)


def test_what_format_status_leaves_out_is_seen_nowhere(house, kind):
    written = all_that_is_written(house, house.run(kind(Safe), house), boom(ValueError("broken")))

    assert "{'password': '...'}" in written
    assert SECRET not in written


def test_a_message_is_seen_as_its_repr_only(house, kind):
    written = all_that_is_written(house, house.run(kind(Safe), house), Login(boom(ValueError("broken"))))

    assert "last message: <Login>" in written
    assert SECRET not in written


def test_what_an_exception_holds_is_seen_as_its_text_only(house, kind):
    class DeniedError(Exception):
        def __init__(self, password):
            self.password = password

        def __str__(self):
            return "wrong password"

        __repr__ = __str__

    def fall(server):
        local = server.password
        raise DeniedError(local)

    written = all_that_is_written(house, house.run(kind(Safe), house), fall)

    assert "DeniedError: wrong password" in written
    assert SECRET not in written


def test_what_the_server_was_run_with_is_seen_nowhere(house, kind):
    class Forgetful(Safe):
        def init(self, house, password):
            super().init(house)

    written = all_that_is_written(house, house.run(kind(Forgetful), house, SECRET), boom(ValueError("broken")))

    assert SECRET not in written


def test_whoever_gets_the_exception_as_a_reason_gets_nothing_of_the_servers_state(house, kind):
    crash = ValueError("broken")
    ref = house.do(kind)
    waiting = house.waiting(ref)
    ref.send(boom(crash))

    told = "".join(traceback.format_exception(waiting.exception(10)))
    assert "ValueError: broken" in told
    assert "state" not in told
    assert not hasattr(crash, "__notes__")


def test_a_format_status_that_raises_is_named_by_its_class_and_decides_nothing(house, kind):
    class Broken(Doer):
        def format_status(self):
            raise LookupError(SECRET)

    entry = crash_of(house, house.run(kind(Broken), house), boom(ValueError("broken")))

    assert entry.report.reason == "ValueError: broken"
    assert entry.report.state == "(format_status raised LookupError)"
    assert SECRET not in str(entry)


def test_a_state_is_cut(house, kind):
    class Large(Doer):
        def format_status(self):
            return [["x" * 100_000] * 1000] * 1000

    entry = crash_of(house, house.run(kind(Large), house), boom(ValueError("broken")))

    assert 100 < len(entry.report.state) <= 4_000


class Hostile:
    def __repr__(self):
        raise SystemExit

    def __call__(self, *_):
        raise KeyError


def test_a_hostile_repr_cannot_decide_how_a_crash_is_reported(house, kind):
    class Holding(Doer):
        def format_status(self):
            return [Hostile()]

    entry = crash_of(house, house.run(kind(Holding), house), Hostile())

    assert entry.report.last_message == "<Hostile that cannot be shown>"
    assert entry.report.state == "<list that cannot be shown>"
    assert shown_message(Hostile()) == "<Hostile that cannot be shown>"


def test_objects_show_themselves_in_the_servers_own_thread(house, kind):
    class Thing:
        def __repr__(self):
            house.seen.put(threading.current_thread().name)
            return "thing"

    class Holding(Doer):
        def init(self, house):
            super().init(house)
            self.mine = threading.current_thread().name

        def format_status(self):
            return Thing()

        def terminate(self, reason):
            house.seen.put(self.mine)

    entry = crash_of(house, house.run(kind(Holding), house), boom(ValueError("broken")))

    assert entry.report.state == "thing"
    assert house.next() == house.next()
    assert house.silent()
