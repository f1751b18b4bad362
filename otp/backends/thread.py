"""The backend for plain callables: a daemon thread for each incarnation.

A Python thread cannot be killed. It is asked, by the cancel token; one that does not listen is reported as stuck, with the
stack it is in, and keeps its place in the tree until it ends.

No thread runs two incarnations, for what the first has left in thread-locals, signal masks or affinities would be the
second's. To make one takes longer than all the rest of a restart, so once a node has died the next thread is made before
somebody needs it.
"""

from __future__ import annotations

import threading
from asyncio import CancelledError
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from otp.backends.unwaited import UnwaitedThread
from otp.errors import Canceled
from otp.tree.decision.messages import End
from otp.tree.incarnation import current
from otp.tree.mailbox import ThreadMailbox
from otp.tree.rendering import stack_of_thread, without_innermost_frame

if TYPE_CHECKING:
    from otp.tree.backend import Job
    from otp.tree.incarnation import Incarnation

__all__ = ["ThreadBackend"]


class ThreadBackend:
    """See the module."""

    name: ClassVar[str] = "thread"
    killable: ClassVar[bool] = False

    def __init__(self) -> None:
        """No thread yet."""
        self._spare: list[_Spare] = []  # one at most; taken and put by more than one thread
        self._used_up = False
        self._closed = False
        self._unused: list[_Spare] = []

    @property
    def makes_thread(self) -> bool:
        """Every start does that finds none made in advance."""
        return not self._spare

    def start(self, incarnation: Incarnation, job: Job) -> _Running:
        """Start a thread.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        spare = self._take_spare()
        self._used_up = self._used_up or incarnation.number > 1 or spare is not None
        if spare is not None:
            spare.begin(incarnation, job)
            return spare
        running = _Running(incarnation.dn, incarnation, job)
        running.start()
        return running

    def mailbox(self, dn: str) -> ThreadMailbox:
        """With a queue."""
        return ThreadMailbox(dn)

    def replenish(self) -> None:
        """Make a thread for the next restart, if the last one took it; not in the loop of the tree, which is busy with it."""
        if self._used_up and not self._spare and not self._closed:
            self._used_up = False
            spare = _Spare("otp: spare")
            with suppress(RuntimeError):  # the machine has none left; who needs one will be told
                spare.start()
                self._spare.append(spare)
            if self._closed:
                self.close()

    def close(self) -> None:
        """End the thread that was made in advance."""
        self._closed = True
        spare = self._take_spare()
        if spare is not None:
            self._unused.append(spare)
            spare.begin(None, None)

    def join(self, timeout: float) -> None:
        """Wait until that thread has ended."""
        for spare in self._unused:
            spare.join_unused(timeout)

    def _take_spare(self) -> _Spare | None:
        with suppress(IndexError):
            return self._spare.pop()
        return None


class _Running(UnwaitedThread):
    """One incarnation in its thread."""

    def __init__(self, name: str, incarnation: Incarnation | None, job: Job | None) -> None:
        super().__init__(name=name)
        self._incarnation = incarnation
        self._job = job

    def cancel(self) -> None:
        """The token is all that a thread listens to."""

    def kill(self) -> None:
        """A thread cannot be killed."""

    def stack(self) -> str:
        """The stack of the thread."""
        return stack_of_thread(self.ident)

    def run(self) -> None:
        incarnation, self._incarnation = self._incarnation, None
        if incarnation is None:
            return
        current.set(incarnation)
        # No name for the exception and none for the job: the frames in a traceback lead back to this one, and what it
        # holds is kept for as long as the exception is, the exception itself for ever.
        incarnation.end(*_run(incarnation, self._take_job()))

    def _take_job(self) -> Job | None:
        """The handle outlives the thread; the user's objects must not."""
        job, self._job = self._job, None
        return job


class _Spare(_Running):
    """A thread that runs already, and waits for its incarnation."""

    def __init__(self, name: str) -> None:
        super().__init__(name, None, None)
        self._gate = threading.Lock()
        self._gate.acquire()  # released by `begin`
        self._over = threading.Lock()
        self._over.acquire()  # released if there was nothing to run

    def begin(self, incarnation: Incarnation | None, job: Job | None) -> None:
        """Run this, or end if there is nothing to run."""
        if incarnation is not None:
            self.name = incarnation.dn
        self._incarnation = incarnation
        self._job = job
        self._gate.release()

    def join_unused(self, timeout: float) -> None:
        """`join`, once there was nothing to run; it may not have been scheduled yet, when `join` raises."""
        if self._over.acquire(timeout=timeout):
            self._over.release()  # for the next who joins
            self.join(timeout)

    def run(self) -> None:
        self._gate.acquire()
        if self._incarnation is None:
            self._over.release()
            return
        super().run()


def _run(incarnation: Incarnation, job: Job | None) -> tuple[End, BaseException | None]:
    if job is None or incarnation.is_canceled:  # before it had begun
        return End.LEFT, None
    try:
        result: object = job.runnable(*job.args)
        if isawaitable(result):
            _refuse(result)
    except (Canceled, CancelledError) as exception:  # the latter from an event loop that the runnable runs itself
        return End.LEFT, without_innermost_frame(exception)
    except BaseException as exception:  # noqa: BLE001 - `SystemExit` and all others are deaths (R5, R13)
        return End.RAISED, without_innermost_frame(exception)
    finally:
        del job
    return End.RETURNED, None


def _refuse(result: object) -> None:
    close = getattr(result, "close", None)
    if close is not None:
        close()  # or Python warns that it was never awaited, which is not what has to be mended
    msg = "the runnable returned an awaitable that nobody awaits: make it `async def` for it to run on the event loop"
    raise TypeError(msg)
