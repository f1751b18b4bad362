"""`run_system`, as far as a test can call it: signals, and the exit status."""

from __future__ import annotations

import os
import signal
import threading

import pytest

import otp
from otp.cli.run import run_and_show
from otp.program import run_system


def serve() -> None:
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def test_a_signal_stops_the_system_and_its_handlers_are_put_back():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def root() -> None:
        otp.signal(otp.Signal.HEALTHY)
        os.kill(os.getpid(), signal.SIGTERM)
        otp.wait_canceled()

    assert run_system(otp.System(root)) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_root_that_gives_up_is_said_so_and_is_status_1(capsys):
    def root() -> None:
        msg = "no way\nout"
        raise ValueError(msg)

    assert run_system(otp.System(root, propagate=True)) == 1
    assert capsys.readouterr().err == "otp: the root gave up: ValueError: no way out\n"


def test_who_did_not_stop_is_said_and_is_status_1(capsys):
    gate, healthy = threading.Event(), threading.Event()

    def deaf() -> None:
        otp.signal(otp.Signal.HEALTHY)
        healthy.set()
        gate.wait()

    def root() -> None:
        otp.run("deaf", deaf, shutdown=0.01)
        serve()

    system = otp.System(root)
    watch = threading.Thread(target=lambda: healthy.wait(10) and system.request_stop())
    watch.start()
    try:
        assert run_system(system) == 1
        assert capsys.readouterr().err.splitlines()[-1] == "otp: root.deaf did not stop"
    finally:
        gate.set()
        watch.join()
        system.join(timeout=10)


def test_off_the_main_thread_it_runs_without_signals():
    statuses: list[int] = []
    system = otp.System(serve)
    events = system.events()
    program = threading.Thread(target=lambda: statuses.append(run_system(system)))
    program.start()

    for event in events:
        if isinstance(event, otp.events.Healthy):
            system.request_stop()
    program.join()

    assert statuses == [0]


def test_a_system_that_cannot_be_started_leaves_no_watcher_behind(monkeypatch):
    def start(_system: otp.System) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(otp.System, "start", start)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        run_and_show(serve, ())

    assert "otp: show" not in {thread.name for thread in threading.enumerate()}
