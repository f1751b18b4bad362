r"""The pykka actor type of the tree: many actors, one thread. The only file that knows pykka's insides.

    ref.tell(message) --> Inbox.put --> Loop's queue --> Actor.on_receive
                                   \-> (told from within the loop: handled before the next message from the queue)

What differs from `pykka.ThreadingActor`, and why:

* Actors share the thread of their `Loop`. A thread for each would double the threads of a tree and pay a hand-over of the
  GIL per level.
* What an actor tells another within the loop is handled before anything else. So a message that has left a runnable has
  gone all the way up before a later question to the root is answered: reads see writes.
* They are not in `pykka.ActorRegistry`: whoever calls `ActorRegistry.stop_all()` (pykka itself does, when a handler of
  anybody's raises a `BaseException`) does not touch the tree.
* No message is left unanswered: an `ask` that comes too late gets `pykka.ActorDeadError`.
* The loop runs no user code. What holds objects of users is given to `Loop.release` when it is done with, and is dropped
  on another thread, for dropping may run a `__del__`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import pykka

from otp.tree.forks import generation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka._actor import ActorInbox
    from pykka._envelope import Envelope

    from otp.tree.clock import Clock

__all__ = ["Actor", "ActorDeadError", "Address", "Loop"]

ActorDeadError = pykka.ActorDeadError

Address: TypeAlias = pykka.ActorRef[Any]
"""Of any actor of the tree."""


class Loop:
    """One thread that runs all actors attached to it, and the two alarms that they may set."""

    alarm: float | None = None
    """When `on_alarm` is due, on the clock."""
    wave: float | None = None
    """When `on_wave` is due, in seconds of `time.monotonic` whatever the clock: for pacing, not for rules."""

    def __init__(self, clock: Clock, name: str, release: Callable[[list[object]], None]) -> None:
        """A loop that waits by `clock`; `release` takes lists of what must be dropped on another thread."""
        self._clock = clock
        self._release = release
        self._queue: SimpleQueue[tuple[Actor, Envelope[Any]] | None] = SimpleQueue()
        self._inner: deque[tuple[Actor, Envelope[Any]]] = deque()
        self._garbage: list[object] = []
        self._reports: list[object] = []
        self._closed = False
        self._made_in = generation()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.on_alarm: Callable[[], None] = _nothing
        self.on_wave: Callable[[], None] = _nothing
        self.on_idle: Callable[[], None] | None = None
        """Called whenever every message has been handled and no alarm is due, for as long as it is set."""
        self.on_reports: Callable[[list[Any], list[object]], None] = _drop_reports
        self.on_close: Callable[[], None] = _nothing
        self.on_fault: Callable[[BaseException], None] = _print_fault

    @property
    def forked(self) -> bool:
        """Whether this process is a fork of the one whose loop it is: here nobody would answer."""
        return self._made_in != generation()

    @property
    def closed(self) -> bool:
        """Whether the loop has handled its last message."""
        return self._closed

    @property
    def backlog(self) -> int:
        """How many messages wait."""
        return self._queue.qsize()

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: when the machine has no thread left.
        """
        self._made_in = generation()  # again: what was made before a fork may be started in the child
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended; for at most `timeout` seconds."""
        self._thread.join(timeout)

    def post(self, actor: Actor, envelope: Envelope[Any]) -> None:
        """Have `actor` handle `envelope`. Takes no lock and never blocks: it is legal in a signal handler."""
        if threading.get_ident() == self._thread.ident and not self._closed:
            self._inner.append((actor, envelope))
            return
        self._queue.put((actor, envelope))
        if self._closed:  # nobody may be left to take it
            self._refuse_rest()

    def close(self) -> None:
        """End the loop after the message that is being handled; from within the loop."""
        self._closed = True

    def release(self, *things: object) -> None:
        """Drop `things` on another thread, once the current message has been handled; from within the loop."""
        self._garbage.extend(things)

    def report(self, report: object) -> None:
        """Hand `report` to `on_reports`, once what it tells of has been carried out; from within the loop.

        Whoever reads reports wakes up and wants the GIL, which the thread of the next incarnation is waiting for too.
        """
        self._reports.append(report)

    def flush(self) -> None:
        """Hand over reports and garbage now, for somebody is about to be told more; from within the loop.

        Together, where there are both, because each thread that wakes up contends for the GIL.
        """
        if self._reports:
            reports, self._reports = self._reports, []
            garbage, self._garbage = self._garbage, []
            self.on_reports(reports, garbage)

    def _wake(self) -> None:
        self._queue.put(None)

    def _run(self) -> None:
        unsubscribe = self._clock.subscribe(self._wake)
        while not self._closed:
            taken = self._take()
            if taken is not None:
                actor, envelope = taken
                self._handle(actor, envelope)
                del taken, actor, envelope
            while self._inner:
                self._handle(*self._inner.popleft())
            self.flush()
            if self._garbage:
                garbage, self._garbage = self._garbage, []
                self._release(garbage)
        unsubscribe()
        self._guard(self.on_close)
        self._refuse_rest()

    def _take(self) -> tuple[Actor, Envelope[Any]] | None:
        timeout: float | None = None
        if self.alarm is not None:
            if self._clock.monotonic() >= self.alarm:
                self._guard(self.on_alarm)
                return None
            timeout = self._clock.timeout(self.alarm)
        if self.wave is not None:
            left = self.wave - time.monotonic()
            if left <= 0:
                self._guard(self.on_wave)
                return None
            timeout = left if timeout is None else min(left, timeout)
        if self.on_idle is not None and self._queue.empty():
            self._guard(self.on_idle)
        try:
            return self._queue.get(timeout=timeout)
        except Empty:
            return None

    def _handle(self, actor: Actor, envelope: Envelope[Any]) -> None:
        if actor.actor_stopped.is_set():
            _refuse(actor, envelope)
            return
        try:
            reply = actor.receive(envelope.message)
        except BaseException as error:  # noqa: BLE001 - a mistake of ours; the tree must go on
            self.on_fault(error)
            if envelope.reply_to is not None:
                envelope.reply_to.set_exception((type(error), error, None))
        else:
            if envelope.reply_to is not None:
                envelope.reply_to.set(reply)

    def _guard(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except BaseException as error:  # noqa: BLE001 - the same
            self.on_fault(error)

    def _refuse_rest(self) -> None:
        while True:
            try:
                taken = self._queue.get_nowait()
            except Empty:
                return
            if taken is not None:
                _refuse(*taken)


class Inbox:
    """What pykka's `ActorRef` puts envelopes into: the way into the loop."""

    __slots__ = ("_actor", "_loop")

    def __init__(self, loop: Loop, actor: Actor) -> None:
        """An inbox of `actor`."""
        self._loop = loop
        self._actor = actor

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue the envelope; never blocks."""
        self._loop.post(self._actor, envelope)

    def get(self) -> Envelope[Any]:
        """Pykka's own loop would call this; this actor type has another one."""
        raise AssertionError

    def empty(self) -> bool:
        """The loop has the messages, the inbox never has one."""
        return True


