"""The parts of the quickstart by themselves, as a user would test the parts of a service: with the harness."""

from __future__ import annotations

import queue

import otp
from examples import quickstart
from otp.testing import VirtualClock


def test_a_worker_answers_and_one_that_crashes_tells_its_client_and_comes_back(otp_harness, monkeypatch):
    monkeypatch.setattr(quickstart, "WORKERS", 1)
    jobs: quickstart.Jobs = queue.SimpleQueue()
    clock = VirtualClock()
    lines = [quickstart.Job(line) for line in ("hello", "who", "crash", "again")]
    for job in lines:
        jobs.put(job)
    otp_harness.expect_death("root.worker-1", match="a bug in the worker")
    system = otp_harness.start(quickstart.workers, jobs, {"who": lambda: "me"}, clock=clock)

    answers = [job.answer.result(timeout=10) for job in lines[:3]]
    assert next(system.logs.stream("root.worker-1", backlog=None)).level == "ERROR"
    otp_harness.advance_to_next()

    assert [*answers, lines[3].answer.result(timeout=10)] == [
        "HELLO (5 characters)",
        "me",
        "error: a bug in the worker",
        "AGAIN (5 characters)",
    ]
    system.wait_healthy(timeout=10)
    assert system.node("root.worker-1").incarnation == 2


def test_a_client_that_has_hung_up_costs_nothing(otp_harness, monkeypatch):
    monkeypatch.setattr(quickstart, "WORKERS", 1)
    jobs: quickstart.Jobs = queue.SimpleQueue()
    gone, next_one = quickstart.Job("crash"), quickstart.Job("hello")
    assert gone.answer.cancel()
    jobs.put(gone)
    jobs.put(next_one)
    system = otp_harness.start(quickstart.workers, jobs, {})

    assert next_one.answer.result(timeout=10) == "HELLO (5 characters)"
    assert system.node("root.worker-1").incarnation == 1


def test_the_reporter_reports_twice_and_loses_its_connection(otp_harness):
    jobs: quickstart.Jobs = queue.SimpleQueue()
    jobs.put(quickstart.Job("waiting"))
    clock = VirtualClock()
    otp_harness.expect_death("root", match="the metrics server hung up")
    system = otp_harness.start(quickstart.reporter, jobs, clock=clock)
    system.wait_healthy(timeout=10)
    log = system.logs.stream(backlog=None)

    said = []
    for _ in range(2):
        clock.wait_for_sleepers(1)
        clock.advance(5.0)
        said.append(next(log).message)
    clock.wait_for_sleepers(1)
    clock.advance(5.0)
    died = next(log)

    assert said == ["1 lines wait for a worker"] * 2
    assert (died.level, died.dn) == ("ERROR", "root")
    assert died.message.startswith("died: ConnectionError: the metrics server hung up")
    assert system.tree().state is otp.NodeState.DEAD
