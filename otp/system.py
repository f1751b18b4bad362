"""`System`: one tree, from its start to its stop, as seen from outside of it.

What makes the tree run is put together in `otp.engine`; here is what users call, and what they are told.
"""

from __future__ import annotations

import asyncio
import atexit
import math
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, TypeVar, TypeVarTuple, Unpack, overload

from otp.child import Child, checked_type
from otp.engine import Engine
from otp.errors import BlockingCallError, NoSuchNodeError, SystemNotRunningError
from otp.mail.names import ref_in
from otp.mail.ref import Ref
from otp.tree.administration import refuse
from otp.tree.clock import SystemClock
from otp.tree.decision.policy import Backoff
from otp.tree.directory import Directory
from otp.tree.incarnation import current
from otp.tree.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import TracebackType

    from otp.child import HasRef, Server, Server1
    from otp.logs.tree import LogTree
    from otp.streams import EventStream
    from otp.tree.administration import Administer, Inspect
    from otp.tree.backend import Backend
    from otp.tree.clock import Clock
    from otp.tree.dismissal import Dismiss
    from otp.tree.snapshot import NodeSnapshot, Row, Until

__all__ = ["StopReport", "System"]

A = TypeVar("A")
Args = TypeVarTuple("Args")
R = TypeVar("R", bound=Ref)

_EXIT_TIMEOUT: Final = 2.0
"""Seconds for a system that was never stopped, at the exit of the interpreter."""
_NAMED: Final = 10
"""Nodes that an error names."""
_STOPPED: Final = "the system has stopped"
_PROBLEMS: Final[dict[Until, str]] = {
    "stopped": "the system has not stopped",
    "healthy": "not every node is healthy",
    "settled": "the tree has not settled",
}


@dataclass(frozen=True, slots=True)
class StopReport:
    """What became of a stop."""

    unstopped: tuple[str, ...]
    """The DNs of what still runs: it was canceled, and is past its deadline. Empty: all has ended."""


class _Options(TypedDict, total=False):
    clock: Clock | None
    backoff: Backoff | None
    propagate: bool


