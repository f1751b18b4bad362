"""The parts of one system put together: loop, root supervisor, backends, publisher, and the threads they run in.

`otp.system` is the only caller. It talks to the tree by messages; what it asks is answered by the loop of the tree, or,
once that has ended, from what the loop has left behind.
"""

from __future__ import annotations

import itertools
import random
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otp.backends.coroutine import CoroutineBackend
from otp.backends.supervisor import SupervisorBackend
from otp.backends.thread import ThreadBackend
from otp.child import is_async, supervision_of
from otp.logs.capture import attach, detach
from otp.logs.lifecycle import LifecycleLog
from otp.logs.tree import LogTree
from otp.streams import Publisher
from otp.tree.actor import ActorDeadError
from otp.tree.incarnation import Spec
from otp.tree.loop import Loop
from otp.tree.node import World
from otp.tree.outlet import Outlet
from otp.tree.supervisor import Look, Plant, RestartNode, Settle, Stop, Supervisor, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.child import Child
    from otp.logs.reporting import Happening
    from otp.streams import EventStream
    from otp.tree.administration import Administer, Inspect
    from otp.tree.backend import Backend, Host
    from otp.tree.clock import Clock
    from otp.tree.dismissal import Dismiss
    from otp.tree.node import Report
    from otp.tree.snapshot import Row, Until

__all__ = ["Engine"]

_LOG_BOUND: Final = 10_000
"""Lifecycle records that wait for a blocked sink; about 10 MB with their tracebacks."""
_PAUSE: Final = 0.001
"""Seconds that a death waits to be told of, while its restart gets under way: the restart itself takes about 0.1 ms."""
_FLUSH: Final = 1.0
"""Seconds that the end of a system waits for each of its helper threads, which the user's code may have blocked."""

_births = itertools.count(1)
"""Ids of nodes, unique in the process; `next` of it is atomic."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the loop has left after a message: what there is to tell, and what must be dropped elsewhere."""

    reports: list[Report]
    garbage: list[object]
    welcome: bool = False
    """From here on those who have subscribed are told too."""


