"""A tree with one server in it, of every kind, and what comes of it."""

from __future__ import annotations

import asyncio
import queue
import threading
from contextlib import suppress

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


def reason_of(future):
    """The reason that whoever waits for it is told, when the server has ended."""
    error = future.exception(timeout=PATIENCE)
    assert type(error) is otp.ServerExitError
    return error.reason


class WatchedClock(VirtualClock):
    """A virtual clock that can be asked who waits for it."""

    def subscribe(self, wake):
        unsubscribe = super().subscribe(wake)
        with self._changed:
            self._changed.notify_all()
        return unsubscribe

    def wait_for_waiters(self, count):
        """Until so many wait, besides the loop of the tree."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._wakes) + len(self._sleepers) - 1 >= count, PATIENCE)


class AsyncGate:
    """An event that a coroutine waits for and any thread sets."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self.wait = self._event.wait

    def set(self):
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._event.set)


class House:
    """Runs servers below a root that serves."""

    def __init__(self):
        self.seen = queue.SimpleQueue()
        self.clock = WatchedClock()
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

    def waiting(self, ref):
        """The future of a call that is not answered before the server ends, and which it has seen."""
        future = ref.send_request(lambda *_: otp.NoReply())
        assert ref.call(lambda *_: "seen") == "seen"
        return future

    def pass_idle(self, seconds):
        """Let that much time pass once the server waits for some moment: for mail, or for its deadline."""
        self.clock.wait_for_waiters(1)
        self.clock.advance(seconds)

    def gate(self):
        """An event that is set at the end of the test at the latest."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def async_gate(self):
        """The same for coroutines; made on the event loop."""
        gate = AsyncGate()
        self._gates.append(gate)
        return gate

    def open(self):
        """Set all gates."""
        for gate in self._gates:
            gate.set()

    def silent(self):
        """Whether the server has said nothing more; asked when it has ended."""
        return self.seen.empty()

    def logged(self, level="TRACE"):
        """The records of the server, so far."""
        self.system._engine.flush()
        return self.system.logs.read("root.server", level=level)

    def close(self):
        self.open()
        if self.system is not None:
            self.system.request_stop(now=True)
            with suppress(otp.SystemNotRunningError):
                self.system.tree()  # reads see writes: deadlines are set by now
            self.clock.advance(60.0)
            self.system.join(PATIENCE)