class System:
    """A supervision tree: `root` is run as a runnable, and starts the others.

        with otp.System(root) as system:  # also `async with`
            system.wait_healthy(timeout=5)

    Args:
        root: the runnable at the top, plain or `async def`.
        args: its arguments.
        clock: where backoffs, deadlines and `otp.sleep` get their time from; for tests.
        backoff: the backoff of all nodes that are not given one.
        propagate: stop at the first death and raise it from `join`; for tests and debugging.

    Raises:
        TypeError: `root` is not callable, or `backoff` no `Backoff`.
    """

    @overload
    def __init__(self, root: type[Server[*Args]], /, *args: *Args, **options: Unpack[_Options]) -> None: ...
    @overload
    def __init__(self, root: type[Server1[A]], arg: A, /, **options: Unpack[_Options]) -> None: ...
    @overload
    def __init__(self, root: HasRef[Ref], /, **options: Unpack[_Options]) -> None: ...
    @overload
    def __init__(self, root: Callable[[*Args], object], /, *args: *Args, **options: Unpack[_Options]) -> None: ...
    def __init__(  # type: ignore[misc]
        self,
        root: Any,
        /,
        *args: Any,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        propagate: bool = False,
    ) -> None:
        self.backoff = Backoff() if backoff is None else checked_type("backoff", backoff, Backoff)
        """Of nodes that are not given one."""
        self.clock: Clock = SystemClock() if clock is None else clock
        """What all in the tree wait by."""
        self.directory = Directory(self.clock)
        """Who lives where."""
        self._started = False
        self._engine = Engine(Child(root, *args), self, self.clock, propagate=propagate)
        self._engine.on_end = self._ended

    # --- start and stop ---

    def start(self) -> None:
        """Start the tree. `with` and `async with` do it.

        Raises:
            RuntimeError: it has been started before, or the machine has no thread left.
        """
        if self._started:
            msg = "a system is started once; make a new one"
            raise RuntimeError(msg)
        self._engine.start()
        self._started = True
        atexit.register(self._at_exit)

    def request_stop(self, *, now: bool = False) -> None:
        """Ask for an ordered stop, and return at once. Takes no lock: it is legal in a signal handler.

        Args:
            now: cancel everything at once, without order.
        """
        self._engine.stop(0.0 if now else None)

    def stop(self, timeout: float | None = None) -> StopReport:
        """Stop the tree: children before their parent, last started first, one at a time.

        Each gets its `shutdown` to end. Called again, or of a system that has stopped, it reports again. Called from
        inside the tree it only requests the stop, and the report is empty.

        Args:
            timeout: seconds after which all that is left is canceled at once, and reported if it does not end right
                away; `None`: return when everything has ended or is stuck.

        Raises:
            BlockingCallError: on a thread that runs an event loop; use `astop`.
            TypeError, ValueError: `timeout` is no number.
        """
        timeout = _checked_timeout(timeout)
        if not self._runs_here():
            return StopReport(())
        if self._is_inside():
            self._engine.stop(timeout)
            return StopReport(())
        _refuse_on_event_loop("stop", "astop")
        self._engine.stop(timeout)
        self._wait_for("stopped").result()
        return self._stop_report()

    async def astop(self, timeout: float | None = None) -> StopReport:
        """`stop` for event loops."""
        timeout = _checked_timeout(timeout)
        if not self._runs_here():
            return StopReport(())
        self._engine.stop(timeout)
        if self._is_inside():
            return StopReport(())
        await _arrival(self._wait_for("stopped"))
        return await asyncio.to_thread(self._stop_report)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the system has stopped.

        Args:
            timeout: seconds; `None`: for as long as it takes.

        Raises:
            TimeoutError: it has not stopped by then.
            BaseException: with `propagate`, the first death.
            BlockingCallError: on a thread that runs an event loop (use `ajoin`), or from inside the tree.
            SystemNotRunningError: it has not been started.
        """
        self._refuse_if_it_would_block("join", "ajoin")
        self._wait("stopped", timeout)
        self._join_threads()
        self._raise_failure()

    async def ajoin(self, timeout: float | None = None) -> None:
        """`join` for event loops."""
        await self._await("stopped", timeout)
        await asyncio.to_thread(self._join_threads)
        self._raise_failure()

    def __enter__(self) -> Self:
        _refuse_on_event_loop("with System(...)", "async with")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.astop()

    def when_stopped(self) -> Future[bool]:
        """Done when the system has stopped: for a thread that cannot wait with `join`, or has to do more than wait.

        Its callbacks run in the loop of the tree, so they must neither block nor run code of the user's.
        """
        return self._wait_for("stopped")

    # --- waiting ---

    def wait_healthy(self, timeout: float | None = None) -> None:
        """Wait until every node is HEALTHY or DONE.

        Raises:
            TimeoutError: not by then (`timeout` in seconds); it says who is not.
            SystemNotRunningError: it was not started, or has stopped, so that it will never be.
            BlockingCallError: as `join`.
        """
        self._refuse_if_it_would_block("wait_healthy", "await_healthy")
        self._wait("healthy", timeout)

    async def await_healthy(self, timeout: float | None = None) -> None:
        """`wait_healthy` for event loops."""
        await self._await("healthy", timeout)

    def wait_settled(self, timeout: float | None = None) -> None:
        """Wait until no transition, restart or cancel is pending; a NEW node counts as settled, a stopped system too.

        Raises:
            TimeoutError: not by then (`timeout` in seconds); it says who is not.
            SystemNotRunningError: it was not started.
            BlockingCallError: as `join`.
        """
        self._refuse_if_it_would_block("wait_settled", "await_settled")
        self._wait("settled", timeout)

    async def await_settled(self, timeout: float | None = None) -> None:
        """`wait_settled` for event loops."""
        await self._await("settled", timeout)

    # --- looking, and acting on one node ---

    def tree(self) -> NodeSnapshot:
        """The root as it is now, with all below it.

        Raises:
            SystemNotRunningError: it was not started.
        """
        return self._snapshot()["root"]

    def node(self, dn: str) -> NodeSnapshot:
        """The node at `dn` as it is now, with all below it.

        Raises:
            NoSuchNodeError: there is none.
            SystemNotRunningError: the system was not started.
        """
        try:
            return self._snapshot()[dn]
        except KeyError:
            raise _no_such_node(dn) from None

    def restart(self, dn: str) -> None:
        """Have the node at `dn`, and it alone, canceled and started again without backoff; its group stays.

        Returns at once. In a system that is stopping it does nothing.

        Raises:
            NoSuchNodeError: there is none.
            SystemNotRunningError: the system was not started, or has stopped.
            TypeError: `dn` is no str.
        """
        if not isinstance(dn, str):
            msg = f"a DN is a str, not {type(dn).__name__}"
            raise TypeError(msg)
        self._require_start()
        found = self._engine.restart(str.__str__(dn))  # a plain one: the loop of the tree calls its methods
        if found is None:
            raise SystemNotRunningError(_STOPPED)
        if not found:
            raise _no_such_node(dn)

    def events(self) -> EventStream:
        """What happens from now on, as an iterator (`for` and `async for`) that ends with the system.

        A reader that is too slow loses the oldest events, and `missed` counts them.

        Raises:
            SystemNotRunningError: the system runs in the parent of this process.
        """
        if self._started:
            self._require_start()
        return self._engine.subscribe()

    @overload
    def ref(self, dn_or_name: str) -> Ref: ...
    @overload
    def ref(self, dn_or_name: str, cls: type[R]) -> R: ...
    def ref(self, dn_or_name: str, cls: type[Ref] = Ref) -> Ref:
        """The address of a node, whether anybody lives there or not: to call and to write to it from outside.

        Args:
            dn_or_name: `root`, or what has a dot in it: a DN. Otherwise a registered name: at each use the ref is that
                of whoever has the name then.
            cls: what kind of ref, for one with methods of its own.

        Raises:
            TypeError: `dn_or_name` is no str.
        """
        return ref_in(self, dn_or_name, cls)

    @property
    def logs(self) -> LogTree:
        """The log records of the tree: kept ones by DN, and streams of what comes."""
        return self._engine.logs

    # --- for the tree ---

    def backend_for(self, runnable: Callable[..., object]) -> Backend:
        """What runs `runnable`: the event loop if it is `async def`, else a thread."""
        return self._engine.backend_for(runnable)

    def administer(self, request: Administer | Inspect | Dismiss) -> None:
        """Pass on what is asked of a behaviour supervisor."""
        if self._runs_here():
            self._engine.administer(request)
        else:
            refuse(request)

    def next_node(self) -> int:
        """The id of a node to be."""
        return self._engine.next_node()

    # --- inside ---

    def _runs_here(self) -> bool:
        """Whether there is a tree to stop: started, and not in the parent of a forked process."""
        return self._started and not self._engine.forked

    def _is_inside(self) -> bool:
        incarnation = current.get()
        return incarnation is not None and incarnation.system is self

    def _require_start(self) -> None:
        if not self._runs_here():
            msg = "the system has not been started (in this process)"
            raise SystemNotRunningError(msg)

    def _refuse_if_it_would_block(self, name: str, twin: str) -> None:
        if self._is_inside():
            msg = f"{name} called from a runnable of the same system, which it may have to wait for"
            raise BlockingCallError(msg)
        _refuse_on_event_loop(name, twin)

    def _wait_for(self, until: Until) -> Future[bool]:
        self._require_start()
        return self._engine.wait_for(until)

    def _wait(self, until: Until, timeout: float | None) -> None:
        answer = self._wait_for(until)
        try:
            reached = answer.result(timeout)
        except TimeoutError:
            answer.cancel()
            raise self._timeout_error(until, timeout) from None
        self._check_reached(reached=reached)

    async def _await(self, until: Until, timeout: float | None) -> None:
        try:
            reached = await asyncio.wait_for(_arrival(self._wait_for(until)), timeout)
        except TimeoutError:
            raise self._timeout_error(until, timeout) from None
        self._check_reached(reached=reached)

    def _check_reached(self, *, reached: bool) -> None:
        if not reached:
            raise SystemNotRunningError(_STOPPED) from self._engine.failure

    def _timeout_error(self, until: Until, timeout: float | None) -> TimeoutError:
        left = [f"{row.dn} is {row.as_it_is}" for row in self._rows() if row.holds_up(until)]
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        return TimeoutError(f"{_PROBLEMS[until]} within {timeout} s: {', '.join(left[:_NAMED])}{more}")

    def _rows(self) -> list[Row]:
        self._require_start()
        return self._engine.rows()

    def _snapshot(self) -> dict[str, NodeSnapshot]:
        return snapshot(self._rows(), self._engine.offset)

    def _stop_report(self) -> StopReport:
        unstopped = tuple(row.dn for row in self._rows() if row.stuck)
        if unstopped:
            self._engine.flush()
        else:
            self._join_threads()
        return StopReport(unstopped)

    def _raise_failure(self) -> None:
        if self._engine.failure is not None:
            raise self._engine.failure

    def _join_threads(self) -> None:
        """Leave no thread behind; a stuck runnable's is there anyway, and the loop of the tree waits for its end."""
        if not any(row.stuck for row in self._rows()):
            self._engine.join()
            self.directory.join(_EXIT_TIMEOUT)

    def _ended(self) -> None:
        self.directory.close()
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        if not self._runs_here() or self._engine.stopped:
            return
        try:
            warnings.warn("an otp.System was never stopped; use `with`, or stop()", ResourceWarning, stacklevel=2)
        finally:
            self._engine.stop(_EXIT_TIMEOUT)
            with suppress(TimeoutError):  # a clock of a test's may stand still
                self._engine.wait_for("stopped").result(_EXIT_TIMEOUT + 1)


async def _arrival(answer: Future[bool]) -> bool:
    """`asyncio.wrap_future`, but for what it does in the loop of the tree, which answers, when the event loop was closed.

    It would log that there, by way of the user's handlers.
    """
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def arrive(_answer: Future[bool]) -> None:
        with suppress(RuntimeError):  # the event loop has been closed
            loop.call_soon_threadsafe(arrived.set)

    answer.add_done_callback(arrive)
    try:
        await arrived.wait()
    finally:
        answer.cancel()
    return answer.result()


def _checked_timeout(value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"timeout= takes seconds or None, not {type(value).__name__}"
        raise TypeError(msg)
    seconds = float(value)
    if math.isnan(seconds):
        msg = "timeout= takes seconds or None, not NaN"
        raise ValueError(msg)
    return seconds


def _no_such_node(dn: str) -> NoSuchNodeError:
    return NoSuchNodeError(f"the tree has no node {dn!r}")


def _refuse_on_event_loop(name: str, twin: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = f"{name} would block the event loop of this thread; use {twin}"
    raise BlockingCallError(msg)
