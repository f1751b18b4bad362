"""Calls: a request that waits for its reply. One class for each way to wait; they are their own `Sender`.

    caller --- CallMessage ---> mailbox ---> server
       ^                                       | reply, or its end
       +---------------------------------------+

A call is settled once: by a reply from anywhere, by the end of the server, or by the caller's own timeout; whatever comes
later finds it settled and is dropped. So every call ends, whatever it races.
"""

from __future__ import annotations

import concurrent.futures
import threading
from _thread import start_new_thread
from contextlib import suppress
from functools import partial
from math import inf
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from otp.errors import CallingSelfError, CallTimeoutError, NoProcessError, ServerExitError
from otp.tree.decision.record import record

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from otp.mail.ref import Ref
    from otp.reasons import ExitReason
    from otp.tree.mailbox import Mailbox

__all__ = ["Call", "CallMessage", "CastMessage", "Sender", "reply"]

T = TypeVar("T")


class Call(Generic[T]):
    """Optional base of requests that know the type of their reply.

    class Get(otp.Call[int]): ...

    number = ref.call(Get())  # an int, to type checkers
    """


class Sender:
    """Who waits for a reply. Opaque: all that can be done with it is `otp.reply`."""

    __slots__ = ()

    def settle(self, *, good: bool, value: Any) -> None:  # noqa: ANN401 - a reply, or an exit reason
        """Only the first counts; from any thread, without waiting."""
        del good, value
        raise NotImplementedError

    def answer(self, value: Any) -> None:  # noqa: ANN401 - a reply
        """Settle it with a reply."""
        self.settle(good=True, value=value)


class CallMessage(Sender):
    """What `receive` gives for a call."""

    __slots__ = ("home", "outcome", "request")

    request: Any
    """What was asked."""

    def __init__(self, request: object, home: Mailbox) -> None:
        """Made by `Ref.call` and the others."""
        self.request = request
        self.outcome: tuple[bool, Any] | None = None
        self.home = home
        """Where it is."""

    @property
    def sender(self) -> Sender:
        """Whom to reply to, with `otp.reply`."""
        return self

    def fail(self, reason: ExitReason) -> None:
        """The server has ended."""
        self.settle(good=False, value=reason)

    def settle(self, *, good: bool, value: Any) -> None:  # noqa: ANN401 - as above
        """Wake the caller, unless that was done before."""
        if self.outcome is None:
            self.outcome = (good, value)
            self.home.pending.discard(self)
            self._wake()

    def look(self, now: float) -> float:
        """See `Pending`: whoever waits in another way than a thread sees to that itself."""
        del now
        return inf

    def give_up(self) -> None:
        """The caller waits no more; a reply that comes is dropped."""
        self.settle(good=False, value=None)
        self.home.withdraw(self)

    def post(self) -> None:
        """Put it into the mailbox, and look whether somebody will ever see it."""
        home = self.home
        home.pending.add(self)
        try:
            home.put(self)
        except BaseException:  # it is bounded, and full
            home.pending.discard(self)
            raise
        if home.reason is not None:
            self.fail(home.reason)

    def _wake(self) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<CallMessage to {self.home.dn}>"


class BlockingCall(CallMessage):
    """A thread waits. What a call takes beyond the two wake-ups of threads is mostly what is here: it is spelled out."""

    __slots__ = ("at", "lock")

    at: float
    """Until when it is waited for, by the machine's clock; only of those with a timeout is it looked at."""

    def __init__(self, request: object, home: Mailbox) -> None:
        """To be waited for by the calling thread."""
        self.request = request
        self.outcome = None
        self.home = home
        self.at = inf
        self.lock = threading.Lock()
        self.lock.acquire()  # released by whoever settles

    def settle(self, *, good: bool, value: Any) -> None:  # noqa: ANN401 - as above
        """The same, without a call in between."""
        if self.outcome is None:
            self.outcome = (good, value)
            self.home.pending.discard(self)
            try:  # noqa: SIM105 - `suppress` takes 0.4 us
                self.lock.release()
            except RuntimeError:
                pass  # two have settled it in the same moment

    def look(self, now: float) -> float:
        """See `Pending`. The caller finds that there is no reply."""
        if now < self.at:
            return self.at
        with suppress(RuntimeError):  # it was released before
            self.lock.release()
        return inf

    def answer(self, value: Any) -> None:  # noqa: ANN401 - as above
        """The same once more, because it is what happens to nearly all calls: keywords would take 0.2 us."""
        if self.outcome is None:
            self.outcome = (True, value)
            self.home.pending.discard(self)
            try:  # noqa: SIM105 - as above
                self.lock.release()
            except RuntimeError:
                pass


def blocking_call(request: object, home: Mailbox) -> BlockingCall:
    """`BlockingCall(request, home)`, 0.2 us quicker: a function is called within the loop of the interpreter, a class is not."""
    call = _new(BlockingCall)
    call.request = request
    call.outcome = None
    call.home = home
    call.at = inf
    call.lock = lock = threading.Lock()
    lock.acquire()
    return call


_new: Final = object.__new__


