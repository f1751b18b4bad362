"""The harness: runs a tree in a test, and lets the test pass only if nothing went wrong in the tree.

    with Harness() as harness:
        system = harness.start(root)
        system.wait_healthy(timeout=5)

What goes wrong: a death that the test has not declared, a runnable that does not end when the tree is stopped, a thread,
descriptor or process that is there afterwards and was not before. pytest users take the fixture `otp_harness`
(`otp.testing.plugin`); nothing here needs pytest.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, TypeVar, TypeVarTuple, Unpack, overload

from otp.events import Died, Stuck
from otp.system import System
from otp.testing.clock import VirtualClock
from otp.testing.leaks import Belongings
from otp.tree.decision.stop import LAST_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from otp.child import HasRef, Server, Server1
    from otp.events import Event
    from otp.mail.ref import Ref
    from otp.streams import EventStream
    from otp.tree.clock import Clock
    from otp.tree.decision.policy import Backoff

__all__ = ["Harness", "HarnessError"]

A = TypeVar("A")
Args = TypeVarTuple("Args")

_STOP: Final = 5.0
"""Real seconds for an ordered stop."""
_LAST: Final = 5.0
"""Real seconds, beyond the tree's own last grace, until it must have said who is stuck."""
_SETTLE: Final = 10.0
"""Real seconds for what was asked to end."""


class _Options(TypedDict, total=False):
    clock: Clock | None
    backoff: Backoff | None


