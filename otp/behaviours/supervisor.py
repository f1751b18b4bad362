"""`Supervisor`: children in order, kept alive by OTP's rules, and stopped in reverse.

It has neither a thread nor a loop: the decision of the tree does what it says (`otp.tree.decision.otp`). What is asked of
it with a `SupervisorRef` goes there too, and the answer comes from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar, overload

from otp.behaviours.administrator import Administrator, as_child, checked_limits
from otp.child import checked_type
from otp.mail.ref import Ref
from otp.tree.decision.messages import DeleteChild, RestartChild, TerminateChild
from otp.tree.decision.policy import AutoShutdown, Restart, Strategy, Supervision
from otp.tree.incarnation import checked_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.behaviours.administrator import ChildCounts, ChildInfo
    from otp.child import Child, OfKind, Runnable

__all__ = ["Supervisor", "SupervisorRef"]

K = TypeVar("K", bound=Ref)


class SupervisorRef(Administrator):
    """The address of a `Supervisor`, and what can be asked of it. Its calls wait for as long as it takes."""

    __slots__ = ()

    @overload
    def start_child(self, name: str, child: OfKind[K]) -> K | None: ...
    @overload
    def start_child(self, name: str, child: Callable[[], object]) -> Ref | None: ...
    def start_child(self, name: str, child: Runnable | Child) -> Ref | None:
        """Add a child and start it; as `supervisor:start_child/2`.

        Returns:
            Where it lives, once it is HEALTHY; `None`: it need not run (`Ignore`).

        Raises:
            ChildAlreadyStartedError, ChildAlreadyPresentError: there is a child of that name, which runs or does not.
            ChildStartError: it has ended before, or took too long; it is not kept.
            NoProcessError: the supervisor does not run.
            InvalidNameError, TypeError, ValueError: no such child can be.
            BlockingCallError: on an event loop; use `astart_child`.
        """
        return self._blocking("start_child", self._start(name, _checked_start(name, child)))

    @overload
    async def astart_child(self, name: str, child: OfKind[K]) -> K | None: ...
    @overload
    async def astart_child(self, name: str, child: Callable[[], object]) -> Ref | None: ...
    async def astart_child(self, name: str, child: Runnable | Child) -> Ref | None:
        """`start_child` for event loops."""
        return await self._awaiting(self._start(name, _checked_start(name, child)))

    def terminate_child(self, name: str) -> None:
        """Stop a child and keep what it is; as `supervisor:terminate_child/2`. A temporary one is forgotten.

        Returns when it has ended, or when its `shutdown` is over and it is stuck: then it is RUNNING until it ends.

        Raises:
            NoSuchChildError: there is none of that name.
            NoProcessError, BlockingCallError: as `start_child`.
        """
        self._blocking("terminate_child", self._ask(TerminateChild, name))

    async def aterminate_child(self, name: str) -> None:
        """`terminate_child` for event loops."""
        await self._awaiting(self._ask(TerminateChild, name))

    def restart_child(self, name: str) -> Ref | None:
        """Start a child that was stopped; as `supervisor:restart_child/2`. It does not count as a restart.

        Raises:
            ChildRunningError, ChildRestartingError: it is not stopped.
            ChildStartError: it has ended before it was HEALTHY, or took too long; it is kept.
            NoSuchChildError: there is none of that name.
            NoProcessError, BlockingCallError: as `start_child`.
        """
        return self._blocking("restart_child", self._ask(RestartChild, name))

    async def arestart_child(self, name: str) -> Ref | None:
        """`restart_child` for event loops."""
        return await self._awaiting(self._ask(RestartChild, name))

    def delete_child(self, name: str) -> None:
        """Forget a child that is stopped; as `supervisor:delete_child/2`.

        Raises:
            ChildRunningError, ChildRestartingError: it is not stopped.
            NoSuchChildError: there is none of that name.
            NoProcessError, BlockingCallError: as `start_child`.
        """
        self._blocking("delete_child", self._ask(DeleteChild, name))

    async def adelete_child(self, name: str) -> None:
        """`delete_child` for event loops."""
        await self._awaiting(self._ask(DeleteChild, name))

    def which_children(self) -> dict[str, ChildInfo]:
        """Its children, in start order; as `supervisor:which_children/1`, which has them in reverse.

        Raises:
            NoProcessError, BlockingCallError: as `start_child`.
        """
        return self._blocking("which_children", self._which())

    async def awhich_children(self) -> dict[str, ChildInfo]:
        """`which_children` for event loops."""
        return await self._awaiting(self._which())

    def count_children(self) -> ChildCounts:
        """How many children it has; as `supervisor:count_children/1`.

        Raises:
            NoProcessError, BlockingCallError: as `start_child`.
        """
        return self._blocking("count_children", self._count())

    async def acount_children(self) -> ChildCounts:
        """`count_children` for event loops."""
        return await self._awaiting(self._count())

    def get_childspec(self, name: str) -> Child:
        """What a child is, defaults filled in; as `supervisor:get_childspec/2`.

        Raises:
            NoSuchChildError: there is none of that name.
            NoProcessError, BlockingCallError: as `start_child`.
        """
        return self._blocking("get_childspec", self._spec(name))

    async def aget_childspec(self, name: str) -> Child:
        """`get_childspec` for event loops."""
        return await self._awaiting(self._spec(name))


class Supervisor:
    """A runnable that supervises; run it with `otp.run`, or as a `Child`, or at the root.

        otp.run("sessions", otp.Supervisor({"store": Store, "api": otp.Child(Api, 8080)}, strategy=Strategy.REST_FOR_ONE))

    Children are started in order, each once the one before it is HEALTHY; stopped in reverse, one at a time. It is HEALTHY
    when all have started. Below it there is no backoff: more than `max_restarts` restarts within `max_seconds`, and it
    gives up, which is for whoever is above it to see to.

    Args:
        children: by name, in start order.
        strategy: whom the end of one takes along when it is restarted.
        max_restarts: how many restarts it stands; 0: none.
        max_seconds: within how many seconds.
        auto_shutdown: whether the end of significant children is its own end.

    Raises:
        TypeError, ValueError, InvalidNameError: no such supervisor can be; a child is `significant` although it is
            PERMANENT, or although nothing comes of that.
    """

    otp_supervises: ClassVar[bool] = True
    ref_type: type[SupervisorRef] = SupervisorRef

    def __init__(
        self,
        children: Mapping[str, Runnable | Child] | None = None,
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
    ) -> None:
        restarts, seconds = checked_limits(max_restarts, max_seconds)
        self.supervision = Supervision(
            checked_type("strategy", strategy, Strategy),
            restarts,
            seconds,
            checked_type("auto_shutdown", auto_shutdown, AutoShutdown),
        )
        self.extra_arguments: tuple[()] = ()
        if children is None:
            children = {}
        elif not isinstance(children, Mapping):
            msg = f"the children of a supervisor are a mapping by name, not a {type(children).__name__}"
            raise TypeError(msg)
        self.children = {name: _checked_child(name, child, self.supervision) for name, child in children.items()}

    def __repr__(self) -> str:
        return f"<Supervisor of {', '.join(self.children) or 'nobody'}>"


def _checked_child(name: str, given: Runnable | Child, supervision: Supervision) -> Child:
    checked_name(name, "a supervisor")
    child = _checked_start(name, given)
    if child.significant and supervision.auto_shutdown is AutoShutdown.NEVER:
        msg = f"the child {name!r} is significant, and auto_shutdown is NEVER: nothing would come of its end"
        raise ValueError(msg)
    return child


def _checked_start(name: str, given: Runnable | Child) -> Child:
    child = as_child(given)
    if child.significant and child.restart is Restart.PERMANENT:
        msg = f"the child {name!r} is significant and PERMANENT: it never ends by itself for good"
        raise ValueError(msg)
    return child
