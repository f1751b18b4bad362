"""One run of a node's runnable, as the runnable itself sees it: what the context-local points to.

A call of the façade is checked here, in the caller's own thread and under the incarnation's own lock (R1, R2, R10, the
names of children), and what passes is told to the node actor. Nobody waits for an actor, so an event loop never stalls;
and the engine takes none of these locks, so no caller can stall the engine.

Backends report the end of the runnable here too. From that moment on everything else that comes is stale (R10).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

from otp.errors import (
    DuplicateNameError,
    IllegalSignalError,
    InvalidNameError,
    NotInRunnableError,
    NotNewError,
    StaleIncarnationError,
)
from otp.reasons import Reason, is_clean, told
from otp.tree.decision.messages import Birth, End, Ended, Signal, Signaled, Spawned
from otp.tree.decision.names import is_name
from otp.tree.decision.policy import Restart
from otp.tree.decision.record import record
from otp.tree.ends import Exiting, judge
from otp.tree.forks import generation
from otp.tree.mailbox import NOBODYS
from otp.tree.rendering import clear, render
from otp.tree.reports import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from otp.reasons import ExitReason
    from otp.tree.actor import Address
    from otp.tree.backend import Backend, Host, Job
    from otp.tree.clock import Clock
    from otp.tree.decision.policy import Policy, Strategy
    from otp.tree.ends import Verdict
    from otp.tree.mailbox import Mailbox

__all__ = ["Incarnation", "Interrupt", "Lifecycle", "Spec", "Waker", "checked_name", "current", "here"]

current: Final[ContextVar[Incarnation | None]] = ContextVar("otp.incarnation", default=None)
"""The incarnation that the running code belongs to."""


@record
class Spec:
    """A child to be, with what the decision must not see: the user's objects and the backend."""

    node: int
    name: str
    policy: Policy
    job: Job
    backend: Backend


@record
class Interrupt:
    """Have the backend of this incarnation see that its cancel token is set."""

    incarnation: int


@record
class Lifecycle:
    """What goes up the tree, from a runnable by way of all node actors above it to the root supervisor."""

    event: Spawned | Signaled | Ended
    incarnation: Incarnation
    specs: tuple[Spec, ...] = ()
    """Of `Spawned`."""
    mailboxes: tuple[Mailbox, ...] = ()
    """Of the first incarnations of `specs`."""
    exception: BaseException | None = None
    """Of `Ended`."""
    reason: ExitReason | None = None
    """Of `Ended`."""


class Waker(Protocol):
    """What a cancel releases: a lock, or something that ends another kind of wait."""

    def release(self) -> None:
        """End the wait; never blocks, and is none of the user's."""
        ...