class AwaitedCall(CallMessage):
    """A task waits."""

    __slots__ = ("_loop", "_thread", "future")

    def __init__(self, request: object, home: Mailbox, loop: asyncio.AbstractEventLoop) -> None:
        """To be awaited on `loop`, which is the calling thread's."""
        self.request = request
        self.outcome = None
        self.home = home
        self._loop = loop
        self._thread = get_ident()
        self.future: asyncio.Future[None] = loop.create_future()

    def answer(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Settle it, with less between a server and a caller that are tasks of one event loop."""
        if self.outcome is None and self._thread == get_ident():
            self.outcome = (True, value)
            self.home.pending.discard(self)
            try:
                if not self.future.done():
                    self.future.set_result(None)
            except RuntimeError:
                pass  # the loop has been closed: the thread was another's, or it ran another loop
        else:
            self.settle(good=True, value=value)

    def _wake(self) -> None:
        try:
            if self._thread == get_ident():
                self._done()
            else:
                self._loop.call_soon_threadsafe(self._done)
        except RuntimeError:
            pass  # the loop has been closed

    def _done(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class Answer(concurrent.futures.Future[Any]):
    """The future of a request; it knows whether a callback has been added, which is the user's."""

    def __init__(self, call: FutureCall) -> None:
        """Of `call`, to come."""
        super().__init__()
        self.call: FutureCall | None = call
        """As long as it has not been settled."""
        self.watching = threading.RLock()
        self.watched = False

    def cancel(self) -> bool:
        """Wait no more; a reply that comes is dropped. The server does not learn of it."""
        if not super().cancel():
            return False
        call = self.call
        if call is not None and call.claim(None):  # else whoever settles it tells those who wait for one of many
            self.set_running_or_notify_cancel()
        return True

    def add_done_callback(self, fn: Callable[[concurrent.futures.Future[Any]], object]) -> None:
        """Have `fn` called when there is an answer; the caller's own thread is spared if there is one already."""
        with self.watching:
            self.watched = True
        super().add_done_callback(fn)


class FutureCall(CallMessage):
    """Somebody may wait, later, again, or for the first of many."""

    __slots__ = ("_ref", "future")

    def __init__(self, request: object, home: Mailbox, ref: Ref) -> None:
        """`ref` is who is called."""
        super().__init__(request, home)
        self._ref = ref
        self.future = Answer(self)

    def settle(self, *, good: bool, value: Any) -> None:  # noqa: ANN401 - as above
        """Only the first counts."""
        if self.claim((good, value)):
            self._wake()

    def claim(self, outcome: tuple[bool, Any] | None) -> bool:
        """Whether the caller is to settle it: one only can take it out of the set, for the future refuses a second."""
        try:
            self.home.pending.remove(self)
        except KeyError:
            return False
        self.outcome = outcome
        self.future.call = None
        return True

    def refuse(self, error: Exception) -> None:
        """It has not been let in, and is not among those who wait any more; its server may have ended meanwhile."""
        self.future.call = None
        with suppress(concurrent.futures.InvalidStateError):
            self.future.set_exception(error)

    def fail(self, reason: ExitReason) -> None:
        """The server has ended. What is the user's is not called here: it may be the loop of the tree that tells."""
        with self.future.watching:
            if not self.future.watched:
                self.settle(good=False, value=reason)
                return
        try:
            start_new_thread(partial(self.settle, good=False, value=reason), ())
        except RuntimeError:  # the machine has none left; whoever waits is told in any case
            self.settle(good=False, value=reason)

    def _wake(self) -> None:
        if self.outcome is not None and self.future.set_running_or_notify_cancel():
            with suppress(BaseException):  # what was asked to be called then is the caller's, whatever it raises
                finish(self.future, self._ref, self.outcome)


@record
class CastMessage:
    """What `receive` gives for a cast."""

    request: Any


def reply(sender: Sender, value: object) -> None:
    """Reply to a call; from any thread or task, at any time. To a caller who has given up it is a no-op.

    As `gen_server:reply/2`.
    """
    if not isinstance(sender, Sender):
        msg = f"reply takes the sender of a call, not {type(sender).__name__}"
        raise TypeError(msg)
    sender.settle(good=True, value=value)


def value_of(ref: Ref, outcome: tuple[bool, Any]) -> Any:  # noqa: ANN401 - a reply
    """The reply.

    Raises:
        ServerExitError: there is none.
    """
    good, value = outcome
    if good:
        return value
    raise ServerExitError(ref, value)


def finish(future: concurrent.futures.Future[Any], ref: Ref, outcome: tuple[bool, Any]) -> None:
    """Settle `future`."""
    good, value = outcome
    if good:
        future.set_result(value)
    else:
        future.set_exception(ServerExitError(ref, value))


def no_process(ref: Ref) -> NoProcessError:
    """Nobody lives there."""
    return NoProcessError(f"no incarnation of {ref.dn} runs", ref)


def calling_self(ref: Ref) -> CallingSelfError:
    """Who calls would wait for itself."""
    return CallingSelfError(f"{ref.dn} calls itself, and would wait for itself", ref)


def too_late(ref: Ref, timeout: float | None) -> CallTimeoutError:
    """There was no reply in time."""
    return CallTimeoutError(f"{ref.dn} has not replied within {timeout} s", ref)


DEFAULT_TIMEOUT: Final = 5.0
"""Seconds; as `gen_server:call/2`."""