class Actor(pykka.Actor):
    """An actor that runs in a `Loop`. Subclasses implement `on_receive`; started by `start`, as any pykka actor."""

    def __init__(self, loop: Loop) -> None:
        """Attach to `loop`."""
        super().__init__()
        self.loop = loop
        self.actor_inbox = Inbox(loop, self)
        self._actor_ref.actor_inbox = self.actor_inbox

    @classmethod
    def start(  # pyright: ignore[reportIncompatibleMethodOverride] - it takes each `Self` for another
        cls,
        *args: Any,  # noqa: ANN401 - as pykka declares it
        **kwargs: Any,  # noqa: ANN401
    ) -> pykka.ActorRef[Self]:
        """Create the actor and give its ref; it is not put into `pykka.ActorRegistry`."""
        actor = cls(*args, **kwargs)
        actor._start_actor_loop()
        return actor.actor_ref

    @staticmethod
    def _create_actor_inbox() -> ActorInbox:
        return _NO_INBOX  # pykka asks before it is known which loop; `__init__` sets the real one

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        self.on_start()

    def refused(self, message: object) -> None:
        """`message` came after the end of the loop, and nobody will handle it; from any thread."""
        del message

    def receive(self, message: object) -> object:
        """Handle one message; only the loop calls it."""
        # All of pykka's own messages are named tuples, and none of the tree's is a tuple.
        return self._handle_receive(message) if isinstance(message, tuple) else self.on_receive(message)

    def _stop(self) -> None:
        self.actor_stopped.set()
        self.on_stop()


def _refuse(actor: Actor, envelope: Envelope[Any]) -> None:
    actor.refused(envelope.message)
    if envelope.reply_to is not None:
        envelope.reply_to.set_exception((ActorDeadError, ActorDeadError(f"{actor} has stopped"), None))


class _NoInbox:
    def put(self, envelope: Envelope[Any], /) -> None:
        raise AssertionError(envelope)

    def get(self) -> Envelope[Any]:
        raise AssertionError

    def empty(self) -> bool:
        return True


_NO_INBOX = _NoInbox()


def _nothing() -> None:
    pass


def _drop_reports(reports: list[Any], garbage: list[object]) -> None:
    del reports, garbage


def _print_fault(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)
