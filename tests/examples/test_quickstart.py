"""The quickstart is what it says it is: the service and its client as processes, and its parts by themselves."""

from __future__ import annotations

import importlib
import os
import queue
import re
import select
import signal
import socket
import sys
from pathlib import Path

import pytest

import otp
from otp.testing.clock import VirtualClock

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def quickstart(monkeypatch):
    """The module, imported from the checkout."""
    monkeypatch.syspath_prepend(CHECKOUT)
    return importlib.import_module("examples.quickstart")


@pytest.fixture
def service(start):
    """The service as a process, on a port that is free; the process and the port."""
    program = start(sys.executable, "-m", "otp", "run", "examples.quickstart:root", "0", "0", cwd=CHECKOUT)
    port = re.search(r"listening on 127\.0\.0\.1:(\d+)", program.until("listening on"))[1]
    return program, int(port)


def test_the_client_is_answered_although_it_kills_workers_and_a_program_and_the_tree_heals(service, start):
    program, port = service
    program.until("└─ health")
    client = start(sys.executable, "-m", "examples.quickstart_client", str(port), cwd=CHECKOUT)

    assert client.end() == 0
    assert client.lines[-1] == "6 of 6 answers as expected"
    assert "crash                -> error: a bug in the worker" in client.lines
    assert client.lines.index("(the clock is killed)") < client.lines.index("(the clock is back)")
    assert "(load balancers hear: SERVING)" in client.lines

    program.until("root            HEALTHY")
    program.until("└─ health")
    log = "\n".join(program.lines)
    assert len(re.findall(r"root\.workers\.worker-\d died: RuntimeError: a bug in the worker", log)) == 2
    assert len(re.findall(r"root\.clock died: CommandError: sh was ended by SIGKILL", log)) == 1
    healed = program.lines[-8:]
    assert all("HEALTHY" in line for line in healed)
    assert len([line for line in healed if "worker-" in line and "incarnation 2" in line]) == 2
    assert len([line for line in healed if "clock" in line and "incarnation 2" in line]) == 1

    program.send(signal.SIGINT)
    assert program.end() == 0


def test_the_program_of_the_service_ends_with_it(service):
    program, port = service
    program.until("└─ health")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"pid\n")
        clock = os.pidfd_open(int(connection.makefile().readline()))

    program.send(signal.SIGTERM)

    assert program.end() == 0
    ended, _, _ = select.select([clock], [], [], 10)
    os.close(clock)
    assert ended


def test_a_client_that_hangs_up_harms_nobody(service):
    program, port = service
    with socket.create_connection(("127.0.0.1", port), timeout=10) as rude:
        rude.sendall(b"one\ntwo\n")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as polite:
        polite.sendall(b"three\n")
        assert polite.makefile().readline() == "THREE (5 characters)\n"

    program.send(signal.SIGTERM)
    assert program.end() == 0
    assert not any("died" in line or "Traceback" in line for line in program.lines)


def test_an_open_connection_does_not_hold_up_the_stop(service):
    program, port = service
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        idle.sendall(b"hello\n")
        lines = idle.makefile()
        assert lines.readline() == "HELLO (5 characters)\n"

        program.send(signal.SIGINT)

        assert lines.readline() == ""
        assert program.end() == 0


def test_a_client_without_a_service_fails(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = start(sys.executable, "-m", "examples.quickstart_client", str(port), cwd=CHECKOUT)

    assert client.end() == 1
    assert "ConnectionRefusedError" in client.lines[-1]


def test_the_reporter_fails_every_third_time_and_comes_back(quickstart, monkeypatch):
    naps: list[float] = []
    monkeypatch.setattr(quickstart.otp, "sleep", naps.append)
    clock = VirtualClock()
    system = otp.System(quickstart.reporter, queue.SimpleQueue(), clock=clock)
    events = system.events()
    with system:
        death = next(event for event in events if isinstance(event, otp.events.Died))
        assert death.error == "ConnectionError: the metrics server hung up"
        assert naps == [5.0, 5.0, 5.0]

        clock.advance(death.restart_in)

        assert any(isinstance(event, otp.events.Healthy) and event.incarnation == 2 for event in events)


def test_a_worker_skips_what_nobody_waits_for_any_more(quickstart):
    jobs = queue.SimpleQueue()
    dropped, wanted = quickstart.Job("dropped"), quickstart.Job("wanted")
    dropped.answer.cancel()
    jobs.put(dropped)
    jobs.put(wanted)

    with otp.System(quickstart.worker, jobs, {}):
        assert wanted.answer.result(timeout=10) == "WANTED (6 characters)"
    assert dropped.answer.cancelled()
