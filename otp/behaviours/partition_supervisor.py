"""`PartitionSupervisor`: the same child many times, so that what one would be too slow for is divided. As Elixir's.

Who talks to it picks a partition by a key: `ref.partition("user 17").call(...)`. Nothing is asked for that: how many
partitions there are is read where the supervisor lives.
"""

from __future__ import annotations

import copy
import enum
import os
import zlib
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypedDict, TypeVar, Unpack, overload
from uuid import UUID

from otp.backends.supervisor import SupervisorMailbox
from otp.behaviours.administrator import Administrator, as_child
from otp.behaviours.supervisor import Supervisor
from otp.child import Kind_co
from otp.mail.ref import Ref
from otp.tree.decision.policy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from otp.behaviours.administrator import ChildCounts
    from otp.child import Child, OfKind, Runnable

__all__ = ["PartitionSupervisor", "PartitionSupervisorRef"]


K = TypeVar("K", bound=Ref)


class PartitionSupervisorRef(Administrator, Generic[Kind_co]):
    """The address of a `PartitionSupervisor`; generic in the kind of ref that its partitions have."""

    __slots__ = ()

    _written: ClassVar[tuple[int, type[Any]] | None] = None
    """How many partitions, and refs of what kind, as far as is known before it runs."""

    @property
    def partitions(self) -> int:
        """How many there are.

        Raises:
            NoProcessError: the supervisor does not run, and it was not from its start that this ref came.
        """
        return self._shape()[0]

    def partition(self, key: Hashable) -> Kind_co:
        """Where what belongs to `key` is seen to. The same key leads to the same partition, in every program.

        Args:
            key: an int, which leads to partition `abs(key) % partitions`; or a float, a str, bytes, `None`, an `Enum`, a
                `UUID`, a `Ref`, or a tuple or frozenset of these. Equal keys are one key.

        Raises:
            TypeError: it is none of these: its hash would be another one in the next program.
            NoProcessError: as `partitions`.
        """
        count, kind = self._shape()
        return kind(f"{self._address()}.{_stable_hash(key) % count}", self._system)

    def count_children(self) -> ChildCounts:
        """How many partitions there are, and how many of them run.

        Raises:
            NoProcessError: the supervisor does not run.
            BlockingCallError: on an event loop; use `acount_children`.
        """
        return self._blocking("count_children", self._count())

    async def acount_children(self) -> ChildCounts:
        """`count_children` for event loops."""
        return await self._awaiting(self._count())

    def _shape(self) -> tuple[int, type[Kind_co]]:
        home = self._home()
        children = home.children if isinstance(home, SupervisorMailbox) else ()
        if children:
            child: Any = children[0][2].origin
            return len(children), child.ref_kind
        if self._written is None:
            raise self._not_there()
        return self._written


class _Options(TypedDict, total=False):
    partitions: int | None
    with_arguments: Callable[[tuple[Any, ...], int], tuple[Any, ...]] | None
    strategy: Strategy
    max_restarts: int
    max_seconds: float


class PartitionSupervisor(Generic[Kind_co]):
    """A runnable that supervises the same child `partitions` times.

        counters = otp.run("counters", otp.PartitionSupervisor(Counter))
        counters.partition("alice").cast("increment")

    The children are called `0`, `1`, ... and are supervised as those of a `Supervisor` are.

    Args:
        child: what to run in each partition.
        partitions: how many; as many as the machine has CPUs unless given.
        with_arguments: called here for each partition, with the arguments of `child` and the number of the partition;
            gives the arguments that it is run with.
        strategy, max_restarts, max_seconds: as those of `Supervisor`.

    Raises:
        TypeError, ValueError: no such supervisor can be.
    """

    otp_supervises: ClassVar[bool] = True

    @overload
    def __init__(self: PartitionSupervisor[K], child: OfKind[K], **options: Unpack[_Options]) -> None: ...
    @overload
    def __init__(self: PartitionSupervisor[Ref], child: Callable[[], object], **options: Unpack[_Options]) -> None: ...
    def __init__(  # noqa: PLR0913 - half of them are those of `Supervisor`
        self,
        child: Runnable | Child,
        *,
        partitions: int | None = None,
        with_arguments: Callable[[tuple[Any, ...], int], tuple[Any, ...]] | None = None,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
    ) -> None:
        count = _checked_count(partitions)
        one = as_child(child)
        inner = Supervisor(
            {str(number): _for_partition(one, number, with_arguments) for number in range(count)},
            strategy=strategy,
            max_restarts=max_restarts,
            max_seconds=max_seconds,
        )
        self.supervision = inner.supervision
        self.children = inner.children
        self.extra_arguments: tuple[()] = ()
        # Whoever starts it may ask at once, when it does not run yet: what is known here goes along with the ref.
        members = {"__slots__": (), "_written": (count, one.ref_kind)}
        self.ref_type: type[PartitionSupervisorRef[Kind_co]] = type(
            "PartitionSupervisorRef", (PartitionSupervisorRef,), members
        )

    def __repr__(self) -> str:
        return f"<PartitionSupervisor of {len(self.children)} partitions>"


def _checked_count(partitions: int | None) -> int:
    if partitions is None:
        return os.cpu_count() or 1
    if isinstance(partitions, bool) or not isinstance(partitions, int):
        msg = f"partitions= takes an int or None, not {type(partitions).__name__}"
        raise TypeError(msg)
    if partitions < 1:
        msg = f"partitions={partitions} must be 1 or more"
        raise ValueError(msg)
    return int(partitions)


def _for_partition(
    child: Child,
    number: int,
    with_arguments: Callable[[tuple[Any, ...], int], tuple[Any, ...]] | None,
) -> Child:
    if with_arguments is None:
        return child
    args = with_arguments(child.args, number)
    if not isinstance(args, tuple):
        msg = f"with_arguments is to give a tuple of arguments, not {type(args).__name__}"
        raise TypeError(msg)
    made = copy.copy(child)
    made.args = args
    return made


def _stable_hash(key: Any) -> int:  # noqa: ANN401 - whatever is hashable
    """Not negative, equal for equal keys, and, other than `hash`, the same in every program."""
    match key:
        case int():
            return abs(int(key))
        case float() if key.is_integer():  # it is equal to that int
            return abs(int(key))
        case UUID():
            return key.int
        case tuple():
            return zlib.crc32(repr([*map(_stable_hash, key)]).encode())
        case frozenset():
            return zlib.crc32(repr(sorted(map(_stable_hash, key))).encode())
        case _:
            return zlib.crc32(_spelled(key))


def _spelled(key: object) -> bytes:
    match key:
        case str():  # before the enums: a StrEnum is equal to its text
            return key.encode(errors="surrogatepass")
        case bytes():
            return key
        case float():
            return key.hex().encode()
        case enum.Enum():
            return f"{type(key).__module__}.{type(key).__qualname__}.{key.name}".encode()
        case Ref():
            return key.dn.encode()
        case None:
            return b""
        case _:
            msg = f"a {type(key).__name__} has no hash that stays; use a str, an int or a tuple of such as the key"
            raise TypeError(msg)
