"""A client of the quickstart service: it talks, kills workers and a program of the service, and goes on talking.

    python -m examples.quickstart_client [PORT]

Exits with status 0 if every answer was the expected one.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from examples.quickstart import HOST, PORT

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 10.0

CONVERSATION = (
    ("hello", "HELLO (5 characters)"),
    ("who is there", "WHO IS THERE (12 characters)"),
    ("crash", "error: a bug in the worker"),
    ("are you still there", "ARE YOU STILL THERE (19 characters)"),
    ("crash", "error: a bug in the worker"),
    ("and now", "AND NOW (7 characters)"),
)


def main(port: int = PORT) -> int:
    """Hold the conversation, and look for what was killed to come back; the exit status."""
    wrong = 0
    with socket.create_connection((HOST, port), TIMEOUT) as connection, connection.makefile("rw") as lines:

        def ask(line: str) -> str:
            lines.write(f"{line}\n")
            lines.flush()
            return lines.readline().strip()

        killed = running_clock(ask)
        for line, expected in CONVERSATION:
            answer = ask(line)
            wrong += answer != expected
            print(f"{line:<20} -> {answer}" + ("" if answer == expected else f"    (expected: {expected})"))
            if line == "hello":
                os.kill(killed, signal.SIGKILL)
                print("(the clock is killed)")
        running_clock(ask, other_than=killed)
        print("(the clock is back)")
        print(f"(load balancers hear: {health_at(int(ask('health')))})")
    print(f"{len(CONVERSATION) - wrong} of {len(CONVERSATION)} answers as expected")
    return 1 if wrong else 0


def running_clock(ask: Callable[[str], str], other_than: int | None = None) -> int:
    """The process id of the clock, as soon as one runs."""
    deadline = time.monotonic() + TIMEOUT
    while (answer := ask("pid")) in {"None", str(other_than)}:
        if time.monotonic() > deadline:
            msg = f"no clock runs after {TIMEOUT} seconds"
            raise TimeoutError(msg)
        time.sleep(0.1)
    return int(answer)


def health_at(port: int) -> str:
    """What the gRPC server says of the service."""
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
