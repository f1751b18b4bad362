"""A tree with one server in it, of either kind, and what comes of it."""

from __future__ import annotations

import queue
from contextlib import suppress

import pytest

import otp
from otp.testing.clock import VirtualClock

PATIENCE = 10.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class House:
    """Runs servers below a root that serves."""

    def __init__(self):
        self.seen = queue.SimpleQueue()
        self.clock = VirtualClock()
        self.system = None

    def run(self, server, *args, **options):
        """A tree with that server, which is started, unless it ends before; its ref."""
        refs = queue.SimpleQueue()

        def root():
            refs.put(otp.run("server", server, *args, **options))
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        self.system = otp.System(root, clock=self.clock)
        self.events = self.system.events()
        self.system.start()
        return refs.get(timeout=PATIENCE)

    def next(self):
        """What the server has said next."""
        return self.seen.get(timeout=PATIENCE)

    def event(self, kind):
        """The next event of that kind at the server."""
        for event in self.events:
            if isinstance(event, kind) and getattr(event, "dn", "root.server") == "root.server":
                return event
        raise AssertionError(kind)

    def close(self):
        if self.system is not None:
            self.system.request_stop(now=True)
            self.system.join(PATIENCE)


@pytest.fixture
def house():
    house = House()
    yield house
    house.close()


@pytest.fixture(params=["thread", "task"])
def kind(request):
    """Makes an async server of a sync one, so that each test is about both."""

    def as_asked(cls):
        if request.param == "thread":
            return cls

        async def terminate(self, reason):
            cls.terminate(self, reason)

        return type(cls.__name__, (cls,), {"terminate": terminate})

    as_asked.name = request.param
    return as_asked


@pytest.fixture
def errors():
    """What calls have ended with."""

    def of(call, *args):
        with suppress(AssertionError):
            try:
                return call(*args)
            except otp.OtpError as error:
                return error
        return None

    return of
