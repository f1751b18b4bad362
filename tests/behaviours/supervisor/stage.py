"""The stage of the supervisors' tests: children that do as they are told, real threads and coroutines, virtual time.

Nothing here sleeps. Who dies says so in the events of the system; what is started and ended is written down by the
children themselves (`Stage.life`), each before it is HEALTHY and before its end is told.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest

import otp
from otp.testing.clock import VirtualClock
from otp.tree.ends import Exiting

PATIENCE = 30.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class BoomError(Exception):
    """How children crash."""


# --- how a child ends, or does not start -----------------------------------------------------------------------------


class _Return(BaseException):
    """Leave the runnable by a plain return."""


def crash():
    raise BoomError


def returns():
    raise _Return


def done():
    otp.signal(otp.Signal.DONE)
    raise _Return


def shutdown():
    raise Exiting(otp.Reason.SHUTDOWN)


def shutdown_with_detail():
    raise Exiting(otp.Shutdown("enough"))


def ignore():
    raise Exiting(None)


def killed():
    otp.current().exit(otp.Reason.KILL)


CLEAN = {"normal": done, "shutdown": shutdown, "shutdown with detail": shutdown_with_detail}
ABNORMAL = {"abnormal": crash, "killed": killed}


class Part:
    """A child that does what it is sent (a function), until it is canceled; a thread or a coroutine."""

    def __init__(self, stage: Stage, name: str, *starts) -> None:
        self._stage = stage
        self.name = name
        self.starts = list(starts)
        """What each start does before it is HEALTHY, one after the other; when they are used up, nothing."""
        self.always: Any = None
        """What every start does, as long as this is set."""
        self.deaf: threading.Event | None = None
        """It does not end before that is set, once it has been canceled."""
        self.given: list[tuple[Any, ...]] = []
        """The arguments of each start."""
        self.incarnations: list[int] = []

    def __call__(self, *options, **more) -> otp.Child:
        """As a child; the positional ones are its arguments."""
        run = self._run if self._stage.kind == "thread" else self._arun
        return otp.Child(run, *options, **more)

    def _run(self, *args) -> None:
        try:
            self._begin(args)
            while True:
                otp.receive()()
        except _Return:
            return
        finally:
            if self.deaf is not None and otp.canceled():
                self.deaf.wait(PATIENCE)
            self._stage.note(f"-{self.name}")

    async def _arun(self, *args) -> None:
        try:
            self._begin(args)
            while True:
                (await otp.areceive())()
        except _Return:
            return
        finally:
            if self.deaf is not None and otp.canceled():
                heard = asyncio.get_running_loop().run_in_executor(None, self.deaf.wait, PATIENCE)
                while not heard.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.shield(heard)
            self._stage.note(f"-{self.name}")

    def _begin(self, args) -> None:
        self._stage.note(f"+{self.name}")
        self.given.append(args)
        self.incarnations.append(otp.current().incarnation)
        if self.starts:
            self.starts.pop(0)()
        if self.always is not None:
            self.always()
        otp.signal(otp.Signal.HEALTHY)


def _serve() -> None:
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


async def _aserve() -> None:
    otp.signal(otp.Signal.HEALTHY)
    await asyncio.get_running_loop().create_future()


# --- the stage -------------------------------------------------------------------------------------------------------


class Asking:
    """A supervisor's ref, asked from a thread, or by the twins from a task: `stage.sup.start_child(...)`."""

    def __init__(self, ref, kind: str) -> None:
        self.ref = ref
        self._kind = kind

    def __getattr__(self, name: str):
        if self._kind == "thread":
            return getattr(self.ref, name)
        twin = getattr(self.ref, f"a{name}")
        return lambda *args, **more: asyncio.run(_awaited(twin, args, more))


async def _awaited(twin, args, more):
    return await twin(*args, **more)


