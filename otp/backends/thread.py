"""The backend for plain callables: a daemon thread for each incarnation.

A Python thread cannot be killed. It is asked, by the cancel token; one that does not listen is reported as stuck, with the
stack it is in, and keeps its place in the tree until it ends.
"""

from __future__ import annotations

from asyncio import CancelledError
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from otp.backends.unwaited import UnwaitedThread
from otp.errors import Canceled
from otp.tree.decision.messages import End
from otp.tree.incarnation import current
from otp.tree.rendering import stack_of_thread, without_innermost_frame

if TYPE_CHECKING:
    from otp.tree.backend import Job
    from otp.tree.incarnation import Incarnation

__all__ = ["ThreadBackend"]


class ThreadBackend:
    """See the module."""

    name: ClassVar[str] = "thread"
    killable: ClassVar[bool] = False

    def start(self, incarnation: Incarnation, job: Job) -> _Running:
        """Start a thread.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        running = _Running(incarnation, job)
        running.start()
        return running

    def close(self) -> None:
        """Nothing is held."""

    def join(self, timeout: float) -> None:
        """Nothing is held."""
        del timeout


class _Running(UnwaitedThread):
    """One incarnation in its thread."""

    def __init__(self, incarnation: Incarnation, job: Job) -> None:
        super().__init__(name=incarnation.dn)
        self._incarnation: Incarnation | None = incarnation
        self._job: Job | None = job

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
