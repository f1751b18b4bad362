"""A client of the quickstart service: it talks, kills a worker, and goes on talking.

    python -m examples.quickstart_client [PORT]

Exits with status 0 if every answer was the expected one.
"""

from __future__ import annotations

import socket
import sys

from examples.quickstart import HOST, PORT

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
    """Hold the conversation; the exit status."""
    wrong = 0
    with socket.create_connection((HOST, port), TIMEOUT) as connection, connection.makefile("rw") as lines:
        for line, expected in CONVERSATION:
            lines.write(f"{line}\n")
            lines.flush()
            answer = lines.readline().strip()
            wrong += answer != expected
            print(f"{line:<20} -> {answer}" + ("" if answer == expected else f"    (expected: {expected})"))
    print(f"{len(CONVERSATION) - wrong} of {len(CONVERSATION)} answers as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