class Incarnation:
    """See the module."""

    __slots__ = (
        "_births",
        "_closers",
        "_ended",
        "_lock",
        "_made_in",
        "_names",
        "_node",
        "_phase",
        "_reserved",
        "_signal",
        "_wakers",
        "clock",
        "dn",
        "draw",
        "fencing_token",
        "is_canceled",
        "mailbox",
        "name",
        "node",
        "number",
        "overdue",
        "restart",
        "system",
    )

    def __init__(  # noqa: PLR0913 - the node actor fills it in, nobody else
        self,
        *,
        node: int,
        dn: str,
        number: int,
        fencing_token: int,
        actor: Address,
        clock: Clock,
        draw: Callable[[], float],
        births: Callable[[], int],
        system: Host,
        restart: Restart,
        mailbox: Mailbox,
    ) -> None:
        """A run about to begin."""
        self.node = node
        self.dn = dn
        self.name = dn.rpartition(".")[2]
        self.number = number
        self.fencing_token = fencing_token
        self.clock = clock
        self.draw = draw
        self.system = system
        self.restart = restart
        """After which ends the node is started again."""
        self.is_canceled = False
        """The cancel token. Set by a cancel and by the end."""
        self.mailbox = mailbox
        self.overdue = False
        """It has not ended by its deadline."""
        self._signal: ExitReason | None = None
        """The exit signal that ends it."""
        self._node = actor
        self._births = births
        self._lock = threading.Lock()
        self._phase: Signal | None = None
        # Most runnables have neither children nor sub-loggers nor raw output: an empty set takes 216 bytes, () none.
        self._names: set[str] | tuple[()] = ()
        self._reserved: set[str] | tuple[()] = ()
        self._closers: tuple[Callable[[], object], ...] = ()
        self._ended = False
        self._wakers: tuple[Waker, ...] = ()
        self._made_in = generation()

    # --- what the runnable asks for ---

    def spawn(self, children: Sequence[tuple[str, Policy, Job, Backend]], strategy: Strategy) -> None:
        """Start a group of children: all, or none and an error (R1)."""
        with self._lock:
            self.check()
            if self._phase is not None:
                msg = f"{self.dn} has signaled {self._phase.upper()}: children are started before that"
                raise NotNewError(msg)
            names = {checked_name(child[0], self.dn) for child in children}
            self._refuse_taken(names.intersection(self._names), "child")
            self._refuse_taken(names.intersection(self._reserved), "sub-logger")
            specs = tuple([Spec(self._births(), *child) for child in children])
            births = tuple([Birth(spec.node, spec.name, spec.policy) for spec in specs])
            self._names = self._names or set()
            self._names |= names
            mailboxes = tuple([spec.backend.mailbox(f"{self.dn}.{spec.name}") for spec in specs])
            homes = self.system.directory.homes
            for mailbox in mailboxes:  # before anybody gets a ref of it
                homes[mailbox.dn] = mailbox
            event = Spawned(self.node, self.number, strategy, births, self.clock.monotonic())
            self._node.tell(Lifecycle(event, self, specs, mailboxes))

    def signal(self, signal: Signal) -> None:
        """Tell of HEALTHY or DONE (R2)."""
        with self._lock:
            self.check()
            if self._phase is not (None if signal is Signal.HEALTHY else Signal.HEALTHY):
                said = "nothing yet" if self._phase is None else f"{self._phase.upper()} already"
                msg = f"{self.dn} cannot signal {signal.upper()}: it has signaled {said}"
                raise IllegalSignalError(msg)
            self._phase = signal
            self._node.tell(Lifecycle(Signaled(self.node, self.number, signal, self.clock.monotonic()), self))

    def reserve(self, name: str) -> None:
        """Keep `name` for a sub-logger: no child can have it, for their records would be taken for each other's."""
        with self._lock:
            self.check()
            self._refuse_taken({checked_name(name, self.dn)}.intersection(self._names), "child")
            self._reserved = {*self._reserved, name}

    def at_end(self, close: Callable[[], object]) -> None:
        """Have `close`, which is none of the user's, called when the runnable has ended, before that is told."""
        with self._lock:
            self.check()
            self._closers = (*self._closers, close)

    def _refuse_taken(self, names: set[str], what: str) -> None:
        if names:
            msg = f"{self.dn} has a {what} {min(names)!r} already"
            raise DuplicateNameError(msg)

    def wait_canceled(self, timeout: float | None) -> bool:
        """Wait until the token is set, for at most `timeout` seconds."""
        if not self.is_canceled:
            waker = threading.Lock()
            waker.acquire()  # released by whoever sets the token
            self._add(waker)
            # Looked at again, because it may have been set before there was a waker to be released.
            if not self.is_canceled:
                self.clock.acquire(waker, timeout)
            self._remove(waker)
        return self.is_canceled

    @contextmanager
    def waked_by(self, waker: Waker) -> Generator[None]:
        """Have `waker` released when the token is set, from any thread; the token may be set already."""
        self._add(waker)
        try:
            yield
        finally:
            self._remove(waker)

    def listen(self) -> None:
        """Have the reader of the mailbox woken when the token is set."""
        if self.mailbox not in self._wakers:
            self._add(self.mailbox)

    def _add(self, waker: Waker) -> None:
        with self._lock:
            self._wakers = (*self._wakers, waker)

    def _remove(self, waker: Waker) -> None:
        with self._lock:
            self._wakers = tuple([each for each in self._wakers if each is not waker])

    def check(self) -> None:
        """Refuse who is late.

        Raises:
            StaleIncarnationError: the incarnation has ended.
        """
        if self._ended:
            msg = f"incarnation {self.number} of {self.dn} has ended"
            raise StaleIncarnationError(msg)

    # --- what the engine and the backends tell ---

    @property
    def forked(self) -> bool:
        """Whether this process is a fork of the one that the incarnation runs in."""
        return self._made_in != generation()

    def cancel(self) -> None:
        """Set the token and wake who waits for it. Takes no lock: the engine calls it."""
        self.is_canceled = True
        for waker in self._wakers:
            with suppress(RuntimeError):  # it has been released before, or by its clock
                waker.release()

    def exit(self, reason: ExitReason, letter: object) -> None:
        """An exit signal; from any thread. Where exits are trapped, `letter` is what tells of it."""
        if self.mailbox.trap_exit and reason is not Reason.KILL:
            self.mailbox.put(letter)
            return
        if reason is Reason.NORMAL:
            return
        with self._lock:
            if self._ended or self._signal is not None:
                return
            self._signal = reason
        self.cancel()
        self._node.tell(Interrupt(self.number))

    def conclude(self, reason: ExitReason) -> None:
        """A behaviour supervisor has ended by its own decision; in the loop of the tree."""
        with self._lock:
            self._ended = True
        self._move_out(reason)
        self.cancel()

    def _account(self, verdict: Verdict, exception: BaseException | None) -> tuple[str | None, Account | None]:
        """The end in one line, and what else there is to tell of it."""
        error, trace = (None, None) if verdict.shown is None else render(verdict.shown)
        clean = verdict.shown is None and is_clean(verdict.reason)
        wanted = self.is_canceled and self._signal is None and verdict.error is None
        normal = verdict.reason is Reason.NORMAL and self.restart is not Restart.PERMANENT
        if clean and (wanted or normal or verdict.end is End.IGNORED):
            return error, None
        reason = told(verdict.reason) if error is None else error
        seen = exception.seen if type(exception) is Exiting else None
        account = Account(reason, clean=clean, healthy=self._phase is not None, trace=trace, seen=seen)
        self.mailbox.describe(account)
        return error, account

    def _move_out(self, reason: ExitReason) -> None:
        # The mailbox keeps the exception, for whoever still has a letter for it; frames of the exception may have this.
        mailbox, self.mailbox = self.mailbox, NOBODYS
        self.system.directory.leave(mailbox, reason)

    def end(self, end: End, exception: BaseException | None = None) -> None:
        """The runnable runs no more; from its own thread, with the exception it ended by."""
        if self.forked:  # a runnable that forked returns twice; the tree is not in this process
            return
        for close in self._closers:
            with suppress(BaseException):  # it writes to sinks of the user's, which must not hide this end
                close()
        verdict = judge(
            end,
            exception,
            signal=self._signal,
            canceled=self.is_canceled,
            overdue=self.overdue,
            may_return=self._phase is Signal.DONE or self.restart is not Restart.PERMANENT,
        )
        error, account = self._account(verdict, exception)
        if exception is not None:
            clear(exception)
        with self._lock:
            self._ended = True  # from here on nobody else gets past `check`
        self._move_out(verdict.reason)
        if verdict.done and self._phase is Signal.HEALTHY:
            self._node.tell(Lifecycle(Signaled(self.node, self.number, Signal.DONE, self.clock.monotonic()), self))
        event = Ended(
            self.node, self.number, verdict.end, self.clock.monotonic(), self.draw(), verdict.error or error, account
        )
        self._node.tell_and_help(Lifecycle(event, self, (), (), exception, verdict.reason))
        self.cancel()


def here() -> Incarnation:
    """The incarnation of the caller.

    Raises:
        NotInRunnableError: when there is none.
    """
    incarnation = current.get()
    if incarnation is None:
        msg = "not called from a runnable of a system; a thread of your own needs `otp.bind`"
        raise NotInRunnableError(msg)
    if incarnation.forked:
        msg = f"called from a fork of the process that runs {incarnation.dn}; the tree is in that process only"
        raise NotInRunnableError(msg)
    return incarnation


def checked_name(name: str, parent: str) -> str:
    """`name`, if a node may have it.

    Raises:
        InvalidNameError: when it may not.
    """
    if type(name) is not str or not is_name(name):
        shown = repr(name[:80]) if type(name) is str else f"named by a {type(name).__name__}"
        msg = f"{parent} cannot have a child {shown}: a name is a str of 1 to 64 of A-Z, a-z, 0-9, _ and -"
        raise InvalidNameError(msg)
    return name
