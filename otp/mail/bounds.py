"""Bounded mailboxes: how much mail may wait for a runnable, and what becomes of what comes then.

    sender ---> Door: room? ---> queue ---> runnable
                  | no: it is dropped, or refused, or waits in the line
                  +---- line <--- the runnable takes a letter: the first in the line goes in

What the tree itself has to say (`Exit`, `Down`, a stop, a cancel) is not counted and goes in at once.
"""

# The doors of mailboxes are made with the first letter:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import asyncio
import enum
import threading
from asyncio import _get_running_loop
from collections import deque
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from otp.errors import BlockingCallError, Canceled, MailboxFullError
from otp.mail.calls import AwaitedCall, BlockingCall, CallMessage
from otp.mail.stop import AwaitedStop, BlockingStop
from otp.tree.incarnation import current
from otp.tree.loop_mailbox import LoopMailbox
from otp.tree.mailbox import NOBODYS, NOTHING, Mailbox, Notice, ThreadMailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.reasons import ExitReason
    from otp.tree.backend import Backend, Handle, Job
    from otp.tree.incarnation import Incarnation

__all__ = ["MailboxLimit", "Overflow", "bounded"]


class Overflow(enum.StrEnum):
    """What becomes of mail to a full mailbox."""

    BLOCK = "block"
    """The sender waits until there is room, the first to come being the first to go in; so work is not made faster than it
    is done."""
    DROP_NEWEST = "drop_newest"
    """It is lost; a call ends with `MailboxFullError`."""
    FAIL = "fail"
    """The sender gets `MailboxFullError`."""


@dataclass(frozen=True, slots=True)
class MailboxLimit:
    """How much mail may wait, as `mailbox=` of a child.

    Raises:
        TypeError, ValueError: `bound` is no int above 0, `policy` no `Overflow`.
    """

    bound: int
    """Messages, casts and calls that have not been taken out."""
    policy: Overflow = Overflow.BLOCK
    """What becomes of those that come then."""

    def __post_init__(self) -> None:
        if type(self.bound) is not int or not isinstance(self.policy, Overflow):
            msg = f"MailboxLimit takes an int and an Overflow, not {self.bound!r} and {self.policy!r}"
            raise TypeError(msg)
        if self.bound < 1:
            msg = f"a mailbox that is bounded to {self.bound} takes no mail: the bound is to be 1 or more"
            raise ValueError(msg)


def bounded(backend: Backend, limit: MailboxLimit) -> Backend:
    """`backend`, giving its runnables mailboxes of that limit."""
    return cast("Backend", cast("object", _BoundedBackend(backend, limit)))


class _BoundedBackend:
    name: ClassVar[str]
    killable: ClassVar[bool]

    def __init__(self, backend: Backend, limit: MailboxLimit) -> None:
        self._backend = backend
        self._limit = limit

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - all but the mailbox is the backend's
        return getattr(self._backend, attribute)

    def start(self, incarnation: Incarnation, job: Job) -> Handle:
        return self._backend.start(incarnation, job)

    def mailbox(self, dn: str) -> Mailbox:
        plain = self._backend.mailbox(dn)
        return (
            _BoundedLoopMailbox(dn, self._limit)
            if isinstance(plain, LoopMailbox)
            else _BoundedThreadMailbox(dn, self._limit)
        )


class _Waiting:
    """A letter in the line, and who waits for it to go in, unless that is a caller, who waits for the reply anyway."""

    __slots__ = ("letter", "over", "wake")

    def __init__(self, letter: object, wake: Callable[[], object] | None) -> None:
        self.letter = letter
        self.wake = wake
        self.over = False
        """It has gone in, or never will, because nobody reads any more."""


