"""The stage of the conformance suite: the same scripts, played by each backend.

A script is an `async def` that takes its `Life` first and calls the façade as any runnable does. It waits by its life
only (`await life.until_canceled()`), so that an adapter can play it on an event loop, or by hand where nothing suspends.
A new backend enters by an adapter in `ADAPTERS`; the tests know no backend by name.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

import otp
from otp.backends.coroutine import CoroutineBackend
from otp.backends.thread import ThreadBackend
from otp.testing.clock import VirtualClock
from otp.tree.backend import Job
from otp.tree.clock import SystemClock
from otp.tree.decision.messages import End
from otp.tree.directory import Directory
from otp.tree.incarnation import Incarnation
from otp.tree.incarnation import current as context_local
from otp.tree.mailbox import ThreadMailbox

Script = Callable[..., Awaitable[object]]

PATIENCE = 30.0
"""Real seconds for what must happen; only a test that fails waits for so long."""


class Gate:
    """Something that a script waits for and a test opens."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()

    def open(self) -> None:
        with suppress(Exception):  # opened twice is open
            self._opened.set_result(None)

    def wait(self) -> None:
        self._opened.result()

    def on_open(self, call: Callable[[], object]) -> None:
        self._opened.add_done_callback(lambda _: call())


class Journal:
    """What scripts tell the test, in order."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def write(self, line: object) -> None:
        self._lines.put(line)

    def next(self) -> Any:
        return self._lines.get(timeout=PATIENCE)

    @property
    def empty(self) -> bool:
        return self._lines.empty()


class ThreadAdapter:
    """Scripts in a thread: their coroutine never suspends, for all that they await blocks."""

    name = "thread"
    killable = False
    make_backend: Callable[[], Any] = ThreadBackend
    blocks = True
    """Whether `otp.sleep` and `otp.wait_canceled` are legal in its runnables."""
    cancel_type: type[BaseException] = otp.Canceled
    """How its runnables are asked to end, and what they may raise to leave."""

    def runnable(self, script: Script) -> Callable[..., object]:
        @functools.wraps(script)
        def play(*args: object) -> object:
            return by_hand(script(self, *args))

        del play.__wrapped__  # it is no `async def` any more
        return play

    async def until_canceled(self) -> None:
        otp.sleep(1e9)

    async def deaf_until(self, gate: Gate) -> None:
        """Wait for `gate`, whoever cancels meanwhile."""
        gate.wait()


def by_hand(coroutine: Any) -> object:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError(coroutine)


class CoroutineAdapter:
    """Scripts as they are."""

    name = "coroutine"
    killable = False
    make_backend: Callable[[], Any] = CoroutineBackend
    blocks = False
    cancel_type: type[BaseException] = asyncio.CancelledError

    def runnable(self, script: Script) -> Callable[..., object]:
        @functools.wraps(script)
        async def play(*args: object) -> object:
            return await script(self, *args)

        return play

    async def until_canceled(self) -> None:
        await asyncio.Event().wait()

    async def deaf_until(self, gate: Gate) -> None:
        opened = asyncio.Event()
        loop = asyncio.get_running_loop()
        gate.on_open(lambda: loop.call_soon_threadsafe(opened.set))
        while not opened.is_set():
            with suppress(asyncio.CancelledError):
                await opened.wait()


class Killed(BaseException):
    """How a runnable of the fake killable backend ends by force."""


class _KillableHandle(threading.Thread):
    def __init__(self, incarnation: Any, job: Any) -> None:
        super().__init__(name=incarnation.dn, daemon=True)
        self._incarnation = incarnation
        self._job = job
        self._something = threading.Condition()
        self._killed = False

    def cancel(self) -> None:
        self._notify()

    def kill(self) -> None:
        self._killed = True
        self._notify()

    def _notify(self) -> None:
        with self._something:
            self._something.notify_all()

    def stack(self) -> str:
        return "somewhere else\n"

    def wait(self, reached: Callable[[], bool]) -> None:
        """Wait, but not beyond a kill: what waits here is what can be killed."""
        with self._something:
            self._something.wait_for(lambda: self._killed or reached())
        if self._killed:
            raise Killed

    def wait_for_gate(self, gate: Gate) -> None:
        opened = threading.Event()
        gate.on_open(lambda: (opened.set(), self._notify()))
        self.wait(opened.is_set)

    def run(self) -> None:
        handles[self._incarnation] = self
        context_local.set(self._incarnation)
        end, error = End.RETURNED, None
        if self._incarnation.is_canceled:
            end = End.LEFT
        else:
            try:
                self._job.runnable(*self._job.args)
            except (otp.Canceled, asyncio.CancelledError) as canceled:
                end, error = End.LEFT, canceled
            except BaseException as death:  # noqa: BLE001 - whatever it is, it has ended
                end, error = End.RAISED, death
        del handles[self._incarnation]
        ended = [error]
        del error  # this frame is in the exception's traceback: with it, it would be a cycle
        self._incarnation.end(end, ended.pop())


handles: dict[Any, _KillableHandle] = {}


class FakeKillableBackend:
    """A backend in this process that can end its runnables by force, wherever they wait by their life."""

    name = "killable"
    killable = True
    makes_thread = True

    def mailbox(self, dn: str) -> ThreadMailbox:
        return ThreadMailbox(dn)

    def start(self, incarnation: Any, job: Any) -> _KillableHandle:
        handle = _KillableHandle(incarnation, job)
        handle.start()
        return handle

    def close(self) -> None:
        pass

    def join(self, timeout: float) -> None:
        pass


class KillableAdapter(ThreadAdapter):
    name = "killable"
    killable = True
    make_backend: Callable[[], Any] = FakeKillableBackend

    def __init__(self) -> None:
        self.backend = FakeKillableBackend()

    def runnable(self, script: Script) -> Callable[..., object]:
        play = super().runnable(script)
        play.backend = self.backend  # type: ignore[attr-defined]
        return play

    async def until_canceled(self) -> None:
        handle = handles[context_local.get()]
        handle.wait(otp.canceled)
        raise otp.Canceled

    async def deaf_until(self, gate: Gate) -> None:
        handles[context_local.get()].wait_for_gate(gate)


class _System(otp.System):
    """A system that has the fake backend too."""

    def backend_for(self, runnable: Callable[..., object]) -> Any:
        return getattr(runnable, "backend", None) or super().backend_for(runnable)


ADAPTERS = (ThreadAdapter, CoroutineAdapter, KillableAdapter)


class Stage:
    """One system with virtual time, whose root starts what the test puts on the stage."""

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter
        self.clock = VirtualClock()
        self.journal = Journal()
        self._gates: list[Gate] = []
        self._system: otp.System | None = None
        self._events: Any = None

    def new_gate(self) -> Gate:
        """Opened at the end of the test, so that nothing waits for it for ever."""
        gate = Gate()
        self._gates.append(gate)
        return gate

    def child(self, script: Script, *args: object, **options: Any) -> otp.Child[Any]:
        return otp.Child(self.adapter.runnable(script), *args, **options)

    def play(self, script: Script, *args: object, **options: Any) -> otp.System:
        """Start a system whose root has `script` at `root.a`."""
        return self.play_group({"a": self.child(script, *args, **options)})

    def play_group(self, children: Any, strategy: otp.Strategy = otp.Strategy.ONE_FOR_ALL) -> otp.System:
        def root() -> None:
            otp.run_group(children, strategy=strategy)
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        system = _System(root, clock=self.clock, backoff=otp.Backoff(initial=1.0, jitter=0.0))
        self._system = system
        self._events = system.events()
        system.start()
        return system

    def await_event(self, kind: type, dn: str | None = "root.a") -> Any:
        """The next event of that kind; all before it are gone."""
        for event in self._events:
            if isinstance(event, kind) and (dn is None or event.dn == dn):
                return event
        raise AssertionError(kind)

    def rest(self) -> list[Any]:
        """Stop the system; all events that were left."""
        self.close()
        return list(self._events)

    def close(self) -> None:
        if self._system is not None:
            self._system.request_stop(now=True)
            for gate in self._gates:
                gate.open()
            self._system.join(PATIENCE)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request):
    return request.param()


@pytest.fixture
def stage(adapter):
    stage = Stage(adapter)
    yield stage
    stage.close()


class Solo:
    """A backend by itself: what it reports goes to the test, not to a tree."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._reports: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._clock = VirtualClock()
        self._host = SimpleNamespace(directory=Directory(SystemClock()))
        self.backend = adapter.make_backend()

    def tell(self, message: object) -> None:
        """Be the node actor."""
        self._reports.put(message)

    tell_and_help = tell

    def incarnation(self, number: int = 1) -> Incarnation:
        return Incarnation(
            node=1,
            dn="root.a",
            number=number,
            fencing_token=number,
            actor=self,
            clock=self._clock,
            draw=lambda: 0.5,
            births=lambda: 2,
            system=self._host,
            restart=otp.Restart.PERMANENT,
            mailbox=self.backend.mailbox("root.a"),
        )

    def start(self, incarnation: Incarnation, script: Script) -> Any:
        return self.backend.start(incarnation, Job(self._adapter.runnable(script), ()))

    def report(self) -> Any:
        return self._reports.get(timeout=PATIENCE)

    @property
    def silent(self) -> bool:
        return self._reports.empty()


@pytest.fixture
def solo(adapter):
    solo = Solo(adapter)
    yield solo
    solo.backend.close()
    solo.backend.join(PATIENCE)
