r"""The loop that all actors of a tree share: one queue, one thread, and at times the hands of another one.

    post --> queue --> turn: handle, handle, ... --> reports and garbage handed over
                        \-> told from within the turn: handled before the next message from the queue

* Actors share a thread. A thread for each would double the threads of a tree and pay a hand-over of the GIL per level.
* What an actor tells another within a turn is handled before anything else. So a message that has left a runnable has
  gone all the way up before a later question to the root is answered: reads see writes.
* Whoever holds the turn does the work: the loop's own thread, or, in `post_and_help`, the thread whose runnable has
  ended. That saves a hand-over of the GIL, which costs 10 us on one CPU, 70 across two, and 5 ms beside a busy thread.
* The loop runs no user code. What holds objects of users is given to `Loop.release` when it is done with, and is dropped
  on another thread, for dropping may run a `__del__`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from otp.tree.forks import generation

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.tree.clock import Clock

__all__ = ["Future", "Loop", "Receiver"]

_TURN: Final = 100
"""Messages handled before timers are looked at again and reports are handed over; at 5 to 50 us each."""
_HELP: Final = 100
"""Messages that a thread handles for the loop, which also has to get on with its own work."""


class Future(Protocol):
    """Where an answer goes."""

    def set(self, value: object) -> object:
        """Answer."""
        ...

    def set_exception(self, exc_info: tuple[type[BaseException], BaseException, None]) -> object:
        """Answer with an error."""
        ...


class Receiver(Protocol):
    """What the loop asks of an actor."""

    gone: bool
    """Whether it handles nothing more."""

    def receive(self, message: object) -> object:
        """Handle one message; only the loop calls it."""
        ...

    def refuse(self, message: object) -> Exception:
        """`message` will not be handled; from any thread. Returns what whoever asked is told."""
        ...


Posted: TypeAlias = tuple[Receiver, object, Future | None]


class Loop:
    """See the module; and the two alarms that actors may set."""

    alarm: float | None = None
    """When `on_alarm` is due, on the clock."""
    wave: float | None = None
    """When `on_wave` is due, in seconds of `time.monotonic` whatever the clock: for pacing, not for rules."""

    crowded: bool = False
    """Many messages are coming: the loop's thread, once it is awake, handles them in less time than all who send them."""

    def __init__(self, clock: Clock, name: str, release: Callable[[list[object]], None]) -> None:
        """A loop that waits by `clock`; `release` takes lists of what must be dropped on another thread."""
        self._clock = clock
        self._release = release
        self._queue: deque[Posted] = deque()
        self._inner: deque[Posted] = deque()
        self._garbage: list[object] = []
        self._reports: list[object] = []
        self._closed = False
        self._turn = threading.Lock()
        self._holder: int | None = None
        """The thread that has the turn."""
        self._bell = threading.Lock()
        self._bell.acquire()  # released to wake the thread
        self._handed_back = False
        """Only the loop's own thread goes on."""
        self._made_in = generation()
        self._name = name
        self._thread = self._new_thread()
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
    def inside(self) -> bool:
        """Whether the calling thread has the turn: what it tells is handled before anything else."""
        return self._holder == get_ident()

    @property
    def backlog(self) -> int:
        """How many messages wait."""
        return len(self._queue)

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: when the machine has no thread left.
        """
        self._made_in = generation()  # again: what was made before a fork may be started in the child
        self._thread = self._new_thread()  # again too: since Python 3.13 that one could not be started there
        self._thread.start()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name=self._name, daemon=True)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended; for at most `timeout` seconds."""
        self._thread.join(timeout)

    # --- from any thread ---

    def post(self, actor: Receiver, message: object, reply_to: Future | None = None) -> None:
        """Have `actor` handle `message`. Waits for nothing: it is legal in a signal handler."""
        if self._holder == get_ident() and not self._closed:
            self._inner.append((actor, message, reply_to))
            return
        self._queue.append((actor, message, reply_to))
        if not self._turn.locked():  # else whoever has the turn looks at the queue once more after it
            self._ring()
        if self._closed:  # nobody may be left to take it
            self._refuse_rest()

    def post_and_help(self, actor: Receiver, message: object) -> None:
        """`post`, and do in the calling thread what comes of it, unless somebody is at it already.

        Not in the main thread, where a signal handler of the user's may raise in between.
        """
        if self.crowded or self._holder == get_ident() or not self._turn.acquire(blocking=False):
            self.post(actor, message)
            return
        alarm, wave = self.alarm, self.wave
        try:
            self.post(actor, message)  # behind what the same runnable has told before
            self._work(_HELP)
        finally:
            self._holder = None
            self._turn.release()
            if (
                self._queue
                or self._inner
                or self._closed
                or self.on_idle is not None
                or _sooner(self.alarm, alarm)
                or _sooner(self.wave, wave)
            ):
                self._ring()

    def _ring(self) -> None:
        if self._bell.locked():
            try:  # noqa: SIM105 - each message comes by here, and `suppress` takes 0.4 us
                self._bell.release()
            except RuntimeError:
                pass  # somebody else has

    # --- by whoever has the turn ---

    def close(self) -> None:
        """End the loop after the message that is being handled; from within the loop."""
        self._closed = True

    @property
    def helped(self) -> bool:
        """Whether the turn is had by another thread than the loop's own; from within the loop."""
        return self._holder != self._thread.ident

    def hand_back(self, actor: Receiver, message: object) -> None:
        """Have the loop's own thread handle the message that is being handled, and go on; from within the loop."""
        self._inner.appendleft((actor, message, None))
        self._handed_back = True

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

    def _work(self, most: int) -> None:
        self._holder = get_ident()
        queue, inner = self._queue, self._inner
        while most and not self._handed_back and (inner or (queue and not self._closed)):
            most -= 1
            self._handle(*(inner or queue).popleft())
        self.flush()
        if self._garbage:
            garbage, self._garbage = self._garbage, []
            self._release(garbage)
        self._holder = None

    def _handle(self, actor: Receiver, message: object, reply_to: Future | None) -> None:
        if actor.gone:
            _refuse(actor, message, reply_to)
            return
        try:
            reply = actor.receive(message)
        except BaseException as error:  # noqa: BLE001 - a mistake of ours; the tree must go on
            self.on_fault(error)
            if reply_to is not None:
                reply_to.set_exception((type(error), error, None))
        else:
            if reply_to is not None:
                reply_to.set(reply)

    # --- the thread ---

    def _run(self) -> None:
        unsubscribe = self._clock.subscribe(self._ring)
        while not self._closed:
            self._wait()
            with self._turn:
                self._attend()
        unsubscribe()
        with self._turn:  # a helper may have closed it, and left something told within
            self._attend()
        self._guard(self.on_close)
        self._refuse_rest()

    def _wait(self) -> None:
        """Until there is something to do, or somebody rings."""
        if self._queue or self._inner or self._closed or self._alarm_is_due() or self._wave_is_due():
            return
        alarm, wave = self.alarm, self.wave  # somebody who helps may set them; whoever sets an earlier one rings
        timeout = None if alarm is None else self._clock.timeout(alarm)
        if wave is not None:
            left = max(0.0, wave - time.monotonic())
            timeout = left if timeout is None else min(timeout, left)
        self._bell.acquire(timeout=-1 if timeout is None else timeout)

    def _attend(self) -> None:
        self._holder = get_ident()
        self._handed_back = False
        if self._alarm_is_due():
            self._guard(self.on_alarm)
        elif self._wave_is_due():
            self._guard(self.on_wave)
        self._work(_TURN)
        while self._closed and self._inner:
            self._work(_TURN)
        if self.on_idle is not None and not (self._queue or self._inner or self._alarm_is_due()):
            self._guard(self.on_idle)

    def _alarm_is_due(self) -> bool:
        alarm = self.alarm
        return alarm is not None and self._clock.monotonic() >= alarm

    def _wave_is_due(self) -> bool:
        wave = self.wave
        return wave is not None and time.monotonic() >= wave

    def _guard(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except BaseException as error:  # noqa: BLE001 - the same
            self.on_fault(error)

    def _refuse_rest(self) -> None:
        while True:
            try:
                actor, message, reply_to = self._queue.popleft()
            except IndexError:
                return
            _refuse(actor, message, reply_to)


def _refuse(actor: Receiver, message: object, reply_to: Future | None) -> None:
    error = actor.refuse(message)
    if reply_to is not None:
        reply_to.set_exception((type(error), error, None))


def _sooner(now: float | None, before: float | None) -> bool:
    return now is not None and (before is None or now < before)


def _nothing() -> None:
    pass


def _drop_reports(reports: list[Any], garbage: list[object]) -> None:
    del reports, garbage


def _print_fault(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)
