"""What a runnable calls: `run`, `signal`, `logger` and the rest, each routed to the incarnation that the caller belongs to.

The context-local finds it (`otp.tree.incarnation`), so nothing has to be passed around. None of these functions waits for
the tree, so they serve in `async def` runnables too; the two that wait for a cancel (`wait_canceled`, `sleep`) refuse
there.
"""

from __future__ import annotations

import contextvars
import functools
from asyncio import _get_running_loop
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple, Unpack, overload

from otp.child import Child, HasRef, Known, Known0, Known1, Options, Server, Server1
from otp.errors import BlockingCallError, Canceled
from otp.logs.logger import logger_of
from otp.logs.raw import RawLogger
from otp.mail.ref import CurrentRef, Ref
from otp.tree.decision.messages import Signal
from otp.tree.decision.policy import Strategy
from otp.tree.incarnation import here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loguru import Logger

    from otp.child import Runnable
    from otp.tree.backend import Backend, Job
    from otp.tree.decision.policy import Policy

__all__ = [
    "bind",
    "canceled",
    "current",
    "logger",
    "raw_logger",
    "run",
    "run_group",
    "signal",
    "sleep",
    "sub_logger",
    "wait_canceled",
]

A = TypeVar("A")
Args = TypeVarTuple("Args")
K = TypeVar("K", bound=Ref)
P = ParamSpec("P")
R = TypeVar("R")


# The first that fits counts. Each pair is for mypy, as `Server1` says; a server without a kind of ref of its own has `Ref`.
@overload
def run(name: str, runnable: type[Known[K, *Args]], /, *args: *Args, **options: Unpack[Options]) -> K: ...
@overload
def run(name: str, runnable: type[Known0[K]], /, **options: Unpack[Options]) -> K: ...
@overload
def run(name: str, runnable: type[Known1[K, A]], arg: A, /, **options: Unpack[Options]) -> K: ...
@overload
def run(name: str, runnable: type[Server[*Args]], /, *args: *Args, **options: Unpack[Options]) -> Ref: ...
@overload
def run(name: str, runnable: type[Server1[A]], arg: A, /, **options: Unpack[Options]) -> Ref: ...
@overload
def run(name: str, runnable: HasRef[K], /, **options: Unpack[Options]) -> K: ...
@overload
def run(name: str, runnable: Callable[[*Args], object], /, *args: *Args, **options: Unpack[Options]) -> Ref: ...
def run(name: str, runnable: Any, /, *args: Any, **options: Unpack[Options]) -> Any:  # type: ignore[misc]
    """Start a child of the calling node, in a group of its own.

    Args:
        name: 1 to 64 of A-Z, a-z, 0-9, `_` and `-`; the child's DN is the caller's, a dot, and this.
        runnable: what to run; see `Child`.
        args: its arguments.
        options: see `Child`.

    Raises:
        NotNewError: the calling node has signaled HEALTHY already.
        InvalidNameError: no node can have that name.
        DuplicateNameError: the calling node has a child of that name.
        TypeError, ValueError: bad options; see `Child`.
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    return run_group({name: Child(runnable, *args, **options)})[name]


def run_group(
    children: Mapping[str, Runnable | Child],
    *,
    strategy: Strategy = Strategy.ONE_FOR_ALL,
) -> dict[str, Ref]:
    """Start children that share a fate, in the order of the mapping: all of them, or none and an error.

    Args:
        children: by name; a callable without parameters, or a `Child`.
        strategy: whom the death of a member takes along. Whoever is taken along starts again only when all old members
            have ended.

    Raises:
        NotNewError, InvalidNameError, DuplicateNameError: as `run`, and nobody is started.
        TypeError, ValueError: bad options, or no such strategy.
        NotInRunnableError, StaleIncarnationError: as `run`.
    """
    incarnation = here()
    host = incarnation.system
    wanted = Strategy(strategy)
    group: list[tuple[str, Policy, Job, Backend]] = []
    kinds: dict[str, type[Ref]] = {}
    for name, given in children.items():
        child = given if isinstance(given, Child) else Child(given)
        group.append((name, *child.resolve(host.backoff, host.backend_for)))
        kinds[name] = child.ref_kind
    incarnation.spawn(group, wanted)
    return {name: kind(f"{incarnation.dn}.{name}", host) for name, kind in kinds.items()}


def signal(signal: Signal) -> None:
    """Tell what the calling runnable has reached: HEALTHY when it serves, DONE when it is about to return for good.

    Raises:
        IllegalSignalError: HEALTHY for the second time, or DONE before HEALTHY or for the second time.
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    here().signal(Signal(signal))


