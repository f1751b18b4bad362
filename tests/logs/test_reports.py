"""Crash, supervisor and progress reports: which happening has one, at which level, and what it says."""

from __future__ import annotations

import json
import queue
import threading
from contextlib import suppress

import pytest
from loguru import logger

import otp
from otp.logs.writer import as_json
from otp.testing.clock import VirtualClock

PATIENCE = 10.0
NO_WAIT = otp.Backoff(initial=0.0)


class Worker(otp.GenServer):
    """Does what its mail says."""

    def init(self, then=None):
        return None if then is None else then(self)

    def handle_call(self, request, sender):
        return request(self)

    def handle_info(self, message):
        return message(self)


def boom(*_):
    raise ValueError("broken")  # noqa: EM101 - the text is looked for


class House:
    """One tree, and what is logged of it."""

    def __init__(self):
        self.clock = VirtualClock()
        self.seen = queue.SimpleQueue()
        self.gate = threading.Event()
        self.system = None

    def run(self, root):
        self.system = otp.System(root, clock=self.clock)
        self.entries = self.system.logs.stream(level="DEBUG")
        self.system.start()

    def below(self, runnable, *args, **options):
        """A plain root with that child."""

        def root():
            otp.run("child", runnable, *args, **options)
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        self.run(root)
        return self.system.ref("root.child")

    def under(self, *args, restart=otp.Restart.PERMANENT, **options):
        """A supervisor at the root with that child, which is started."""
        child = otp.Child(*args, restart=restart) if args else otp.Child(Worker, restart=restart)
        self.run(otp.Supervisor({"child": child}, **options))
        self.system.wait_healthy(PATIENCE)
        return self.system.ref("root.child")

    def next(self, kind):
        """The next record with a report of that kind."""
        for entry in self.entries:
            if isinstance(entry.report, kind):
                return entry
        raise AssertionError(kind)

    def close(self):
        self.gate.set()
        if self.system is not None:
            self.system.request_stop()
            with suppress(otp.SystemNotRunningError):
                self.system.tree()
            self.clock.advance(100.0)
            self.system.join(PATIENCE)


@pytest.fixture
def house():
    house = House()
    yield house
    with suppress(otp.SupervisorExitError):
        house.close()


CHILD = otp.Offender(
    name="child", dn="root.child", incarnation=1, restart=otp.Restart.PERMANENT, shutdown=5.0, type="worker"
)


# --- crashes ---


def test_the_crash_of_a_plain_runnable_is_reported_with_its_supervisor_and_without_a_state(house):
    def child():
        otp.signal(otp.Signal.HEALTHY)
        boom()

    house.below(child)
    entry = house.next(otp.CrashReport)

    assert (entry.level, entry.dn) == ("ERROR", "root.child")
    assert entry.report == otp.CrashReport(
        dn="root.child",
        incarnation=1,
        reason="ValueError: broken",
        last_message=None,
        state=None,
        messages=0,
        trap_exit=False,
        links=(),
        supervisor=otp.SupervisorReport(
            supervisor="root",
            context=otp.ErrorContext.CHILD_TERMINATED,
            reason="ValueError: broken",
            offenders=(CHILD,),
        ),
    )


def test_a_crash_before_it_is_healthy_is_a_start_error(house):
    house.below(boom)

    assert house.next(otp.CrashReport).report.supervisor.context is otp.ErrorContext.START_ERROR


def test_the_root_has_no_supervisor(house):
    house.run(boom)

    report = house.next(otp.CrashReport).report
    assert (report.dn, report.supervisor) == ("root", None)


def test_a_return_that_should_not_be_is_a_crash(house):
    house.below(lambda: None)

    report = house.next(otp.CrashReport).report
    assert report.reason == "UnexpectedReturnError: returned without having signaled DONE"