class Engine:
    """See the module."""

    def __init__(self, root: Child, host: Host, clock: Clock, *, propagate: bool) -> None:
        """The engine of `host`; nothing runs yet."""
        self._threads = ThreadBackend()
        self._coroutines = CoroutineBackend()
        self._supervisors = SupervisorBackend()
        self.offset = clock.time() - clock.monotonic()
        """What makes Unix seconds of the moments of `clock`."""
        self.logs = LogTree()
        self._host = host
        self._log: Outlet[Happening] = Outlet(
            "otp: log", LifecycleLog(host).write, bound=_LOG_BOUND, then=self._end_log
        )
        self._publisher = Publisher(self.offset, self._log.put)
        self._events: Outlet[_Turn] = Outlet("otp: events", self._tell, pause=_PAUSE, then=self._end_events)
        self._garbage: Outlet[list[object]] = Outlet("otp: release", _drop)
        self._loop = Loop(clock, "otp: supervisor", self._garbage.put)
        self._loop.on_reports = lambda reports, garbage: self._events.put(_Turn(reports, garbage))
        self._loop.on_close = self._close
        self.on_end: Callable[[], object] = _nothing
        """Called when nothing runs any more, in the thread of the loop."""
        world = World(
            loop=self._loop,
            clock=clock,
            draw=random.Random().random,  # noqa: S311 - no secret; the global one may be seeded, and is the program's
            births=_births.__next__,
            fencing_token=_FencingTokens().next,
            system=host,
        )
        spec = Spec(next(_births), "root", *root.resolve(host.backoff, self.backend_for))
        self._supervisor = Supervisor(world, spec, propagate=propagate)
        self._ref = self._supervisor.actor_ref

    @property
    def forked(self) -> bool:
        """Whether the tree is in the parent of this process."""
        return self._loop.forked

    @property
    def stopped(self) -> bool:
        """Whether the tree has stopped; what is stuck may still run."""
        return self._supervisor.stopped

    @property
    def failure(self) -> BaseException | None:
        """With `propagate`, the first death."""
        return self._supervisor.failure

    def start(self) -> None:
        """Start the threads and the root.

        Raises:
            RuntimeError: the machine has no thread left; what was started has been ended again.
        """
        started: list[Outlet[Any]] = []
        try:
            for outlet in (self._log, self._events, self._garbage):
                outlet.start()
                started.append(outlet)
            self._loop.start()
        except BaseException:
            for outlet in started:
                outlet.close()
            raise
        attach(self._host, self.logs)
        self._ref.tell(Plant())

    def stop(self, timeout: float | None) -> None:
        """Ask for a stop. Takes no lock and never blocks."""
        with suppress(ActorDeadError):
            self._ref.tell(Stop(timeout))

    def wait_for(self, until: Until) -> Future[bool]:
        """Will be True when the tree is so, or False when it has stopped and can never be."""
        answer: Future[bool] = Future()
        self._ref.tell(Wait(until, answer))
        return answer

    def settle(self) -> Future[float | None]:
        """Will be answered when nothing is left to do until time passes or somebody outside acts; for tests.

        Every message has been handled then, every start been given to its backend, and what was asked to end has ended,
        or is stuck. The answer is when the next timer is due, on the clock of the system.
        """
        answer: Future[float | None] = Future()
        self._ref.tell(Settle(answer))
        return answer

    def restart(self, dn: str) -> bool | None:
        """Restart the node; whether there is one, or `None` if the tree has ended."""
        try:
            return bool(self._ref.ask(RestartNode(dn), block=True))
        except ActorDeadError:
            return None

    def next_node(self) -> int:
        """The id of a node to be."""
        return next(_births)

    def administer(self, request: Administer | Inspect | Dismiss) -> None:
        """Pass on what is asked of a behaviour supervisor; it is answered in any case."""
        try:
            self._ref.tell(request)
        except ActorDeadError:
            self._supervisor.refused(request)

    def rows(self) -> list[Row]:
        """All nodes as they are now."""
        try:
            rows: list[Row] = self._ref.ask(Look(), block=True)
        except ActorDeadError:
            rows = self._supervisor.look()
        return rows

    def subscribe(self) -> EventStream:
        """The events from now on."""
        stream = self._publisher.subscribe()
        self._events.put(_Turn([], [], welcome=True))  # behind what has happened before
        return stream

    def backend_for(self, runnable: Callable[..., object]) -> Backend:
        """What runs `runnable`."""
        if supervision_of(runnable) is not None:
            return self._supervisors
        return self._coroutines if is_async(runnable) else self._threads

    def join(self) -> None:
        """Leave no thread behind, after the tree has stopped and nothing in it is stuck."""
        self._loop.join()
        self._coroutines.join(_FLUSH)
        for outlet in (self._events, self._log, self._garbage):
            outlet.join(_FLUSH)
        self._threads.join(_FLUSH)  # made by the events' thread, until that has ended

    def flush(self) -> None:
        """Wait until what has happened so far is told and logged, unless the user's code blocks that."""
        self._events.flush(_FLUSH)
        self._log.flush(_FLUSH)

    def _end_log(self) -> None:
        detach(self._host)
        self.logs.end()

    def _tell(self, turn: _Turn) -> None:
        """In the thread of the events."""
        if turn.garbage:
            self._garbage.put(turn.garbage)
        if turn.welcome:
            self._publisher.welcome()
        self._publisher.publish(turn.reports)
        self._threads.replenish()

    def _end_events(self) -> None:
        self._log.close()
        self._garbage.close()

    def _close(self) -> None:
        self._threads.close()
        self._coroutines.close()
        self._events.close()
        self.on_end()


class _FencingTokens:
    """Numbers that only grow, beyond the end of this process too: nanoseconds, or one more than the last."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = max(self._last + 1, time.time_ns())
        return self._last


def _drop(garbage: list[object]) -> None:
    garbage.clear()


def _nothing() -> None:
    pass
