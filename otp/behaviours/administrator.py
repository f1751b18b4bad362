"""What the refs of all kinds of supervisors have in common: how they ask, and what errors the answers are."""

from __future__ import annotations

import asyncio
import enum
import math
from asyncio import _get_running_loop
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from otp.child import Child
from otp.errors import (
    BlockingCallError,
    ChildAlreadyPresentError,
    ChildAlreadyStartedError,
    ChildError,
    ChildRestartingError,
    ChildRunningError,
    ChildStartError,
    MaxChildrenError,
    NoProcessError,
    NoSuchChildError,
    OtpError,
)
from otp.mail.ref import Ref, address_of, home_of
from otp.reasons import Reason, told
from otp.tree.administration import Administer, Inspect
from otp.tree.decision.messages import Verdict
from otp.tree.decision.otp.queries import ChildState
from otp.tree.incarnation import Spec, checked_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.child import Runnable
    from otp.tree.administration import Answered, Asked, Inspected
    from otp.tree.decision.otp.queries import ChildRow

__all__ = [
    "Administrator",
    "ChildCounts",
    "ChildInfo",
    "ChildState",
    "ChildType",
    "Request",
    "as_child",
    "checked_limits",
]

A = TypeVar("A")
T = TypeVar("T")


class ChildType(enum.StrEnum):
    """What kind of child one is."""

    WORKER = "worker"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildInfo:
    """One child of a supervisor."""

    name: str
    ref: Ref | None
    """Where it runs; `None` while it does not."""
    state: ChildState
    type: ChildType


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCounts:
    """How many children a supervisor has."""

    specs: int
    """All, whether they run or not."""
    active: int
    """Those that run."""
    supervisors: int
    """Of all, those that are supervisors."""
    workers: int
    """Of all, the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Request(Generic[A, T]):
    """Something to ask, and what the answer means."""

    message: Administer | Inspect
    answer: Future[A]
    read: Callable[[A], T]


class Administrator(Ref):
    """The address of a supervisor of any kind."""

    __slots__ = ()

    def _blocking(self, name: str, request: Request[A, T]) -> T:
        if _get_running_loop() is not None:
            msg = f"{name} would block the event loop of this thread: await a{name}"
            raise BlockingCallError(msg)
        self._system.administer(request.message)
        return request.read(request.answer.result())

    async def _awaiting(self, request: Request[A, T]) -> T:
        """As `_blocking`; who stops waiting does not stop what was asked for."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()

        def arrive(_answer: Future[A]) -> None:
            with suppress(
                RuntimeError
            ):  # the event loop has been closed; `wrap_future` would log that in the tree's loop
                loop.call_soon_threadsafe(arrived.set)

        request.answer.add_done_callback(arrive)
        self._system.administer(request.message)
        await arrived.wait()
        return request.read(request.answer.result())

    # --- requests ---

    def _start(self, name: str, given: Runnable | Child) -> Request[Answered, Ref | None]:
        child = as_child(given)
        checked_name(name, self.dn)
        ref_type, host, dn = child.ref_kind, self._system, self._address()
        spec = Spec(host.next_node(), name, *child.resolve(host.backoff, host.backend_for, keep=True))
        answer: Future[Answered] = Future()
        message = Administer(None, dn, name, answer, spec, spec.backend.mailbox(f"{dn}.{name}"))
        return Request(message, answer, lambda answered: self._read(answered, message, ref_type))

    def _ask(self, asked: Asked, name: str) -> Request[Answered, Ref | None]:
        checked_name(name, self.dn)
        answer: Future[Answered] = Future()
        message = Administer(asked, self._address(), name, answer)
        return Request(message, answer, lambda answered: self._read(answered, message, Ref))

    def _which(self) -> Request[Inspected | None, dict[str, ChildInfo]]:
        return self._inspect(
            lambda seen, dn: {row.name: self._info(row, dn, seen.origins[row.name]) for row in seen.rows}
        )

    def _count(self) -> Request[Inspected | None, ChildCounts]:
        return self._inspect(lambda seen, _dn: ChildCounts(**seen.counts._asdict()))

    def _spec(self, name: str) -> Request[Inspected | None, Child]:
        def read(seen: Inspected, _dn: str) -> Child:
            child: Child | None = seen.origins.get(name)
            if child is None:
                raise self._no_such_child(name)
            return child

        return self._inspect(read)

    def _inspect(self, read: Callable[[Inspected, str], T]) -> Request[Inspected | None, T]:
        dn = self._address()

        def read_if_there(seen: Inspected | None) -> T:
            if seen is None:
                raise self._not_there()
            return read(seen, dn)

        answer: Future[Inspected | None] = Future()
        return Request(Inspect(dn, answer), answer, read_if_there)

    def _address(self) -> str:
        """The DN of whoever is meant now, for this may be a ref by name."""
        return address_of(self, home_of(self)).dn

    # --- answers ---

    def _read(self, answered: Answered, asked: Administer, ref_type: type[Ref]) -> Ref | None:
        there: Child | None = answered.origin
        if there is not None:  # it may be another than who was to be started
            ref_type = there.ref_kind
        ref = ref_type(asked.child, self._system)
        if answered.verdict is Verdict.OK:
            return ref
        if answered.verdict is Verdict.IGNORED:
            return None
        if answered.verdict is None:
            msg = f"{ref.dn} would be significant, and auto_shutdown is NEVER: nothing would come of its end"
            raise ValueError(msg)
        raise self._error(answered, answered.verdict, ref)

    def _error(self, answered: Answered, verdict: Verdict, ref: Ref) -> OtpError:
        dn, name = ref.dn, ref.name
        match verdict:
            case Verdict.ALREADY_STARTED:
                return ChildAlreadyStartedError(f"{dn} runs already", name, ref)
            case Verdict.START_FAILED:
                reason = answered.reason or Reason.TIMEOUT
                return ChildStartError(f"{dn} could not be started: {told(reason)}", name, reason)
            case Verdict.NOT_FOUND:
                return self._no_such_child(name)
            case Verdict.NO_PROCESS:
                return self._not_there()
            case _:
                kind, text = _REFUSALS[verdict]
                return kind(f"{dn}: {text}", name)

    def _no_such_child(self, name: str) -> NoSuchChildError:
        return NoSuchChildError(f"{self.dn} has no child {name!r}", name)

    def _not_there(self) -> NoProcessError:
        return NoProcessError(f"no supervisor runs at {self.dn}", self)

    def _info(self, row: ChildRow, dn: str, child: Child) -> ChildInfo:
        ref = None
        if row.state is ChildState.RUNNING:
            ref = child.ref_kind(f"{dn}.{row.name}", self._system)
        kind = ChildType.SUPERVISOR if row.supervisor else ChildType.WORKER
        return ChildInfo(name=row.name, ref=ref, state=row.state, type=kind)


