"""`Child`: a runnable with its arguments and options, checked where it is written."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from inspect import iscoroutinefunction
from types import FunctionType, MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    TypeVarTuple,
    Unpack,
    cast,
    overload,
)

from otp.mail.bounds import MailboxLimit, bounded
from otp.mail.ref import Ref
from otp.tree.backend import Job
from otp.tree.decision.policy import Backoff, BrutalKill, Policy, Restart, Supervision

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import typing_extensions

    from otp.tree.backend import Backend

__all__ = [
    "Child",
    "Defaults",
    "HasRef",
    "Kind_co",
    "Known",
    "Known0",
    "Known1",
    "OfKind",
    "Options",
    "Runnable",
    "Server",
    "Server1",
    "Supervising",
    "is_async",
    "supervision_of",
]

A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)
Args = TypeVarTuple("Args")
K = TypeVar("K", bound=Ref)
R_co = TypeVar("R_co", bound=Ref, covariant=True)
if TYPE_CHECKING:  # `typing` has `default=` from Python 3.13 on; type checkers need nothing installed for this
    Kind_co = typing_extensions.TypeVar("Kind_co", bound=Ref, covariant=True, default=Ref)
else:
    Kind_co = TypeVar("Kind_co", bound=Ref, covariant=True)
Resolved: TypeAlias = "tuple[Policy, Job, Backend]"
T = TypeVar("T")


class HasRef(Protocol[R_co]):
    """A runnable with a kind of ref of its own, which whoever starts it is given."""

    @property
    def ref_type(self) -> type[R_co]:
        """A subclass of `Ref`."""
        ...


class Server(Protocol[*Args]):
    """To type checkers: a server; what its class is run with is what its `init` takes."""

    def init(self, *args: *Args) -> object:
        """As `GenServer.init`."""
        ...


class Server1(Protocol[A_contra]):
    """The same with one argument: mypy does not see that a `Server` whose `init` has defaults can do with fewer."""

    def init(self, arg: A_contra, /) -> object:
        """As `GenServer.init`."""
        ...


class Known(Server[*Args], HasRef[R_co], Protocol[R_co, *Args]):
    """A server with a kind of ref of its own."""


class Known0(HasRef[R_co], Protocol[R_co]):
    """The same without arguments; as `Server1`, for mypy."""

    def init(self) -> object:
        """As `GenServer.init`."""
        ...


class Known1(Server1[A_contra], HasRef[R_co], Protocol[R_co, A_contra]):
    """The same with one."""


class Options(TypedDict, total=False):
    """The options of a child; see `Child`."""

    restart: Restart
    shutdown: float | BrutalKill | None
    backoff: Backoff
    significant: bool
    start_timeout: float | None
    mailbox: MailboxLimit | None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a ready-made runnable wants to be run with, where the user says nothing; its attribute `otp_defaults`."""

    shutdown: float
    reset_after: float


class Supervising(Protocol):
    """A behaviour supervisor, as the user writes it: it is not run, the tree itself does what it says."""

    supervision: Supervision
    children: Mapping[str, Child]
    """Its first ones, in start order."""
    extra_arguments: tuple[Any, ...]
    """What further ones are called with before their own."""


def supervision_of(runnable: object) -> Supervision | None:
    """How `runnable` supervises; `None`: it is none that does."""
    supervision: object = getattr(type(runnable), "otp_supervises", False) and getattr(runnable, "supervision", None)
    return supervision if isinstance(supervision, Supervision) else None


