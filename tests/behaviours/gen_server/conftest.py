"""A tree with one server in it, of every kind, and what comes of it."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress

import pytest

import otp
from otp.testing.clock import VirtualClock

PATIENCE = 10.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Doer(otp.GenServer):
    """A server that does what its mail says: each letter is a function of the server, or is kept for the test."""

    def init(self, house, then=None):
        self.house = house
        return None if then is None else then(self)

    def handle_call(self, request, sender):
        return request(self, sender)

    def handle_cast(self, request):
        return request(self)

    def handle_info(self, message):
        if callable(message):
            return message(self)
        self.house.seen.put(message)
        return None

    def handle_continue(self, arg):
        return arg(self)

    def terminate(self, reason):
        self.house.seen.put(("terminate", reason))


def boom(error):
    """A letter that has a server raise it."""

    def crash(*_):
        raise error

    return crash


class House:
    """Runs servers below a root that serves."""

    def __init__(self):
        self.seen = queue.SimpleQueue()
        self.clock = VirtualClock()
        self.system = None
        self._gates = []

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

    def do(self, kind, then=None, **options):
        """A tree with a `Doer`."""
        return self.run(kind(Doer), self, then, **options)

    def gate(self):
        """An event that is set at the end of the test at the latest."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def silent(self):
        """Whether the server has said nothing more; asked when it has ended."""
        return self.seen.empty()

    def logged(self, level="TRACE"):
        """The records of the server, so far."""
        self.system._engine.flush()
        return self.system.logs.read("root.server", level=level)

    def close(self):
        for gate in self._gates:
            gate.set()
        if self.system is not None:
            self.system.request_stop(now=True)
            with suppress(otp.SystemNotRunningError):
                self.system.tree()  # reads see writes: deadlines are set by now
            self.clock.advance(60.0)
            self.system.join(PATIENCE)


@pytest.fixture
def house():
    house = House()
    yield house
    house.close()


CALLBACKS = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


def awaited(cls, name):
    """The same callback as a coroutine function."""

    async def callback(self, *args, **kwargs):
        return getattr(cls, name)(self, *args, **kwargs)

    return callback


@pytest.fixture(params=["thread", "task", "async"])
def kind(request):
    """Makes of a plain server what is asked for: itself; a task with plain callbacks; a task with awaited ones."""

    def as_asked(cls):
        names = {"thread": (), "task": ("terminate",), "async": CALLBACKS}[request.param]
        return type(cls.__name__, (cls,), {name: awaited(cls, name) for name in names})

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
