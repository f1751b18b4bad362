"""Defects of the seed around the life of a whole tree: its start, its stop, what is left of it, and what it costs at rest."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

import otp
from otp.events import Canceled, Died, Done, Started, Stopped
from otp.tree import supervisor

from .cast import becomes_healthy, root_of

SHUTDOWNS = 10
MEMBERS = 10
IN_A_ROW = 100


@pytest.mark.defect("B13")
def test_ten_shutdowns_of_ten_runnables_leave_no_thread(stage):
    for _ in range(SHUTDOWNS):
        system = stage.start(lambda: otp.run_group({f"r{n}": becomes_healthy() for n in range(MEMBERS)}), real=True)
        system.wait_healthy(stage.patience)
        assert system.stop().unstopped == ()

    stage.assert_no_thread_left()


@pytest.mark.defect("B13'")
def test_a_tree_that_is_done_ends_by_itself_and_its_stop_leaves_no_thread(stage):
    def done():
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    for _ in range(SHUTDOWNS):
        system = stage.start(lambda: otp.run_group({f"r{n}": done for n in range(MEMBERS)}), real=True)
        system.join(stage.patience)
        assert system.stop().unstopped == ()

    stage.assert_no_thread_left()


@pytest.mark.defect("B14")
def test_a_system_that_is_stopped_as_soon_as_it_is_started_stops(stage):
    for _ in range(IN_A_ROW):
        system = stage.start(lambda: otp.run("a", becomes_healthy()), real=True)
        system.request_stop()
        system.join(stage.patience)
        assert system.stop().unstopped == ()


@pytest.mark.defect("B14")
def test_a_system_that_was_asked_to_stop_before_it_was_started_stops(stage):
    began = stage.mark("the root begins")
    for _ in range(IN_A_ROW):
        system = stage.system(began.set, real=True)
        system.request_stop()
        system.start()
        system.join(stage.patience)
        assert system.tree().children == ()

    assert began.pending <= IN_A_ROW  # whether a root still begins is a matter of chance; none begins twice


@pytest.mark.defect("B14")
def test_stopping_from_many_threads_at_once_gives_each_the_report(stage):
    system = stage.start(lambda: otp.run("a", becomes_healthy()), real=True)
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(system.stop())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(stage.patience)

    assert [report.unstopped for report in reports] == [()] * 8


@pytest.mark.defect("B15")
def test_a_system_can_be_waited_for_looked_at_and_stopped(stage):
    system, diary = stage.told(lambda: otp.run("a", becomes_healthy()))
    system.wait_healthy(stage.patience)
    system.wait_settled(stage.patience)
    assert system.node("root.a").state is otp.NodeState.HEALTHY
    with pytest.raises(otp.NoSuchNodeError):
        system.node("root.b")

    assert system.stop() == otp.StopReport(unstopped=())
    assert system.stop() == otp.StopReport(unstopped=())
    system.join(stage.patience)
    assert isinstance(diary.wait_end()[-1], Stopped)
    assert system.node("root.a").state is otp.NodeState.CANCELED


@pytest.mark.defect("B15")
def test_the_first_death_can_be_had_as_an_exception(stage):
    a = stage.remote("a")
    system = stage.start(lambda: otp.run("a", a), propagate=True)
    a.die()

    with pytest.raises(Exception, match="died on request"):
        system.join(stage.patience)


@pytest.mark.defect("B15")
def test_who_does_not_stop_is_reported_until_it_has_ended(stage):
    gate, threads = stage.gate(), SimpleQueue()

    def does_not_listen():
        threads.put(threading.current_thread())
        gate.wait()

    system = stage.start(lambda: otp.run("deaf", does_not_listen, shutdown=0.0))
    thread = threads.get(timeout=stage.patience)
    assert system.stop().unstopped == ("root.deaf",)

    gate.set()
    thread.join(stage.patience)
    assert system.stop().unstopped == ()


class Recording:
    """A bell that remembers for how long its hearer was ready to wait, each time that it began to."""

    def __init__(self, bell) -> None:
        self._bell = bell
        self.timeouts: list[float] = []

    def acquire(self, timeout):
        self.timeouts.append(timeout)
        return self._bell.acquire(timeout=timeout)

    def __getattr__(self, name):
        return getattr(self._bell, name)


LOOKS = 20


def waits_between_looks(system: otp.System, recording: Recording) -> list[float]:
    """How long the loop of the tree was ready to wait after each of some questions; the last wait may be still to begin."""
    system.tree()
    asked = len(recording.timeouts)
    for _ in range(LOOKS):
        system.tree()
    waits = recording.timeouts[asked:]
    assert LOOKS - 1 <= len(waits) <= LOOKS + 1, "it was woken by something else than a question"
    return waits


@pytest.mark.defect("B19")
def test_an_idle_tree_waits_without_a_timeout(stage):
    system = stage.system(root_of, lambda: otp.run("a", becomes_healthy()), real=True)
    loop = system._engine._loop
    loop._bell = recording = Recording(loop._bell)
    system.start()
    system.wait_healthy(stage.patience)

    assert set(waits_between_looks(system, recording)) == {-1}


@pytest.mark.defect("B19")
def test_a_tree_that_waits_for_a_backoff_is_woken_by_its_end_only(stage):
    a = stage.remote("a")
    system = stage.system(root_of, lambda: otp.run("a", a), real=True, backoff=otp.Backoff(30.0, jitter=0))
    diary = stage.diary(system)
    loop = system._engine._loop
    loop._bell = recording = Recording(loop._bell)
    system.start()
    a.die()
    diary.wait(Died, "root.a")
    diary.wait(Done, "root")

    waits = waits_between_looks(system, recording)
    assert all(20.0 < timeout <= 30.0 for timeout in waits)


@pytest.mark.defect("B19")
def test_nobody_walks_over_the_tree_while_nobody_looks_at_it(stage, monkeypatch):
    walks = []
    take = supervisor.take
    monkeypatch.setattr(supervisor, "take", lambda *args: walks.append(args) or take(*args))
    a = stage.remote("a")
    _, diary = stage.told(lambda: otp.run("a", a), backoff=otp.Backoff(1.0, jitter=0, multiplier=1.0))
    for incarnation in range(1, 20):
        a.wait_incarnation(incarnation)
        a.die()
        diary.wait(Died, "root.a", incarnation)
        stage.clock.advance(1.0)

    assert walks == []


@pytest.mark.defect("B22")
def test_a_group_starts_in_the_order_in_which_it_is_written(stage):
    names = [f"r{n * 7 % 20}" for n in range(20)]
    system, diary = stage.told(lambda: otp.run_group({name: becomes_healthy() for name in names}))

    system.wait_healthy(stage.patience)
    system.stop()
    started = [event.dn for event in diary.wait_end() if isinstance(event, Started)]
    assert started == ["root", *(f"root.{name}" for name in names)]


@pytest.mark.defect("B22")
def test_a_stop_ends_one_after_the_other_the_last_started_first(stage):
    names = ["first", "second", "third"]
    seen: dict[str, list[str]] = {}
    healthy = {name: stage.mark(name) for name in names}
    tokens = {}

    def stays(name):
        tokens[name] = otp.bind(otp.canceled)
        otp.signal(otp.Signal.HEALTHY)
        healthy[name].set()
        otp.wait_canceled()
        seen[name] = [each for each in names if tokens[each]()]

    def root():
        for name in names:
            otp.run(name, stays, name)
        otp.wait_canceled()

    system = stage.system(root)
    diary = stage.diary(system)
    system.start()
    for mark in healthy.values():
        mark.wait()
    system.stop()

    canceled = [event.dn for event in diary.wait_end() if isinstance(event, Canceled)]
    assert canceled == ["root.third", "root.second", "root.first", "root"]
    assert seen == {"third": ["third"], "second": ["second", "third"], "first": names}