class Child(Generic[Kind_co]):
    """A runnable with options, where a plain callable will not do.

    To type checkers it is generic in the kind of ref that whoever starts it is given: `Child[CounterRef]`. A bare `Child` is one
    with any kind.

    Args:
        runnable: what to run: a plain callable, which gets a thread, or an `async def`, which becomes a task.
        args: its positional arguments, as in asyncio and trio; use `functools.partial` for keyword arguments.
        options:
            - `restart`: after which ends it is started again; `Restart.PERMANENT` unless given.
            - `shutdown`: seconds from cancel until it counts as stuck, 5 unless given; `None`: it may take for ever;
              `BRUTAL_KILL`: do not wait at all.
            - `backoff`: how long it waits before a restart; the system's `Backoff` unless given.
            - `significant`: whether its end by itself may end the supervisor above it.
            - `start_timeout`: seconds from its start to HEALTHY below a behaviour supervisor, which waits for that; `None`, unless
              given: for as long as it takes, as in OTP.
            - `mailbox`: a `MailboxLimit`; `None`, unless given: any amount of mail may wait.

    Raises:
        TypeError: the runnable is not callable, an option is unknown or of a wrong type.
        ValueError: an option has a value that makes no sense.
    """

    # The first that fits counts. What it is generic in is the kind of ref: that of a runnable without one is `Ref`.
    @overload
    def __init__(
        self: Child[K], runnable: type[Known[K, *Args]], /, *args: *Args, **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(self: Child[K], runnable: type[Known0[K]], /, **options: Unpack[Options]) -> None: ...
    @overload
    def __init__(self: Child[K], runnable: type[Known1[K, A]], arg: A, /, **options: Unpack[Options]) -> None: ...
    @overload
    def __init__(
        self: Child[Ref], runnable: type[Server[*Args]], /, *args: *Args, **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(self: Child[Ref], runnable: type[Server1[A]], arg: A, /, **options: Unpack[Options]) -> None: ...
    @overload
    def __init__(self: Child[K], runnable: HasRef[K], /, **options: Unpack[Options]) -> None: ...
    @overload
    def __init__(
        self: Child[Ref], runnable: Callable[[*Args], object], /, *args: *Args, **options: Unpack[Options]
    ) -> None: ...
    def __init__(self, runnable: Any, /, *args: Any, **options: Unpack[Options]) -> None:  # type: ignore[misc]
        supervision = supervision_of(runnable)
        if not callable(runnable) and supervision is None:
            msg = f"a runnable is a callable, not {_type_name(runnable)}"
            raise TypeError(msg)
        unknown = sorted(options.keys() - Options.__annotations__.keys())
        if unknown:
            known = ", ".join(Options.__annotations__)
            msg = f"unknown option {unknown[0]!r}; the options of a child are {known}"
            raise TypeError(msg)
        self.runnable: Callable[..., Any] = runnable
        self.args: tuple[Any, ...] = args
        self.restart = checked_type("restart", options.get("restart", Restart.PERMANENT), Restart)
        defaults = getattr(runnable, "otp_defaults", None)
        self._defaults = defaults if isinstance(defaults, Defaults) else None
        shutdown: float | None = _SHUTDOWN if self._defaults is None else self._defaults.shutdown
        if supervision is not None:  # it takes as long as its children take
            shutdown = None
        self.shutdown = _checked_shutdown(options.get("shutdown", shutdown))
        backoff = options.get("backoff")
        self.backoff = None if backoff is None else checked_type("backoff", backoff, Backoff)
        self.significant = checked_type("significant", options.get("significant", False), bool)
        self.start_timeout = _checked_seconds("start_timeout", options.get("start_timeout"))
        limit = options.get("mailbox")
        self.mailbox = None if limit is None else checked_type("mailbox", limit, MailboxLimit)
        if limit is not None and supervision is not None:
            msg = "mailbox= is for what reads its mail; a supervisor does not"
            raise ValueError(msg)

    def resolve(self, backoff: Backoff, backend_for: Callable[[Any], Backend], *, keep: bool = False) -> Resolved:
        """What the tree is given, in the calling thread: none of the user's objects is asked for anything later.

        Args:
            backoff: the system's.
            backend_for: what runs a runnable.
            keep: this too, for a supervisor that may be asked for it.
        """
        runnable: Any = _to_run(self.runnable, self.shutdown)
        backend = backend_for(runnable)
        args = self.args
        if supervision_of(runnable) is not None:
            args = runnable.extra_arguments
            children = runnable.children.items()
            runnable = tuple([(name, *child.resolve(backoff, backend_for, keep=True)) for name, child in children])
        policy = self.policy(backoff=backoff, killable=backend.killable)
        if self.mailbox is not None:
            backend = bounded(backend, self.mailbox)
        return policy, Job(runnable, args, self if keep else None), backend

    @property
    def ref_kind(self) -> type[Kind_co]:
        """What kind of ref whoever starts it is given.

        Raises:
            TypeError: the runnable has a `ref_type` that is none.
        """
        runnable: Any = self.runnable
        while isinstance(runnable, functools.partial):
            runnable = runnable.func
        wanted: object = getattr(runnable, "ref_type", Ref)
        if not isinstance(wanted, type):
            wanted = Ref
        if not issubclass(wanted, Ref):
            msg = f"ref_type of {_type_name(runnable)} is to be a subclass of Ref, not {wanted.__name__}"
            raise TypeError(msg)
        return cast("type[Kind_co]", wanted)

    def __repr__(self) -> str:
        return f"<Child {getattr(self.runnable, '__qualname__', type(self.runnable).__qualname__)}>"

    def policy(self, *, backoff: Backoff, killable: bool) -> Policy:
        """What the decision is given; `backoff` is the system's."""
        return _policy(
            self.restart,
            0.0 if isinstance(self.shutdown, BrutalKill) else self.shutdown,
            self._backoff(backoff),
            self.significant,
            self.start_timeout,
            killable,
            supervision_of(self.runnable),
        )

    def _backoff(self, given: Backoff) -> Backoff:
        if self.backoff is not None:
            return self.backoff
        if self._defaults is None or given.reset_after > 0:
            return given
        return replace(given, reset_after=self._defaults.reset_after)


Runnable: TypeAlias = "Callable[[], object] | HasRef[Ref]"
"""What can stand for itself where a `Child` can: it is run without arguments."""
OfKind: TypeAlias = "Child[K] | HasRef[K] | type[Known0[K]]"
"""What is known to have that kind of ref. The last is for basedpyright: to it, a class is no `HasRef`."""

_policy = functools.lru_cache(Policy)  # most children of a tree share one
_SHUTDOWN = 5.0


def _to_run(runnable: Callable[..., Any], shutdown: float | BrutalKill | None) -> Callable[..., Any]:
    """What is run: the runnable itself, or what the class of a behaviour says; partials of it too."""
    if isinstance(runnable, functools.partial):
        inner = _to_run(runnable.func, shutdown)
        return runnable if inner is runnable.func else functools.partial(inner, *runnable.args, **runnable.keywords)
    hook: Any = getattr(runnable, "otp_runnable", None) if isinstance(runnable, type) else None
    return runnable if hook is None else hook(shutdown)


def is_async(runnable: Callable[..., object]) -> bool:
    """Whether calling it gives a coroutine: an `async def`, a partial of one, an object whose `__call__` is one."""
    while isinstance(runnable, functools.partial):
        runnable = runnable.func
    if iscoroutinefunction(runnable):
        return True
    if isinstance(runnable, (FunctionType, MethodType, type)):  # what most are: their `__call__` says nothing
        return False
    return iscoroutinefunction(getattr(type(runnable), "__call__", None))  # noqa: B004 - of the type


def checked_type(name: str, value: T, wanted: type[T]) -> T:
    """`value`, which is to be passed as `name`.

    Raises:
        TypeError: it is not of that very type; what a subclass overrides would be called by the loop of the tree.
    """
    if type(value) is not wanted:
        msg = f"{name}= takes a {wanted.__name__}, not {_type_name(value)}"
        raise TypeError(msg)
    return value


def _checked_shutdown(value: float | BrutalKill | None) -> float | BrutalKill | None:
    return value if isinstance(value, BrutalKill) else _checked_seconds("shutdown", value)


def _checked_seconds(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{name}= takes seconds or None, not {_type_name(value)}"
        raise TypeError(msg)
    if not math.isfinite(value) or value < 0:
        msg = f"{name}={value!r} must be finite and not negative; None means for ever"
        raise ValueError(msg)
    return float(value)


def _type_name(value: object) -> str:
    return type(value).__name__