def test_a_crash_says_what_mail_is_lost_whom_it_was_linked_to_and_whether_it_trapped_exits(house):
    def child(other):
        otp.trap_exit(True)  # noqa: FBT003 - as users write it
        otp.link(other)
        otp.monitor(other)
        otp.current().send("one")
        otp.current().send("two")
        otp.signal(otp.Signal.HEALTHY)
        boom()

    def root():
        otp.trap_exit(True)  # noqa: FBT003 - as users write it
        otp.run("child", child, otp.current())
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    house.run(root)
    report = house.next(otp.CrashReport).report

    assert (report.messages, report.trap_exit, report.links) == (2, True, ("root",))


def test_an_exit_signal_is_a_crash_too_unless_its_reason_is_a_clean_one(house):
    ref = house.below(Worker, restart=otp.Restart.TRANSIENT)
    house.system.wait_healthy(PATIENCE)
    ref.exit("enough")
    report = house.next(otp.CrashReport).report

    assert report.reason == "enough"
    assert report.supervisor.context is otp.ErrorContext.CHILD_TERMINATED


def test_each_of_many_crashes_of_the_same_kind_has_a_report(house):
    house.below(boom, backoff=NO_WAIT)
    reports = [house.next(otp.CrashReport).report for _ in range(3)]

    assert [report.incarnation for report in reports] == [1, 2, 3]
    assert {report.reason for report in reports} == {"ValueError: broken"}


# --- supervisors ---


def test_the_crash_of_a_supervisors_child_is_one_record_with_both_reports(house):
    house.under().send(boom)
    entry = house.next(otp.CrashReport)

    assert entry.dn == "root.child"
    assert entry.report.supervisor == otp.SupervisorReport(
        supervisor="root",
        context=otp.ErrorContext.CHILD_TERMINATED,
        reason="ValueError: broken",
        offenders=(CHILD,),
    )
    house.next(otp.ProgressReport)  # of the restart
    house.system._engine.flush()
    assert len(house.system.logs.read(level="ERROR")) == 1


@pytest.mark.parametrize("reason", [otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("why")])
def test_a_clean_end_of_a_permanent_child_is_a_supervisor_report(house, reason):
    ref = house.under()
    house.next(otp.ProgressReport)
    ref.stop(reason, timeout=PATIENCE)
    entry = house.next(otp.SupervisorReport)

    assert (entry.level, entry.dn) == ("ERROR", "root.child")
    assert entry.report.context is otp.ErrorContext.CHILD_TERMINATED
    assert entry.report.offenders == (CHILD,)
    assert entry.report.reason.startswith(reason.value if isinstance(reason, otp.Reason) else "shutdown: 'why'")
    assert house.next(otp.ProgressReport).message == "started again, incarnation 2"


@pytest.mark.parametrize("restart", [otp.Restart.TRANSIENT, otp.Restart.TEMPORARY])
@pytest.mark.parametrize("reason", [otp.Reason.NORMAL, otp.Reason.SHUTDOWN, otp.Shutdown("why")])
def test_a_clean_end_of_another_child_is_none(house, restart, reason):
    house.under(Worker, restart=restart).stop(reason, timeout=PATIENCE)
    house.system.stop()

    assert house.system.logs.read(level="WARNING") == []


def test_a_supervisor_that_gives_up_reports_whose_restarts_were_too_many(house):
    house.under(max_restarts=0).send(boom)
    crash, entry = house.next(otp.CrashReport), house.next(otp.SupervisorReport)

    assert crash.dn == "root.child"
    assert (entry.level, entry.dn) == ("ERROR", "root")
    assert entry.report.supervisor == "root"
    assert entry.report.context is otp.ErrorContext.SHUTDOWN
    assert entry.report.reason == "reached_max_restart_intensity"
    assert [(each.dn, each.restart) for each in entry.report.offenders] == [("root.child", otp.Restart.PERMANENT)]


def test_a_supervisor_whose_child_cannot_be_started_reports_that(house):
    house.run(otp.Supervisor({"child": otp.Child(Worker, boom)}))
    crash, entry = house.next(otp.CrashReport), house.next(otp.SupervisorReport)

    assert crash.report.supervisor.context is otp.ErrorContext.START_ERROR
    assert (entry.report.context, entry.report.reason) == (otp.ErrorContext.SHUTDOWN, "failed_to_start_child")


