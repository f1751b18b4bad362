"""What the tests of the log tree share: records, and a system whose child logs."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import otp
from otp.logs.entry import LogEntry


def entry(dn: str = "root.a", message: str = "text", **parts) -> LogEntry:
    """A record, with what the test does not care about filled in."""
    filled = {"time": 1_000.0, "incarnation": 1, "level": "INFO", "severity": 20, **parts}
    return LogEntry(dn=dn, message=message, **filled)


@contextmanager
def running(*steps, name: str = "child"):
    """A system whose child does `steps`, one after the other, and then waits to be canceled."""
    done = threading.Event()

    def child() -> None:
        for step in steps:
            step()
        otp.signal(otp.Signal.HEALTHY)
        done.set()
        otp.wait_canceled()

    def root() -> None:
        otp.run(name, child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    with otp.System(root) as system:
        assert done.wait(timeout=10)
        yield system


def messages(system: otp.System, dn: str = "root", **options) -> list[str]:
    """The texts of the kept records."""
    return [each.message for each in system.logs.read(dn, **options)]