class HarnessError(AssertionError):
    """Something went wrong in the tree."""

    problems: tuple[str, ...]
    """What, one text for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Of `problems`."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(slots=True)
class _Expectation:
    """A death that the test has declared."""

    dn: str
    match: str | None
    happened: bool = False

    def __str__(self) -> str:
        return self.dn if self.match is None else f"{self.dn} by an error that matches {self.match!r}"

    def fits(self, death: Died) -> bool:
        return death.dn == self.dn and (self.match is None or re.search(self.match, death.error) is not None)


class Harness:
    """Runs one tree. Used in a `with`, or stopped by `stop`.

    Its methods are called by the test, from any thread but those of the tree.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._system: System | None = None
        self._clock: Clock | None = None
        self._before: Belongings | None = None
        self._expected: list[_Expectation] = []
        self._events: list[Event] = []
        self._reader: threading.Thread | None = None

    @overload
    def start(self, root: type[Server[*Args]], /, *args: *Args, **options: Unpack[_Options]) -> System: ...
    @overload
    def start(self, root: type[Server1[A]], arg: A, /, **options: Unpack[_Options]) -> System: ...
    @overload
    def start(self, root: HasRef[Ref], /, **options: Unpack[_Options]) -> System: ...
    @overload
    def start(self, root: Callable[[*Args], object], /, *args: *Args, **options: Unpack[_Options]) -> System: ...
    def start(  # type: ignore[misc]
        self,
        root: Any,
        /,
        *args: Any,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> System:
        """Start a system with `root` at its top; options as of `otp.System`.

        Raises:
            RuntimeError: it runs a tree already.
        """
        if self._system is not None:
            msg = "a harness runs one tree; make another harness"
            raise RuntimeError(msg)
        self._before = Belongings.now()
        system = System(root, *args, clock=clock, backoff=backoff)
        events = system.events()
        system.start()
        self._system, self._clock = system, clock
        self._reader = threading.Thread(target=self._read, args=(events,), name="otp: harness", daemon=True)
        self._reader.start()
        return system

    def expect_death(self, dn: str, *, match: str | None = None) -> None:
        """Declare that the node at `dn` dies in this test: once or more, before or after this call.

        Args:
            dn: of the node.
            match: a regular expression to be found in the error, as `NodeSnapshot.last_error` shows it. Deaths of the
                node by other errors are not declared by this.
        """
        self._expected.append(_Expectation(dn, match))

    # --- time ---

    def settle(self, timeout: float = _SETTLE) -> None:
        """Return when the engine has nothing left to do until time passes, or until somebody outside of it acts.

        All messages have been handled then, every node that was to start has been given its thread or task, and what was
        asked to end has ended, or is stuck. Nodes that wait for their backoff have settled, on a virtual clock for good.
        It neither polls nor sleeps.

        The runnables are outside: what they are about to do, they may still be about to do. To wait for them, wait for
        what they do: `System.wait_healthy`, `VirtualClock.wait_for_sleepers`, or an event of the test's own.

        Args:
            timeout: real seconds.

        Raises:
            TimeoutError: something that was asked to end has not ended by then; it says what.
            RuntimeError: nothing was started.
        """
        self._settle(timeout)

    def advance(self, seconds: float) -> None:
        """Settle, let `seconds` pass at once on the virtual clock, and settle again.

        Raises:
            RuntimeError: nothing was started, or it was not with `clock=VirtualClock()`.
            TimeoutError: as `settle`.
        """
        clock = self._virtual()
        self._settle(_SETTLE)
        clock.advance(seconds)
        self._settle(_SETTLE)

    def advance_to_next(self) -> float:
        """Settle, let just as much time pass as it takes until something is due, and settle again.

        Due is a backoff, a deadline, or the end of an `otp.sleep` or `otp.wait_canceled(seconds)` that has begun.

        Returns:
            How many virtual seconds have passed.

        Raises:
            RuntimeError: nothing waits for time, nothing was started, or not with `clock=VirtualClock()`.
            TimeoutError: as `settle`.
        """
        clock = self._virtual()
        moments = [moment for moment in (self._settle(_SETTLE), clock.next_wake) if moment is not None]
        if not moments:
            msg = "nothing waits for time to pass"
            raise RuntimeError(msg)
        before = clock.monotonic()
        clock.advance_to(min(moments))
        self._settle(_SETTLE)
        return clock.monotonic() - before

    # --- the end ---

    def stop(self) -> None:
        """Stop the tree, within five seconds, and see whether anything went wrong. Called again, it does nothing.

        Raises:
            HarnessError: something did.
        """
        system, self._system = self._system, None
        if system is None:
            return
        hang = self._stop(system)
        problems = (*self._deaths(), *([hang] if hang else self._leaks()))
        if problems:
            raise HarnessError(problems)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop; an exception of the block passes on, with what went wrong in the tree as a note."""
        try:
            self.stop()
        except HarnessError as wrong:
            if error is None:
                raise
            error.add_note(str(wrong))

    # --- inside ---

    def _read(self, stream: EventStream) -> None:
        self._events.extend(stream)

    def _running(self) -> System:
        if self._system is None:
            msg = "the harness runs nothing: call start(root) first"
            raise RuntimeError(msg)
        return self._system

    def _virtual(self) -> VirtualClock:
        self._running()
        if not isinstance(self._clock, VirtualClock):
            msg = "only virtual time can be advanced: start(root, clock=VirtualClock())"
            raise RuntimeError(msg)  # noqa: TRY004 - no argument is of a wrong type
        return self._clock

    def _settle(self, timeout: float) -> float | None:
        system = self._running()
        engine = system._engine  # noqa: SLF001 - users have no need of it, and the test kit is no user
        try:
            return engine.settle().result(timeout)
        except TimeoutError:
            left = ", ".join(row.dn for row in engine.rows() if row.doomed and row.runs and not row.stuck)
            msg = f"asked to end, but still running after {timeout} s: {left}"
            raise TimeoutError(msg) from None

    def _stop(self, system: System) -> str | None:
        """Stop it; who did not end, with stacks."""
        late = False
        system.request_stop()
        try:
            system.join(_STOP)
        except TimeoutError:
            late = True
            self._hurry(system)
        if self._reader is not None:
            self._reader.join(_LAST)
        told = [node for event in list(self._events) if isinstance(event, Stuck) for node in event.nodes]
        stuck = {node.dn for node in system.tree().walk() if node.stuck}
        texts = [f"{node.dn}, incarnation {node.incarnation}:\n{node.stack}" for node in told if node.dn in stuck]
        if texts:
            return f"did not end within {_STOP} s of being asked to, or within their own deadline:\n{''.join(texts)}"
        return (
            f"the tree did not stop in order within {_STOP} s, only when all was asked to end at once" if late else None
        )

    def _hurry(self, system: System) -> None:
        """All that is left is asked to end at once; soon after, the tree says who is stuck."""
        system.request_stop(now=True)
        system.tree()  # answered once that has been handled, and the last grace has begun
        if isinstance(self._clock, VirtualClock):
            self._clock.advance(LAST_GRACE)
        with suppress(TimeoutError):
            system.join(LAST_GRACE + _LAST)

    def _deaths(self) -> Iterator[str]:
        for death in self._events:
            if isinstance(death, Died):
                fitting = [each for each in self._expected if each.fits(death)]
                for each in fitting:
                    each.happened = True
                if not fitting:
                    text = death.error if death.traceback is None else death.traceback.rstrip()
                    yield f"{death.dn}, incarnation {death.incarnation}, died, which the test has not declared:\n{text}"
        for each in self._expected:
            if not each.happened:
                yield f"declared, but it did not happen: the death of {each}"

    def _leaks(self) -> Iterator[str]:
        if self._before is not None:
            for text in self._before.left_behind():
                yield f"left behind: {text}"
