"""The address of a node: a DN in a system. It stays right across restarts."""

from __future__ import annotations

import concurrent.futures
from asyncio import _get_running_loop, get_running_loop
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from otp.errors import BlockingCallError, MailboxFullError
from otp.mail.calls import (
    DEFAULT_TIMEOUT,
    AwaitedCall,
    CastMessage,
    FutureCall,
    blocking_call,
    calling_self,
    no_process,
    too_late,
    value_of,
)
from otp.mail.deadlines import too_late_at
from otp.mail.notices import Exit
from otp.mail.stop import AwaitedStop, BlockingStop, check_stopped, checked_reason, waited
from otp.reasons import Reason
from otp.tree.incarnation import current
from otp.tree.loop_mailbox import alarm

if TYPE_CHECKING:
    from otp.mail.calls import BlockingCall, Call
    from otp.reasons import ExitReason
    from otp.tree.backend import Host
    from otp.tree.incarnation import Incarnation
    from otp.tree.mailbox import Mailbox

__all__ = ["CurrentRef", "Ref", "address_of", "home_of", "system_of"]

T = TypeVar("T")


class Ref:
    """Where a node lives, whichever incarnation lives there. Equal and hashable by address."""

    __slots__ = ("_system", "dn", "name")

    dn: str
    """The distinguished name, as in `root.a.b`; of a ref by name, that name."""
    name: str
    """The last part of it."""

    def __init__(self, dn: str, system: Host) -> None:
        """Refs come from `otp.run`, `otp.run_group`, `otp.ref` and `otp.current`; there is no need to make one."""
        self.dn = dn
        self.name = dn.rpartition(".")[2]
        self._system = system

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ref):
            return NotImplemented
        return self.dn == other.dn and self._system is other._system

    def __hash__(self) -> int:
        return hash((self.dn, id(self._system)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.dn}>"

    # --- one way ---

    def send(self, message: object) -> None:
        """Put `message` into the mailbox of whoever lives there now, and return. To nobody, it is a no-op.

        The receiver gets the object itself, not a copy.

        A mailbox may be bounded (`otp.MailboxLimit`): then this may drop the message, or wait until there is room.

        Raises:
            MailboxFullError: it is full and says so to senders; or it would have to wait for the caller itself.
            BlockingCallError: it would have to wait, on a thread that runs an event loop; use `asend`.
            Canceled: the calling runnable is asked to end while it waits.
        """
        home = self._home()
        if home is not None:
            home.put(message)

    def cast(self, request: object) -> None:
        """Ask for something without waiting for an answer; as `gen_server:cast/2`. To nobody, it is a no-op.

        Raises:
            MailboxFullError, BlockingCallError, Canceled: as `send`.
        """
        home = self._system.directory.homes.get(self.dn)
        if home is not None:
            letter = _new(CastMessage)  # without the call of `__init__`, which is an eighth of all that a cast takes
            letter.request = request  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue] - nobody else has it yet
            home.put(letter)

    async def asend(self, message: object) -> None:
        """`send` for event loops: while the mailbox is full and blocks its senders, this waits."""
        home = self._home()
        if home is not None:
            await home.aput(message)

    async def acast(self, request: object) -> None:
        """`cast` for event loops: as `asend`."""
        home = self._home()
        if home is not None:
            await home.aput(CastMessage(request))

    # --- and back ---

    # The class of a request is none; there is no type for "all but", so its reply is said to be of no use.
    @overload
    def call(self, request: Call[T], timeout: float | None = DEFAULT_TIMEOUT) -> T: ...
    @overload
    def call(self, request: type[Call[Any]], timeout: float | None = DEFAULT_TIMEOUT) -> None: ...
    @overload
    def call(self, request: object, timeout: float | None = DEFAULT_TIMEOUT) -> Any: ...  # noqa: ANN401 - what the server replies
    def call(self, request: object, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Ask for something and wait for the reply; as `gen_server:call/3`.

        A server that is just starting is waited for.

        Args:
            request: what the server's `handle_call` is given, the object itself.
            timeout: seconds; `None`: for as long as it takes. The server does not learn of it.

        Raises:
            CallTimeoutError: no reply within `timeout`; a late one is dropped.
            NoProcessError: no incarnation runs there.
            ServerExitError: it has ended before it replied.
            CallingSelfError: it is the caller itself.
            MailboxFullError: its mailbox is bounded, is full, and does not let callers wait.
            BlockingCallError: on a thread that runs an event loop; use `acall`.
        """
        if _get_running_loop() is not None:
            msg = f"call would block the event loop of this thread: await acall, or call {self.dn} from a thread"
            raise BlockingCallError(msg)
        directory = self._system.directory
        home = directory.homes.get(self.dn)  # as `_callable_home` does
        if home is None:
            raise no_process(self)
        caller = current.get()
        if caller is not None and caller.mailbox is home:
            raise calling_self(self)
        call = blocking_call(request, home)
        lock = call.lock
        # What there is to do is done before the server is woken, which has to wait for whatever is done after that.
        home.pending.add(call)  # as `CallMessage.post` does
        try:
            seen_to = True
            if timeout is not None:
                call.at = at = monotonic() + timeout
                patience = directory.patience
                seen_to = (home.watched and at >= patience.next) or patience.watches(home, at)
            home.put(call)
            if home.reason is not None:
                call.fail(home.reason)
            if seen_to:
                lock.acquire()
            else:
                self._system.clock.acquire(lock, timeout)
        except BaseException:  # it is bounded, and full; or the handler of a signal has raised
            call.give_up()
            raise
        good, value = outcome = call.outcome or self._unsettled(call, timeout)
        return value if good else value_of(self, outcome)

    @overload
    async def acall(self, request: Call[T], timeout: float | None = DEFAULT_TIMEOUT) -> T: ...
    @overload
    async def acall(self, request: type[Call[Any]], timeout: float | None = DEFAULT_TIMEOUT) -> None: ...
    @overload
    async def acall(self, request: object, timeout: float | None = DEFAULT_TIMEOUT) -> Any: ...  # noqa: ANN401 - as above
    async def acall(self, request: object, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """`call` for event loops."""
        loop = get_running_loop()
        call = AwaitedCall(request, self._callable_home(), loop)
        call.post()
        waiter = call.future
        disarm = None if timeout is None else too_late_at(self._system.clock, loop, timeout, waiter)
        try:
            await waiter
        finally:
            if disarm is not None:
                disarm(waiter)
            outcome = call.outcome
            if outcome is None:  # too late, or the caller was canceled
                call.give_up()
        if outcome is None:
            raise too_late(self, timeout)
        good, value = outcome
        return value if good else value_of(self, outcome)

    @overload
    def send_request(self, request: Call[T]) -> concurrent.futures.Future[T]: ...
    @overload
    def send_request(self, request: type[Call[Any]]) -> concurrent.futures.Future[None]: ...
    @overload
    def send_request(self, request: object) -> concurrent.futures.Future[Any]: ...
    def send_request(self, request: object) -> concurrent.futures.Future[Any]:
        """Ask for something, and wait for the reply another time; as `gen_server:send_request/2`.

        The future's `result(timeout)` gives the reply or raises what `call` would; it may be waited for again after a
        timeout, or wrapped by `asyncio.wrap_future`. Many together are what `concurrent.futures.wait` and `as_completed` take:

            requests = {ref.send_request("load"): ref for ref in refs}
            for future in concurrent.futures.as_completed(requests, timeout=5.0):
                print(requests[future].name, future.result())

        Raises:
            BlockingCallError, Canceled: as `send`, of a bounded mailbox; that it is full, the future says.
        """
        home = self._home()
        if home is None:
            future: concurrent.futures.Future[Any] = concurrent.futures.Future()
            future.set_exception(no_process(self))
            return future
        call = FutureCall(request, home, self)
        try:
            call.post()
        except MailboxFullError as error:
            call.refuse(error)
        return call.future

    # --- life ---

    def stop(self, reason: ExitReason = Reason.NORMAL, timeout: float | None = None) -> None:
        """Have a server or a supervisor end, and wait until it has; as `gen_server:stop/3`. For behaviours.

        A server sees to the mail that came before, then calls its `terminate(reason)`. A supervisor does what was asked of it
        before, then stops its children. Whether it is started again is said by the reason, as after any end.

        Args:
            reason: why it ends; NORMAL is no failure: it is DONE.
            timeout: seconds; `None`: for as long as it takes. When they are over, it still ends.

        Raises:
            CallTimeoutError: it has not ended within `timeout`.
            NoProcessError: no incarnation runs there.
            ServerExitError: it has ended by another reason.
            CallingSelfError: it is the caller itself, which returns `Stop(reason)` instead.
            Canceled: the caller is below it, and so it has to end first.
            BlockingCallError: on a thread that runs an event loop; use `astop`.
            TypeError: `reason` is none.
        """
        if _get_running_loop() is not None:
            msg = "stop would block the event loop of this thread: await astop"
            raise BlockingCallError(msg)
        call = BlockingStop(checked_reason(reason), self._callable_home())
        call.post()
        if not waited(self._system, call, timeout) and call.outcome is None:
            call.give_up()
            raise too_late(self, timeout)
        check_stopped(self, reason, call.outcome or _SETTLED)

    async def astop(self, reason: ExitReason = Reason.NORMAL, timeout: float | None = None) -> None:
        """`stop` for event loops."""
        loop = get_running_loop()
        call = AwaitedStop(checked_reason(reason), self._callable_home(), loop)
        call.post()
        disarm = None if timeout is None else alarm(self._system.clock, loop, timeout, call.future)
        try:
            await call.future
        finally:
            if disarm is not None:
                disarm()
            if call.outcome is None:  # too late, or the caller was canceled
                call.give_up()
        if call.outcome is None:
            raise too_late(self, timeout)
        check_stopped(self, reason, call.outcome)

    def exit(self, reason: ExitReason = Reason.SHUTDOWN) -> None:
        """Send an exit signal to whoever lives there now, and return; as `erlang:exit/2`. To nobody, it is a no-op.

        NORMAL does nothing. By any other reason the runnable ends with that reason, as if it had been canceled; it is
        DEAD then. Where exits are trapped (`otp.trap_exit`), it gets an `Exit` message instead. KILL cannot be trapped,
        and is seen as KILLED; but a thread that does not listen cannot be made to end.

        Raises:
            TypeError: `reason` is none.
        """
        checked_reason(reason)
        home = self._home()
        if home is not None:
            caller = current.get()
            sender = None if caller is None else Ref(caller.dn, caller.system)
            home.signal(reason, Exit(sender, reason))

    def is_alive(self) -> bool:
        """Whether an incarnation runs there, or is just starting."""
        return self._home() is not None

    def _unsettled(self, call: BlockingCall, timeout: float | None) -> tuple[bool, Any]:
        """The caller was woken without a reply: it is late, or nobody looks any more when it is."""
        self._system.directory.patience.see_to(call.lock, call.at)
        if call.outcome is None:
            call.give_up()
            raise too_late(self, timeout)
        return call.outcome

    def _home(self) -> Mailbox | None:
        return self._system.directory.homes.get(self.dn)

    def _callable_home(self) -> Mailbox:
        home = self._system.directory.homes.get(self.dn)
        if home is None:
            raise no_process(self)
        caller = current.get()
        if caller is not None and caller.mailbox is home:
            raise calling_self(self)
        return home


def home_of(ref: Ref) -> Mailbox | None:
    """Of the incarnation that lives there now."""
    return ref._home()  # noqa: SLF001 - a user's subclass may have any public name


def system_of(ref: Ref) -> Host:
    """Whose node it is."""
    return ref._system  # noqa: SLF001 - as above


def address_of(ref: Ref, home: Mailbox | None) -> Ref:
    """The plain address: equal to that of any other ref of the same node, whatever that is called by."""
    return Ref(ref.dn if home is None else home.dn, ref._system)  # noqa: SLF001 - as above


class CurrentRef(Ref):
    """The address of the calling node, and which incarnation of it the caller is."""

    __slots__ = ("fencing_token", "incarnation")

    incarnation: int
    """The number of this incarnation, from 1. It begins anew when the node's parent is restarted."""
    fencing_token: int
    """A number that only grows: over incarnations, over restarts of the parent, and over restarts of the program as long
    as the machine's clock does not go back. Hand it to outside systems, so that they can refuse what an earlier
    incarnation still sends."""

    def __init__(self, incarnation: Incarnation) -> None:
        """Of `incarnation`."""
        super().__init__(incarnation.dn, incarnation.system)
        self.incarnation = incarnation.number
        self.fencing_token = incarnation.fencing_token


_new: Final = object.__new__
_SETTLED: Final = (False, "settled")
"""Never seen: a call that has been waited for has an outcome."""