def test_a_supervisor_that_ends_with_a_significant_child_is_no_error(house):
    child = otp.Child(Worker, restart=otp.Restart.TRANSIENT, significant=True)
    house.run(otp.Supervisor({"child": child}, auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT))
    house.system.wait_healthy(PATIENCE)
    house.system.ref("root.child").stop(timeout=PATIENCE)
    entry = house.next(otp.SupervisorReport)

    assert (entry.level, entry.report.reason) == ("INFO", "auto_shutdown")


def test_an_inner_supervisor_is_an_offender_of_type_supervisor(house):
    inner = otp.Supervisor({"child": Worker}, max_restarts=0)
    house.run(otp.Supervisor({"inner": inner}))
    house.system.wait_healthy(PATIENCE)
    started = [house.next(otp.ProgressReport).report.started for _ in range(2)]

    assert [(each.dn, each.type) for each in started] == [("root.inner.child", "worker"), ("root.inner", "supervisor")]


def test_what_a_canceled_child_raises_is_a_shutdown_error(house):
    class Failing(Worker):
        def terminate(self, reason):
            raise LookupError

    house.under(Failing)
    house.system.stop()
    entry = house.next(otp.CrashReport)

    assert (entry.level, entry.report.reason) == ("WARNING", "LookupError")
    assert entry.report.supervisor.context is otp.ErrorContext.SHUTDOWN_ERROR


@pytest.mark.parametrize(
    ("reason", "restart", "levels"),
    [
        (otp.Reason.SHUTDOWN, otp.Restart.PERMANENT, []),
        (otp.Shutdown("why"), otp.Restart.PERMANENT, ["WARNING"]),
        (otp.Shutdown("why"), otp.Restart.TRANSIENT, []),
    ],
    ids=str,
)
def test_a_canceled_child_that_stops_cleanly_by_itself_is_an_error_of_a_permanent_one_only(
    house, reason, restart, levels
):
    def work(_):
        house.seen.put("works")
        otp.wait_canceled()
        return otp.Stop(reason)

    house.under(Worker, restart=restart).send(work)
    assert house.seen.get(timeout=PATIENCE) == "works"
    house.system.stop()

    found = house.system.logs.read(level="WARNING")
    assert [each.level for each in found] == levels
    assert all(each.report.context is otp.ErrorContext.SHUTDOWN_ERROR for each in found)


def test_children_that_miss_their_deadline_together_are_the_offenders_of_one_report(house):
    def stubborn():
        otp.signal(otp.Signal.HEALTHY)
        house.gate.wait()

    def parent():
        otp.run_group({"a": stubborn, "b": stubborn})
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    house.below(parent)
    house.system.wait_healthy(PATIENCE)
    house.system.restart("root.child")
    assert house.system.tree()  # reads see writes: the deadline is set by now
    house.clock.advance(5.0)
    entry = house.next(otp.SupervisorReport)

    assert entry.level == "WARNING"
    assert (entry.report.supervisor, entry.report.context) == ("root.child", otp.ErrorContext.SHUTDOWN_ERROR)
    assert entry.report.reason == "killed"
    assert [each.dn for each in entry.report.offenders] == ["root.child.a", "root.child.b"]


# --- progress ---


def test_a_child_that_a_supervisor_has_started_is_told_of_at_debug(house):
    house.under()
    entry = house.next(otp.ProgressReport)

    assert (entry.level, entry.dn, entry.message) == ("DEBUG", "root.child", "has started")
    assert entry.report == otp.ProgressReport(supervisor="root", started=CHILD)