_REFUSALS: dict[Verdict, tuple[type[ChildError], str]] = {
    Verdict.ALREADY_PRESENT: (
        ChildAlreadyPresentError,
        "there is such a child, which does not run; restart or delete it",
    ),
    Verdict.RUNNING: (ChildRunningError, "it runs; terminate it first"),
    Verdict.RESTARTING: (ChildRestartingError, "it is being restarted; terminate it first"),
    Verdict.MAX_CHILDREN: (MaxChildrenError, "its supervisor has as many children as it may have"),
}


def as_child(given: Runnable | Child) -> Child:
    """`given`, as a child.

    Raises:
        TypeError: it is no runnable.
    """
    return given if isinstance(given, Child) else Child(given)


def checked_limits(max_restarts: int, max_seconds: float) -> tuple[int, float]:
    """Both, if a supervisor can have them.

    Raises:
        TypeError, ValueError: it cannot.
    """
    if isinstance(max_restarts, bool) or not isinstance(max_restarts, int):
        msg = f"max_restarts= takes an int, not {type(max_restarts).__name__}"
        raise TypeError(msg)
    if max_restarts < 0:
        msg = f"max_restarts={max_restarts} must not be negative"
        raise ValueError(msg)
    if isinstance(max_seconds, bool) or not isinstance(max_seconds, (int, float)):
        msg = f"max_seconds= takes seconds, not {type(max_seconds).__name__}"
        raise TypeError(msg)
    if not math.isfinite(max_seconds) or max_seconds <= 0:
        msg = f"max_seconds={max_seconds!r} must be finite and above 0"
        raise ValueError(msg)
    return int(max_restarts), float(max_seconds)
