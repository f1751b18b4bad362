"""Mailboxes: where the mail of one incarnation waits. One for each, from before it runs until it ends.

    sender --- Directory: DN ---> Mailbox.put --> queue --> Mailbox.take --- runnable

Mail goes straight from the sender's thread to the receiver's, and past the loop of the tree. What the loop sees to is who
lives where: the directory has the mailbox of an incarnation from the moment its start was asked for until its end, so
whoever has a ref can write at once, and nobody writes to a dead one.
"""

# Slots that are filled with the first letter:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import os
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from otp.reasons import Reason
from otp.tree.actor import ActorDeadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.reasons import ExitReason
    from otp.tree.clock import Clock
    from otp.tree.incarnation import Incarnation
    from otp.tree.reports import Account

__all__ = [
    "NOBODYS",
    "NOTHING",
    "DeafMailbox",
    "Mailbox",
    "Notice",
    "Pending",
    "ThreadMailbox",
    "Tie",
    "drop",
    "tying",
]


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()
"""What `take` gives when it was woken, or in vain."""


class Pending(Protocol):
    """Somebody who waits for a reply."""

    def fail(self, reason: ExitReason) -> None:
        """The receiver has ended before it replied; from its thread. Never blocks, and is none of the user's."""
        ...

    def look(self, now: float) -> float:
        """Wake who waits, if its time is over. Else when that is; `inf`: it sees to it. Never blocks."""
        ...


class Tie(Protocol):
    """A link or a monitor, as the mailbox of one of the two sees it."""

    def broken(self, reason: ExitReason) -> None:
        """This side has ended; tell the other. Never blocks, and is none of the user's."""
        ...


class Notice:
    """A letter that may turn out to be unwanted while it waits: the link or monitor it is about has been dissolved."""

    __slots__ = ()

    @property
    def wanted(self) -> bool:
        """Whether it is to be seen; asked once, by whoever has taken it out."""
        raise NotImplementedError