def canceled() -> bool:
    """Whether the calling runnable has been asked to end. True too for what outlives its incarnation.

    Raises:
        NotInRunnableError: the caller is no runnable.
    """
    return here().is_canceled


def wait_canceled(timeout: float | None = None) -> bool:
    """Wait until the calling runnable is asked to end, for at most `timeout` seconds; whether it was.

    Raises:
        BlockingCallError: on an event loop; there, being canceled raises `asyncio.CancelledError` by itself.
        NotInRunnableError: the caller is no runnable.
    """
    incarnation = here()
    _refuse_on_event_loop("wait_canceled", "an `async def` runnable gets asyncio.CancelledError where it awaits")
    return incarnation.wait_canceled(timeout)


def sleep(seconds: float) -> None:
    """Do nothing for so long, or raise `Canceled` as soon as the calling runnable is asked to end.

    Raises:
        Canceled: it is asked to end, or was already.
        ValueError: `seconds` is negative, or no number.
        BlockingCallError: on an event loop; await `asyncio.sleep`.
        NotInRunnableError: the caller is no runnable.
    """
    incarnation = here()
    _refuse_on_event_loop("sleep", "await asyncio.sleep")
    if not seconds >= 0:
        msg = f"sleep({seconds!r}): the seconds must not be negative"
        raise ValueError(msg)
    if incarnation.wait_canceled(seconds):
        msg = f"{incarnation.dn} was canceled"
        raise Canceled(msg)


def current() -> CurrentRef:
    """The address of the calling node, with its incarnation and fencing token.

    Raises:
        NotInRunnableError: the caller is no runnable.
    """
    return CurrentRef(here())


def logger() -> Logger:
    """Loguru's logger with `dn` and `incarnation` of the calling runnable in `extra`.

    Raises:
        NotInRunnableError: the caller is no runnable.
    """
    return logger_of(here())


def sub_logger(name: str) -> Logger:
    """A logger for a part of the calling runnable: its records belong to the DN `<dn>.<name>`.

    The name is reserved: no child can have it, until the next incarnation.

    Raises:
        InvalidNameError: it is no name.
        DuplicateNameError: a child has it.
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    incarnation = here()
    incarnation.reserve(name)
    return logger_of(incarnation, name)


def raw_logger() -> RawLogger:
    """A line writer: what is written to it, as bytes or text in any chunks, becomes records of the calling node.

    What is left without a newline is logged when it is closed, or when the runnable ends.

    Raises:
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    incarnation = here()
    raw = RawLogger(logger_of(incarnation))
    incarnation.at_end(raw.close)
    return raw


def bind(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, carrying the caller's context into a thread of the user's own.

    A thread that a runnable starts by itself does not belong to it (before Python 3.14 no thread inherits context
    variables): there, `otp.canceled` and the others raise `NotInRunnableError`, unless it runs what `bind` returned.
    Tasks and `asyncio.to_thread` need no `bind`.

    Raises:
        NotInRunnableError: the caller is no runnable.
    """
    here()
    context = contextvars.copy_context()

    @functools.wraps(function)
    def bound(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)  # a context can be entered by one thread at a time only

    return bound


def _refuse_on_event_loop(name: str, instead: str) -> None:
    if _get_running_loop() is None:  # `get_running_loop` would raise, nearly always
        return
    msg = f"{name} would block the event loop of this thread: {instead}"
    raise BlockingCallError(msg)