class _Door:
    """What lets mail into one mailbox."""

    def __init__(self, mailbox: Mailbox, limit: MailboxLimit, put: Callable[[Any], object]) -> None:
        """`put` adds to the queue behind it."""
        self._mailbox = mailbox
        self._limit = limit
        self._put = put
        self._used = 0
        self._line: deque[_Waiting] = deque()
        self._lock = threading.RLock()  # taken again where what is collected in between writes to the same mailbox

    # --- senders ---

    def enter(self, letter: object) -> None:
        """Put it in, wait, drop it or refuse it."""
        with self._lock:
            if self._admitted(letter):
                return
            gate = None
            if type(letter) not in _CALLS:
                gate = threading.Lock()
                gate.acquire()  # released by who lets it in, which may be at once
            waiting = _Waiting(letter, None if gate is None else gate.release)
            if gate is None or _get_running_loop() is None:
                self._line.append(waiting)
        if gate is None:  # the caller waits for the reply, and takes it back when that takes too long
            return
        if _get_running_loop() is not None:
            msg = f"the mailbox of {self._mailbox.dn} is full, and to wait would block the event loop of this thread: "
            raise BlockingCallError(msg + "await acall, acast or asend")
        self._wait(waiting, gate)

    async def aenter(self, letter: object) -> None:
        """`enter` for event loops."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._admitted(letter):
                return
            future: asyncio.Future[None] = loop.create_future()
            waiting = _Waiting(letter, lambda: loop.call_soon_threadsafe(_arrive, future))
            self._line.append(waiting)
        try:
            await future
        finally:
            self._withdraw(waiting)

    def _wait(self, waiting: _Waiting, gate: threading.Lock) -> None:
        incarnation = current.get()
        try:
            with nullcontext() if incarnation is None else incarnation.waked_by(gate):
                if incarnation is None or not incarnation.is_canceled:
                    gate.acquire()
        finally:
            withdrawn = self._withdraw(waiting)
        if withdrawn and incarnation is not None:
            msg = f"{incarnation.dn} was canceled while it waited for room in the mailbox of {self._mailbox.dn}"
            raise Canceled(msg)

    def _admitted(self, letter: object) -> bool:
        """Whether it need not wait; with the lock.

        Raises:
            MailboxFullError: it is refused.
        """
        if not _counts(letter):
            self._put(letter)
            return True
        if self._mailbox.reason is not None:
            return True
        if self._used < self._limit.bound and not self._line:
            self._let_in(letter)
            return True
        policy = self._limit.policy
        if policy is Overflow.DROP_NEWEST and not isinstance(letter, CallMessage):
            return True
        if policy is not Overflow.BLOCK:
            msg = f"{self._limit.bound} letters wait for {self._mailbox.dn}, which takes no more"
            raise MailboxFullError(msg)
        incarnation = current.get()
        if incarnation is not None and incarnation.mailbox is self._mailbox:
            msg = f"the mailbox of {self._mailbox.dn} is full, and would wait for its own reader"
            raise MailboxFullError(msg)
        return False

    # --- others ---

    def force(self, letter: object) -> None:
        """Put it in, however full it is."""
        with self._lock:
            self._let_in(letter)

    def offer(self, letter: object) -> None:
        """Put it in, unless it is full."""
        with self._lock:
            if self._used < self._limit.bound and not self._line:
                self._let_in(letter)

    def left(self, letter: object) -> None:
        """The reader has taken it out."""
        if not _counts(letter):
            return
        with self._lock:
            self._used -= 1
            while self._line and self._used < self._limit.bound:
                waiting = self._line.popleft()
                self._let_in(waiting.letter)
                _release(waiting)

    def withdraw(self, letter: object) -> None:
        """Who has sent it waits no more."""
        with self._lock:
            for waiting in self._line:
                if waiting.letter is letter:
                    self._line.remove(waiting)
                    return

    def close(self) -> None:
        """Nobody reads any more: whoever waits need not."""
        with self._lock:
            while self._line:
                _release(self._line.popleft())
            self._mailbox, self._put = NOBODYS, _drop  # each would keep the other

    def _let_in(self, letter: object) -> None:
        self._used += 1
        self._put(letter)

    def _withdraw(self, waiting: _Waiting) -> bool:
        with self._lock:
            if waiting.over:
                return False
            with suppress(ValueError):
                self._line.remove(waiting)
            return True


class _Queue(SimpleQueue[Any]):
    """Behind a door."""

    door: _Door

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ANN401, FBT001, FBT002 - inherited
        del block, timeout
        self.door.enter(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401, FBT001, FBT002 - inherited
        item = super().get(block, timeout)
        self.door.left(item)
        return item

    def get_nowait(self) -> Any:  # noqa: ANN401 - inherited
        return self.get(block=False)


class _Items(deque[Any]):
    """Behind a door."""

    door: _Door

    def popleft(self) -> Any:  # noqa: ANN401 - inherited
        item = super().popleft()
        self.door.left(item)
        return item


class _Bounded(Mailbox):
    """What is the same for both kinds."""

    __slots__ = ()

    _limit: MailboxLimit
    _door: _Door

    def force(self, letter: object) -> None:
        """See `Mailbox`."""
        self._opened_door().force(letter)

    def offer(self, letter: object) -> None:
        """See `Mailbox`."""
        self._opened_door().offer(letter)

    async def aput(self, letter: object) -> None:
        """See `Mailbox`."""
        await self._opened_door().aenter(letter)

    def withdraw(self, letter: object) -> None:
        """See `Mailbox`."""
        self._opened_door().withdraw(letter)

    def close(self, reason: ExitReason) -> None:
        """See `Mailbox`."""
        super().close(reason)
        if self.opened:
            self._door.close()

    def _opened_door(self) -> _Door:
        _ = self.put
        return self._door


class _BoundedThreadMailbox(_Bounded, ThreadMailbox):
    __slots__ = ("_door", "_limit")

    def __init__(self, dn: str, limit: MailboxLimit) -> None:
        super().__init__(dn)
        self._limit = limit

    def _open(self) -> None:
        if self.opened:
            return
        queue = _Queue()
        self._door = queue.door = _Door(self, self._limit, super(_Queue, queue).put)
        self.pending = set()
        self._queue = queue
        self.put = self._door.enter


class _BoundedLoopMailbox(_Bounded, LoopMailbox):
    __slots__ = ("_door", "_limit")

    def __init__(self, dn: str, limit: MailboxLimit) -> None:
        super().__init__(dn)
        self._limit = limit

    def _open(self) -> None:
        if self.opened:
            return
        items = _Items()
        self._door = items.door = _Door(self, self._limit, self._put)
        self.pending = set()
        self._items = items
        self.put = self._door.enter


_CALLS: Final = frozenset({BlockingCall, AwaitedCall})
_STOPS: Final = frozenset({BlockingStop, AwaitedStop})


def _drop(letter: object) -> None:
    del letter


def _counts(letter: object) -> bool:
    return letter is not NOTHING and type(letter) not in _STOPS and not isinstance(letter, Notice)


def _release(waiting: _Waiting) -> None:
    waiting.over = True
    if waiting.wake is not None:
        with suppress(RuntimeError):  # a cancel has woken it, or its event loop has been closed
            waiting.wake()


def _arrive(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