class Stage:
    """Starts systems, and brings down what a test has left standing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.clock = VirtualClock()
        self.system: Any = None
        self.life: list[str] = []
        self._told = threading.Condition()
        self._gates: list[threading.Event] = []
        self._threads: list[threading.Thread] = []
        self._systems: list[otp.System] = []
        self._events: Any = None
        self.seen: list[Any] = []

    # --- what there is

    def part(self, name: str, *starts) -> Part:
        return Part(self, name, *starts)

    def parts(self, names: str) -> list[Part]:
        return [Part(self, name) for name in names]

    def gate(self) -> threading.Event:
        """An event that is set at the end of the test at the latest."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def run(self, supervisor, *, wait=True, **options) -> Asking:
        """A tree with that supervisor as `root.s`."""

        def root() -> None:
            otp.run("s", supervisor, **options)
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        return self._start(root, "root.s", supervisor, wait=wait)

    def run_as_root(self, supervisor, *, wait=True) -> Asking:
        return self._start(supervisor, "root", supervisor, wait=wait)

    def _start(self, root, dn, supervisor, *, wait) -> Asking:
        self.system = otp.System(root, clock=self.clock, backoff=otp.Backoff(initial=1.0, jitter=0.0))
        self._systems.append(self.system)
        self._events = self.system.events()
        self.system.start()
        if wait:
            self.healthy()
        return self.asking(dn, supervisor.ref_type)

    def asking(self, dn: str, ref_type=otp.SupervisorRef) -> Asking:
        return Asking(ref_type(dn, self.system), self.kind)

    def ref(self, dn: str) -> otp.Ref:
        return otp.Ref(dn, self.system)

    @property
    def serve(self):
        """A well-behaved runnable of this kind."""
        return _serve if self.kind == "thread" else _aserve

    def never_healthy(self, part: Part):
        """A runnable that notes its life as `part` does, and never says that it serves."""

        def run() -> None:
            self.note(f"+{part.name}")
            otp.wait_canceled()
            self.note(f"-{part.name}")

        async def arun() -> None:
            self.note(f"+{part.name}")
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.note(f"-{part.name}")

        return run if self.kind == "thread" else arun

    def raises_when_canceled(self, part: Part):
        """The same, but it crashes when it is to end."""

        def run() -> None:
            self.note(f"+{part.name}")
            otp.wait_canceled()
            self.note(f"-{part.name}")
            raise BoomError

        async def arun() -> None:
            self.note(f"+{part.name}")
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                self.note(f"-{part.name}")
                raise BoomError from None

        return run if self.kind == "thread" else arun

    # --- what happens

    def note(self, text: str) -> None:
        with self._told:
            self.life.append(text)
            self._told.notify_all()

    def until_noted(self, text: str, times: int = 1) -> None:
        """Wait until a child has written that down so often."""
        with self._told:
            assert self._told.wait_for(lambda: self.life.count(text) >= times, PATIENCE), self.life

    def end(self, dn: str, how) -> None:
        """Have that child end, and wait until the tree has seen it."""
        self.ref(dn).send(how)
        self.until((otp.events.Died, otp.events.Done), dn)

    def until(self, kind, dn: str | None = None):
        """Read on to the next event of that kind, about that node."""
        for event in self._events:
            self.seen.append(event)
            if isinstance(event, kind) and (dn is None or event.dn == dn):
                return event
        pytest.fail(f"the system stopped without {kind} of {dn}; it told {self.seen}")

    def healthy(self) -> None:
        """Everything that is to run does."""
        self.system.wait_healthy(PATIENCE)

    def crash(self, dn: str) -> None:
        """It crashes, and whoever is restarted because of that serves again."""
        self.end(dn, crash)
        self.healthy()

    def gone(self, dn: str) -> None:
        """Wait until that supervisor has given up."""
        self.until(otp.events.Died, dn)

    def later(self, call, *args, **more) -> Future:
        """Call it in a thread of its own."""
        future: Future = Future()

        def run() -> None:
            try:
                future.set_result(call(*args, **more))
            except otp.OtpError as error:
                future.set_exception(error)

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()
        return future

    def stop(self) -> otp.StopReport:
        return self.system.stop()

    def close(self) -> None:
        for gate in self._gates:
            gate.set()
        for system in self._systems:
            system.request_stop(now=True)
            with suppress(otp.SystemNotRunningError):
                system.tree()  # reads see writes: the deadlines are set by now
            self.clock.advance(1000)
            with suppress(otp.SupervisorExitError):
                system.join(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)


def states(rows: dict[str, otp.ChildInfo]) -> dict[str, str]:
    """The children and their states, in order."""
    return {name: info.state.value for name, info in rows.items()}


def counts(of: otp.ChildCounts) -> tuple[int, int, int, int]:
    return of.specs, of.active, of.supervisors, of.workers


def twins_of(ref_type: type) -> set[str]:
    """The methods that have an awaitable twin."""
    names = {name for name, _ in inspect.getmembers(ref_type, inspect.isfunction)}
    return {name for name in names if f"a{name}" in names}