class Mailbox:
    """What both kinds have in common. Most nodes get no mail, so what mail needs is made with the first letter."""

    __slots__ = ("dn", "early", "incarnation", "names", "pending", "put", "reason", "ties", "trap_exit", "watched")

    pending: set[Pending]
    """Who waits for a reply."""
    put: Callable[[Any], object]
    """Add a letter, from any thread. A slot, because for a thread it is a method of a queue, without a call in between."""

    def __init__(self, dn: str) -> None:
        """Of the next incarnation at `dn`."""
        self.dn = dn
        self.incarnation: Incarnation | None = None
        """Whose it is, once that runs."""
        self.reason: ExitReason | None = None
        """Why that has ended, once it has; nobody reads any more."""
        self.early: ExitReason | None = None
        """An exit signal that came before it ran."""
        self.trap_exit = False
        """Whether exit signals come as mail."""
        self.watched = False
        """By `Patience`."""
        self.names: tuple[str, ...] = ()
        """Registered for it."""
        self.ties: dict[object, Tie] | None = None
        """Links, monitors and timers; looked at and changed under `tying`."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - only for slots that are empty
        if name.startswith("__"):
            raise AttributeError(name)
        with _opening:
            self._open()
        return object.__getattribute__(self, name)

    def _open(self) -> None:
        raise NotImplementedError

    @property
    def opened(self) -> bool:
        """Whether anybody has ever written."""
        try:
            object.__getattribute__(self, "put")
        except AttributeError:
            return False
        return True

    def release(self) -> None:
        """Wake the reader, for it was canceled; as `Waker`."""
        if self.opened:
            self.put(NOTHING)

    def force(self, letter: object) -> None:
        """`put`, however full it is."""
        self.put(letter)

    def offer(self, letter: object) -> None:
        """`put`, unless it is full."""
        self.put(letter)

    async def aput(self, letter: object) -> None:
        """`put`, from an event loop, which is not blocked."""
        self.put(letter)

    def withdraw(self, letter: object) -> None:
        """Nobody waits for what comes of this any more: if it has not been let in, forget it."""
        del letter

    def move_in(self, incarnation: Incarnation) -> ExitReason | None:
        """`incarnation` begins to run. Returns the exit signal that came before."""
        with tying:
            self.incarnation = incarnation
            return self.early

    def signal(self, reason: ExitReason, letter: Notice) -> bool:
        """An exit signal, from any thread. Where exits are trapped, `letter` is what tells of it; whether they are."""
        with tying:
            incarnation = self.incarnation
            if incarnation is None and self.reason is None and self.early is None and reason is not Reason.NORMAL:
                self.early = reason
        if incarnation is None:
            return False
        if self.trap_exit and reason is not Reason.KILL:
            self.put(letter)
            return True
        with suppress(ActorDeadError):  # it has ended meanwhile, and its node has left the tree
            incarnation.exit(reason, letter)
        return False

    @property
    def waiting(self) -> int:
        """How many letters wait."""
        return 0

    def describe(self, account: Account) -> None:
        """Put down what the report of a crash says of mail and links."""
        account.trap_exit = self.trap_exit
        if self.opened:
            account.messages = self.waiting
        if self.ties:
            with tying:
                # A link is found by who is at its other end, everything else by itself.
                links = [key for key, tie in self.ties.items() if key is not tie]
            account.links = tuple([f"{getattr(link, 'dn', link)}" for link in links])

    def close(self, reason: ExitReason) -> None:
        """Nobody reads any more: whoever waits for a reply is told, then whoever is tied to it."""
        with tying:
            if self.reason is not None:
                return
            self.reason = reason = Reason.KILLED if reason is Reason.KILL else reason
            ran = self.incarnation is not None
            self.incarnation = None  # which has this: a cycle would keep the user's exception
            ties, self.ties = self.ties, None
        if self.opened:
            for each in self.pending.copy():
                each.fail(reason)
        for tie in () if ties is None else ties.values():
            tie.broken(reason)
        if ran and self.opened:  # else the loop of the tree closes it, which must not drop what is the user's
            self.drop()

    def drop(self) -> None:
        """Drop what nobody has taken out: a call knows where it is, and would keep this alive with all that is in it."""


class DeafMailbox(Mailbox):
    """Of a node that runs nothing: what is put into it is lost, and calls run into their timeouts."""

    __slots__ = ()

    def _open(self) -> None:
        if self.opened:
            return
        self.pending = set()
        self.put = drop


class ThreadMailbox(Mailbox):
    """Of a runnable in a thread."""

    __slots__ = ("_queue",)

    _queue: SimpleQueue[Any]

    def _open(self) -> None:
        if self.opened:
            return
        queue: SimpleQueue[Any] = SimpleQueue()
        self.pending = set()
        self._queue = queue
        self.put = queue.put

    @property
    def waiting(self) -> int:
        """In the queue."""
        return self._queue.qsize()

    def drop(self) -> None:
        """See `Mailbox`."""
        take = SimpleQueue[Any].get_nowait  # past the door, if it is behind one
        with suppress(Empty):
            while True:
                take(self._queue)

    def take(self, clock: Clock, timeout: float | None = None) -> Any:  # noqa: ANN401 - a letter
        """The next letter, or `NOTHING` after `timeout` seconds or when somebody wakes the reader.

        Only the thread of the runnable takes.
        """
        if timeout is None:
            return self._queue.get()
        with suppress(Empty):
            return self._queue.get_nowait()
        gate = _Gate(self._queue)
        clock.acquire(gate, timeout)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - all it does is that
        return gate.taken


class _Gate:
    """A queue as a lock, for a clock to wait at: acquired when a letter has been taken."""

    __slots__ = ("_queue", "taken")

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        self._queue = queue
        self.taken: Any = NOTHING

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 - as a lock has it
        try:
            self.taken = self._queue.get(blocking, None if timeout < 0 else timeout)
        except Empty:
            return False
        return True

    def release(self) -> None:
        self._queue.put(NOTHING)


def drop(letter: object) -> None:
    """Where mail goes that nobody is to have."""
    del letter


NOBODYS: Final = Mailbox("")
"""The mailbox of who has ended."""
NOBODYS.reason = Reason.NOPROC
# Both can be taken again by who has them: in any of their blocks an object of the user's may be collected, whose `__del__`
# writes to somebody; and so may the handler of a signal.
_opening: Final = threading.RLock()
tying: Final = threading.RLock()
"""Of all mailboxes, because a tie is between two."""
if hasattr(os, "register_at_fork"):  # whoever has one of them is in the parent
    for _lock in (_opening, tying):
        os.register_at_fork(after_in_child=getattr(_lock, "_at_fork_reinit"))  # noqa: B009 - as `threading` does it
