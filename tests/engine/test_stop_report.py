"""What a stop has to tell of those who did not stop: as events, in the log, and then as its report."""

from __future__ import annotations

import threading

from loguru import logger

import otp


def test_who_is_stuck_is_told_before_the_system_has_stopped(stage):
    gate = stage.gate()

    def deaf() -> None:
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    system, story = stage.watch(deaf)
    system.wait_healthy(timeout=5)

    assert system.stop(timeout=0.0).unstopped == ("root",)

    told = [type(event) for event in story.rest()]
    assert told[-2:] == [otp.events.Stuck, otp.events.Stopped], told


def test_who_is_stuck_stands_in_the_log_before_the_stop_reports_it(stage):
    gate = stage.gate()
    lines: list[str] = []

    def deaf() -> None:
        otp.signal(otp.Signal.HEALTHY)
        gate.wait()

    def slow_sink(line: str) -> None:
        threading.Event().wait(0.2)
        lines.append(line)

    system = stage.start(deaf)
    system.wait_healthy(timeout=5)
    logger.enable("otp")
    sink = logger.add(slow_sink, format="{message}")
    try:
        report = system.stop(timeout=0.0)
        told = list(lines)
    finally:
        logger.remove(sink)

    assert report.unstopped == ("root",)
    assert any("root has stuck nodes" in line for line in told), told
    assert any("root stopped, but these still run: root" in line for line in told), told
