"""The stage of the mail's tests: a root that runs what a test names, on virtual time, and refs to write to it.

Nothing here sleeps. What dies stays dead until a test moves the clock; what a runnable was given is handed back by queues.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from loguru import logger

import otp
from otp.mail.ref import Ref
from otp.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 30.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Stage:
    """Starts systems, and brings down what a test has left standing."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.gate = threading.Event()
        """Set at the end of the test at the latest: for who waits on purpose."""
        self.system: otp.System
        self.events: Any
        self.closing: list[Callable[[], object]] = []
        """Called at the end of the test: lets go who waits on purpose."""
        self._systems: list[otp.System] = []

    def start(self, clock=None, **runnables) -> otp.System:
        """A system whose root runs `runnables`, each in a group of its own."""

        def root() -> None:
            for name, runnable in runnables.items():
                otp.run_group({name: runnable})
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        backoff = otp.Backoff(initial=1.0, jitter=0.0)
        self.system = otp.System(root, clock=clock or self.clock, backoff=backoff)
        self._systems.append(self.system)
        self.events = self.system.events()
        self.system.start()
        self.until(otp.events.Healthy, "root")
        return self.system

    def ref(self, name: str) -> Ref:
        """Of who runs below the root by that name."""
        return Ref(f"root.{name}", self.system)

    def until(self, kind: type, dn: str):
        """Wait until the system has told that."""
        for event in self.events:
            if isinstance(event, kind) and event.dn == dn:
                return event
        pytest.fail(f"the system stopped without {kind.__name__} of {dn}")

    def until_dead(self, name: str):
        return self.until(otp.events.Died, f"root.{name}")

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def close(self) -> None:
        self.gate.set()
        for call in self.closing:
            call()
        for system in self._systems:
            system.request_stop(now=True)
            with suppress(otp.SystemNotRunningError):
                system.tree()  # reads see writes: deadlines are set by now
            self.clock.advance(60)
            system.stop()
            system.join(PATIENCE)


class Actor:
    """A runnable that does what it is asked to (`do`), and hands all other mail to the test; a thread or a coroutine."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage = stage
        self.name = name
        self._news: SimpleQueue[Any] = SimpleQueue()

    def run(self) -> None:
        otp.signal(otp.Signal.HEALTHY)
        while True:
            self._handle(otp.receive())

    async def arun(self) -> None:
        otp.signal(otp.Signal.HEALTHY)
        while True:
            self._handle(await otp.areceive())

    @property
    def ref(self) -> Ref:
        return self._stage.ref(self.name)

    def do(self, call):
        """Have it call `call`; gives what that returned, or raises what it raised."""
        good, value = self.ref.call(_Do(call), None)
        if not good:
            raise value
        return value

    @staticmethod
    def request(call):
        """The request of a call that has it call `call`; the reply is a pair (whether it returned, value)."""
        return _Do(call)

    def end(self, how) -> None:
        """Have it end by what `how` raises."""
        self.ref.send(_End(how))

    def news(self):
        """The next message it got."""
        return self._news.get(timeout=PATIENCE)

    def nothing_more(self) -> bool:
        """Whether there was none up to now: what was sent before this is asked has arrived."""
        self.do(lambda: None)
        return self._news.empty()

    def _handle(self, letter) -> None:
        match letter:
            case otp.CallMessage(request=_Do()):
                try:
                    otp.reply(letter.sender, (True, letter.request.call()))
                except Exception as error:  # noqa: BLE001 - the test's business
                    otp.reply(letter.sender, (False, error))
            case _End():
                letter.how()
            case _:
                self._news.put(letter)


class _Do:
    def __init__(self, call) -> None:
        self.call = call


class _End:
    def __init__(self, how) -> None:
        self.how = how


@pytest.fixture
def stage(no_leaks):
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture(params=["thread", "coroutine"])
def actors(request, stage):
    """Starts actors by name, all threads or all coroutines."""

    def start(*names: str, restart=otp.Restart.TEMPORARY, threads=()) -> list[Actor]:
        """`threads`: names of those that are threads in any case."""
        made = [Actor(stage, name) for name in (*names, *threads)]
        plain = {
            actor.name: actor.run if request.param == "thread" or actor.name in threads else actor.arun
            for actor in made
        }
        stage.start(**{name: otp.Child(runnable, restart=restart) for name, runnable in plain.items()})
        stage.system.wait_healthy(PATIENCE)
        return made

    return start


@pytest.fixture(autouse=True)
def quiet():
    """The lines about deaths are no help."""
    logger.disable("otp")
    yield
    logger.enable("otp")


@pytest.fixture(autouse=True)
def no_leaks():
    """Threads are what they were before."""
    threads = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while left := set(threading.enumerate()) - threads:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        for thread in left:
            with suppress(RuntimeError):  # started, but it has not run yet
                thread.join(deadline - time.monotonic())


@pytest.fixture
def caller():
    """Has a thread of its own call; gives the future of what comes of it."""
    with concurrent.futures.ThreadPoolExecutor() as threads:
        yield threads.submit
