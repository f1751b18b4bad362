"""The backend for `async def` runnables: a task for each incarnation, all on one event loop in a thread of its own.

    tree's loop --post--> queue --_drain--> event loop: begin, cancel
                                            task, and all tasks made by it ---> all done ---> Incarnation.end

The thread is started with the first coroutine. A task belongs to the incarnation whose code created it, found by the
context-local, and so does a call in the default executor (`asyncio.to_thread`); the end of a runnable is reported when
all its tasks and all these calls have ended.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import get_ident
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from otp.backends.executor import Executor
from otp.backends.unwaited import UnwaitedThread
from otp.errors import Canceled
from otp.tree.decision.messages import End
from otp.tree.forks import generation, when_this_thread_forks
from otp.tree.incarnation import current
from otp.tree.loop_mailbox import LoopMailbox
from otp.tree.rendering import stack_of_thread, without_innermost_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from otp.backends.executor import Call
    from otp.tree.backend import Job
    from otp.tree.incarnation import Incarnation

__all__ = ["CoroutineBackend"]


_WIND_UP: Final = 1.0
"""Seconds that tasks without an owner get to end when the loop is closed."""


class CoroutineBackend:
    """See the module."""

    name: ClassVar[str] = "coroutine"
    killable: ClassVar[bool] = False

    def __init__(self) -> None:
        """No thread yet."""
        self._todo: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._awake = False
        """The event loop will look into `_todo`."""
        self.nobody = contextvars.Context()
        """The context of callbacks: without one, asyncio makes a copy of the current one for each."""
        self._running: dict[Incarnation, _Running] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: UnwaitedThread | None = None
        self._closing = False
        self._ready = threading.Event()
        self.failure: BaseException | None = None
        """Why there is no event loop; only in its thread, while it fails what should have begun."""

    @property
    def makes_thread(self) -> bool:
        """The first start makes the thread of the event loop."""
        return self._thread is None

    def start(self, incarnation: Incarnation, job: Job) -> _Running:
        """Have the event loop begin the runnable.

        Raises:
            RuntimeError: the machine has no thread left for the event loop.
        """
        if self._thread is None:
            thread = UnwaitedThread(target=self._serve, name=f"{incarnation.dn.partition('.')[0]}: event loop")
            thread.start()
            self._thread = thread
        running = _Running(self, incarnation, job)
        if self._thread.ident == get_ident() and self._loop is not None:
            running.begin()
        else:
            self.post(running.begin)
        return running

    def mailbox(self, dn: str) -> LoopMailbox:
        """With a future that the runnable awaits."""
        return LoopMailbox(dn)

    def close(self) -> None:
        """Close the event loop and end its thread."""
        self._closing = True
        if self._thread is not None:
            self.post(_nothing)

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._ready.wait(timeout)
            self._thread.join(timeout)

    def post(self, call: Callable[[], object]) -> None:
        """Have the event loop call `call`; from any thread, without waiting."""
        self._todo.put(call)
        loop = self._loop
        if self._awake or loop is None:  # it looks here in any case
            return
        self._awake = True
        with suppress(RuntimeError):  # it has been closed, and all runnables have ended
            if self._thread is not None and self._thread.ident == get_ident():
                loop.call_soon(self._drain, context=self.nobody)  # no system call, which takes as long as all the rest
            else:
                loop.call_soon_threadsafe(self._drain, context=self.nobody)

    def stack(self) -> str:
        """Where the event loop itself is: what blocks it, if something does."""
        return stack_of_thread(None if self._thread is None else self._thread.ident)

    # --- in the thread of the event loop ---

    def _serve(self) -> None:
        self._ready.set()
        loop = self._new_loop()
        if loop is None:
            return
        asyncio.set_event_loop(loop)
        loop.set_task_factory(self._make_task)
        executor = Executor(self._adopt_call)
        loop.set_default_executor(executor)
        self._loop = loop
        loop.call_soon(self._drain)
        process = generation()
        when_this_thread_forks(loop.stop)
        while not self._closing:
            # `SystemExit` and `KeyboardInterrupt` in a task end `run_forever`; that task's owner has seen them already.
            with suppress(BaseException):
                loop.run_forever()
            if process != generation():  # of a runnable that forked, the child; the loop's selector is its parent's
                return
        with suppress(BaseException):  # what is nobody's may raise `SystemExit`, or stop the loop, even now
            loop.run_until_complete(_wind_up(loop))
        loop.close()
        executor.wait(_WIND_UP)

    def _new_loop(self) -> asyncio.AbstractEventLoop | None:
        """An event loop, unless the backend is closed before there is one.

        It takes file descriptors, and as long as there are none left, what should begin has died of that.
        """
        while not self._closing:
            try:
                return asyncio.new_event_loop()
            except BaseException as error:  # noqa: BLE001 - the policy may be the user's
                self.failure = error
                self._todo.get()()
                self.failure = None
        return None

    def _drain(self) -> None:
        self._awake = False  # before it looks, so that what comes later rings again
        while True:
            try:
                call = self._todo.get_nowait()
            except Empty:
                break
            try:
                call()
            except BaseException:  # a cancel may call a future of the user's, which may raise anything
                self.post(_nothing)
                raise
        if self._closing and self._loop is not None:
            self._loop.stop()

    def _make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Generator[Any, None, Any] | Coroutine[Any, Any, Any],
        **kwargs: Any,  # noqa: ANN401 - whatever this Python's `create_task` passes on
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **kwargs)
        context: contextvars.Context | None = kwargs.get("context")
        owner = current.get() if context is None else context.get(current)
        running = None if owner is None else self._running.get(owner)
        if running is not None:
            running.adopt(task)
        elif owner is not None and owner.is_canceled:  # made by a callback that has outlived its incarnation
            task.cancel()
        return task

    def _adopt_call(self, call: Call) -> None:
        owner = current.get()
        running = None if owner is None else self._running.get(owner)
        if running is not None:
            running.adopt_call(call)

    def begun(self, incarnation: Incarnation, running: _Running) -> None:
        """`running` has begun: tasks made by it are its own."""
        self._running[incarnation] = running

    def over(self, incarnation: Incarnation) -> None:
        """All its tasks have ended."""
        self._running.pop(incarnation, None)


class _Running:
    """One incarnation and its tasks. All but `cancel`, `kill` and `stack` is called in the thread of the event loop."""

    def __init__(self, backend: CoroutineBackend, incarnation: Incarnation, job: Job) -> None:
        self._backend = backend
        self._incarnation = incarnation
        self._job: Job | None = job
        self._main: asyncio.Task[object] | None = None
        # Most runnables have neither: an empty set takes 216 bytes, () none.
        self._others: set[asyncio.Task[Any]] | tuple[()] = ()
        self._calls: set[Call] | tuple[()] = ()
        self._how: tuple[End, BaseException | None] | None = None

    def cancel(self) -> None:
        """Cancel the task, and what it has left behind."""
        self._backend.post(self._cancel)

    def kill(self) -> None:
        """A task cannot be killed."""

    def stack(self) -> str:
        """What the task awaits; and where the event loop is, for a loop that is blocked cancels nobody."""
        waits = [_awaits(task) for task in (self._main, *self._others) if task is not None and not task.done()]
        waits += [call.stack() for call in tuple(self._calls)]
        if not waits:
            waits = ["(its task has not begun)\n" if self._job is not None else "(its tasks have ended)\n"]
        return f"{''.join(waits)}the event loop is in:\n{self._backend.stack()}"

    def begin(self) -> None:
        """Make the task."""
        job, self._job = self._job, None
        if self._backend.failure is not None:
            self._incarnation.end(End.RAISED, self._backend.failure)
            return
        if job is None or self._incarnation.is_canceled:
            self._incarnation.end(End.LEFT)
            return
        context = contextvars.Context()
        context.run(current.set, self._incarnation)
        coro = _coro(job)
        self._main = asyncio.get_running_loop().create_task(coro, name=self._incarnation.dn, context=context)
        self._main.add_done_callback(self._main_done, context=self._backend.nobody)
        self._backend.begun(self._incarnation, self)  # from here on a task made in this context is one of the others

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task that this runnable has made."""
        others = self._others or set()
        others.add(task)
        self._others = others
        task.add_done_callback(self._other_done, context=self._backend.nobody)
        if self._how is not None:  # made while the others are being canceled
            task.cancel()

    def adopt_call(self, call: Call) -> None:
        """A call in the executor; a thread cannot be canceled, so it is waited for."""
        calls = self._calls or set()
        calls.add(call)
        self._calls = calls
        call.future.add_done_callback(lambda _: self._backend.post(functools.partial(self._call_done, call)))

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()
        if self._how is not None:
            for task in self._others:
                task.cancel()

    def _main_done(self, task: asyncio.Task[object]) -> None:
        self._how = _outcome(task)
        self._main = None
        for other in self._others:
            other.cancel()
        self._report_if_over()

    def _other_done(self, task: asyncio.Task[Any]) -> None:
        if self._others:
            self._others.discard(task)
        self._report_if_over()

    def _call_done(self, call: Call) -> None:
        if self._calls:
            self._calls.discard(call)
        self._report_if_over()

    def _report_if_over(self) -> None:
        if self._how is not None and not self._others and not self._calls:
            self._backend.over(self._incarnation)
            how, self._how = self._how, None
            self._incarnation.end(*how)


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    """End what code without a context-local has left on the loop; it is nobody's, so nobody else will."""
    left = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_WIND_UP)
    await loop.shutdown_asyncgens()


async def _coro(job: Job) -> object:
    return await job.runnable(*job.args)


def _outcome(task: asyncio.Task[object]) -> tuple[End, BaseException | None]:
    try:
        exception = task.exception()
    except asyncio.CancelledError as error:
        return End.LEFT, without_innermost_frame(error)
    if exception is None:
        return End.RETURNED, None
    # `isinstance` would ask the object for its class, and it may be a hostile one
    return End.LEFT if issubclass(type(exception), Canceled) else End.RAISED, exception


_INSIDES: Final[dict[type, tuple[str, str]]] = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
}
"""What can be asked where it is, and what it awaits. Nothing else is: an object of the user's may answer anything."""


def _awaits(task: asyncio.Task[Any]) -> str:
    lines = [f"task {task.get_name()}:\n"]
    awaited: object = task.get_coro()
    while names := _INSIDES.get(type(awaited)):
        frame, awaited = (getattr(awaited, name) for name in names)
        if frame is not None:
            code = frame.f_code
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}\n')
    return "".join(lines)


def _nothing() -> None:
    pass