def test_a_child_that_a_supervisor_has_started_again_is_told_of_at_info_once_it_is_healthy(house):
    def child():
        house.seen.put("starts")
        house.gate.wait()
        otp.signal(otp.Signal.HEALTHY)
        otp.receive()
        boom()

    house.run(otp.Supervisor({"child": child}))
    house.gate.set()
    house.system.wait_healthy(PATIENCE)
    assert house.next(otp.ProgressReport).level == "DEBUG"
    house.gate.clear()
    house.system.ref("root.child").send("fall")
    house.next(otp.CrashReport)
    assert [house.seen.get(timeout=PATIENCE) for _ in range(2)] == ["starts"] * 2
    house.system._engine.flush()
    assert house.system.logs.read("root.child", last=1)[0].level == "ERROR"
    house.gate.set()
    entry = house.next(otp.ProgressReport)

    assert (entry.level, entry.message) == ("INFO", "started again, incarnation 2")
    assert entry.report.started.incarnation == 2


def test_of_other_children_only_a_restart_is_told(house):
    first = threading.Event()

    def child():
        otp.signal(otp.Signal.HEALTHY)
        if not first.is_set():
            first.set()
            boom()
        otp.wait_canceled()

    house.below(child, backoff=NO_WAIT)
    entry = house.next(otp.ProgressReport)

    assert (entry.level, entry.message) == ("INFO", "started again, incarnation 2")
    assert (entry.report.supervisor, entry.report.started.dn) == ("root", "root.child")
    assert [each.level for each in house.system.logs.read()] == ["ERROR", "INFO"]


def test_of_many_starts_in_a_second_the_rest_is_counted_and_told_of_later(house):
    def child():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    names = [f"child{number}" for number in range(510)]
    house.run(otp.Supervisor(dict.fromkeys(names, child)))
    for _ in range(500):
        assert house.next(otp.ProgressReport).report.omitted == 0
    house.system.wait_healthy(30)
    house.clock.advance(1.0)
    house.system.ref("root", otp.SupervisorRef).start_child("one-more", child)
    last = house.next(otp.ProgressReport)

    assert (last.dn, last.report.omitted) == ("root.one-more", 10)
    assert last.message == "has started, as have 10 others just now"


# --- records ---


def test_a_sink_of_loguru_gets_the_report_in_extra(house):
    records = queue.SimpleQueue()
    sink = logger.add(lambda message: records.put(message.record), level="ERROR")
    house.under().send(boom)
    entry = house.next(otp.CrashReport)
    record = records.get(timeout=PATIENCE)
    logger.remove(sink)

    assert record["extra"]["dn"] == "root.child"
    assert record["extra"]["report"] == entry.report
    assert records.empty()


def test_a_report_is_no_extra_of_the_entry(house):
    house.under().send(boom)

    assert dict(house.next(otp.CrashReport).extra) == {}


def test_a_report_of_the_users_own_stays_what_it_is(house):
    def child():
        otp.logger().bind(report={"sales": 5}).info("the month is over")
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    house.below(child)
    house.system.wait_healthy(PATIENCE)
    (entry,) = house.system.logs.read("root.child")

    assert entry.report is None
    assert dict(entry.extra) == {"report": "{'sales': 5}"}
    assert "report" not in json.loads(as_json(entry))


def test_as_json_a_report_has_its_kind_and_its_fields(house):
    house.under().send(boom)
    report = json.loads(as_json(house.next(otp.CrashReport)))["report"]

    assert report["kind"] == "crash"
    assert report["reason"] == "ValueError: broken"
    assert report["state"] == "{}"
    assert report["supervisor"]["context"] == "child_terminated"
    assert report["supervisor"]["offenders"][0] == {
        "name": "child",
        "dn": "root.child",
        "incarnation": 1,
        "restart": "permanent",
        "shutdown": 5.0,
        "type": "worker",
    }


def test_reports_hold_nothing_of_the_users(house):
    class Text(str):
        __slots__ = ("secret",)

    class OddError(Exception):
        def __str__(self):
            return Text("odd")

    def fall(_):
        raise OddError

    house.under().send(fall)
    report = house.next(otp.CrashReport).report

    assert type(report.reason) is str
    assert type(report.state) is str
    assert type(report.last_message) is str
