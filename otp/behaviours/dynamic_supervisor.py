"""`DynamicSupervisor`: children that come and go, each for itself; a connection each, say. As Elixir's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, overload

from otp.behaviours.administrator import Administrator, as_child, checked_limits
from otp.child import checked_type
from otp.errors import ChildAlreadyPresentError, ChildAlreadyStartedError, NoSuchChildError
from otp.mail.ref import Ref, address_of, home_of
from otp.tree.decision.messages import TerminateChild
from otp.tree.decision.policy import Supervision

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.behaviours.administrator import ChildCounts, ChildInfo, Request
    from otp.child import Child, OfKind, Runnable
    from otp.tree.administration import Answered

__all__ = ["DynamicSupervisor", "DynamicSupervisorRef"]

K = TypeVar("K", bound=Ref)

_numbers: Final = itertools.count(1)


class DynamicSupervisorRef(Administrator):
    """The address of a `DynamicSupervisor`, and what can be asked of it. Its calls wait for as long as it takes."""

    __slots__ = ()

    @overload
    def start_child(self, child: OfKind[K], *, name: str | None = None) -> K | None: ...
    @overload
    def start_child(self, child: Callable[[], object], *, name: str | None = None) -> Ref | None: ...
    def start_child(self, child: Runnable | Child, *, name: str | None = None) -> Ref | None:
        """Start a child; as `DynamicSupervisor.start_child/2`.

        Args:
            child: what to run; the supervisor's `extra_arguments` come before its own.
            name: in its DN; without one, it is given a number that no other child has.

        Returns:
            Where it lives, once it is HEALTHY; `None`: it need not run (`Ignore`).

        Raises:
            MaxChildrenError: there are as many children as may be.
            ChildAlreadyStartedError, ChildAlreadyPresentError: there is a child of that name.
            ChildStartError: it has ended before it was HEALTHY, or took too long.
            NoProcessError: the supervisor does not run.
            InvalidNameError, TypeError, ValueError: no such child can be.
            BlockingCallError: on an event loop; use `astart_child`.
        """
        while True:
            try:
                return self._blocking("start_child", self._dynamic(child, name))
            except (ChildAlreadyStartedError, ChildAlreadyPresentError):
                if name is not None:
                    raise  # else somebody has given that number as a name: take another

    @overload
    async def astart_child(self, child: OfKind[K], *, name: str | None = None) -> K | None: ...
    @overload
    async def astart_child(self, child: Callable[[], object], *, name: str | None = None) -> Ref | None: ...
    async def astart_child(self, child: Runnable | Child, *, name: str | None = None) -> Ref | None:
        """`start_child` for event loops."""
        while True:
            try:
                return await self._awaiting(self._dynamic(child, name))
            except (ChildAlreadyStartedError, ChildAlreadyPresentError):
                if name is not None:
                    raise

    def terminate_child(self, ref: Ref) -> None:
        """Stop a child, and forget it; as `DynamicSupervisor.terminate_child/2`.

        Returns when it has ended, or when its `shutdown` is over and it is stuck: then it is RUNNING until it ends.

        Raises:
            NoSuchChildError: it is no child of this supervisor, or not any more.
            NoProcessError, BlockingCallError: as `start_child`.
        """
        self._blocking("terminate_child", self._terminate(ref))

    async def aterminate_child(self, ref: Ref) -> None:
        """`terminate_child` for event loops."""
        await self._awaiting(self._terminate(ref))

    def which_children(self) -> list[ChildInfo]:
        """Its children, in start order; as `DynamicSupervisor.which_children/1`.

        Raises:
            NoProcessError, BlockingCallError: as `start_child`.
        """
        return list(self._blocking("which_children", self._which()).values())

    async def awhich_children(self) -> list[ChildInfo]:
        """`which_children` for event loops."""
        return list((await self._awaiting(self._which())).values())

    def count_children(self) -> ChildCounts:
        """How many children it has; one that is being restarted is no active one.

        Raises:
            NoProcessError, BlockingCallError: as `start_child`.
        """
        return self._blocking("count_children", self._count())

    async def acount_children(self) -> ChildCounts:
        """`count_children` for event loops."""
        return await self._awaiting(self._count())

    def _dynamic(self, given: Runnable | Child, name: str | None) -> Request[Answered, Ref | None]:
        child = as_child(given)
        if child.significant:
            msg = "a child of a dynamic supervisor is never significant"
            raise ValueError(msg)
        return self._start(f"child-{next(_numbers)}" if name is None else name, child)

    def _terminate(self, ref: Ref) -> Request[Answered, Ref | None]:
        if not isinstance(ref, Ref):
            msg = f"terminate_child takes the ref of a child, not {type(ref).__name__}"
            raise TypeError(msg)
        if home_of(self) is None:
            raise self._not_there()
        child = address_of(ref, home_of(ref))
        if child != Ref(f"{self._address()}.{child.name}", self._system):
            msg = f"{ref.dn} is no child of {self.dn}"
            raise NoSuchChildError(msg, ref.name)
        return self._ask(TerminateChild, child.name)


class DynamicSupervisor:
    """A runnable that supervises children which are started one by one while it runs.

        otp.run("connections", otp.DynamicSupervisor())

    It starts with none. A child that ends for good is forgotten. When it is stopped, all children are asked to end at once,
    each with its own deadline.

    Args:
        max_restarts: how many restarts it stands within `max_seconds`, of all children together; 0: none.
        max_seconds: within how many seconds.
        max_children: how many it has at most, those included that are being restarted; `None`: any number.
        extra_arguments: what each child is called with before its own arguments. Type checkers do not know of them, and take
            a child for one without them; they do accept it once what it runs is said to be a `Callable[..., object]`.

    Raises:
        TypeError, ValueError: no such supervisor can be.
    """

    otp_supervises: ClassVar[bool] = True
    ref_type: type[DynamicSupervisorRef] = DynamicSupervisorRef

    def __init__(
        self,
        *,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
        max_children: int | None = None,
        extra_arguments: tuple[Any, ...] = (),
    ) -> None:
        restarts, seconds = checked_limits(max_restarts, max_seconds)
        self.supervision = Supervision(
            max_restarts=restarts,
            max_seconds=seconds,
            dynamic=True,
            max_children=_checked_number(max_children),
        )
        self.extra_arguments = checked_type("extra_arguments", extra_arguments, tuple)
        self.children: dict[str, Child] = {}

    def __repr__(self) -> str:
        return "<DynamicSupervisor>"


def _checked_number(max_children: int | None) -> int | None:
    if max_children is None:
        return None
    if isinstance(max_children, bool) or not isinstance(max_children, int):
        msg = f"max_children= takes an int or None, not {type(max_children).__name__}"
        raise TypeError(msg)
    if max_children < 0:
        msg = f"max_children={max_children} must not be negative"
        raise ValueError(msg)
    return int(max_children)
