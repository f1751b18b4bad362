"""The default executor of the coroutines' event loop: what runs `asyncio.to_thread` and `run_in_executor(None, ...)`.

It differs from `ThreadPoolExecutor` in three things: it tells whoever owns a call of it, a call can say where it is, and
the interpreter does not wait at its exit for a call that never returns (`concurrent.futures` joins all its threads there).
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from otp.tree.rendering import stack_of_thread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Call", "Executor"]

P = ParamSpec("P")
T = TypeVar("T")

_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)
"""At most; as many as asyncio's own default executor has."""


class Call:
    """A call in the executor."""

    def __init__(self, work: Callable[[], Any]) -> None:
        """Of `work`, which is dropped when it is done."""
        self.future: Future[Any] = Future()
        self._work: Callable[[], Any] | None = work
        self._thread: int | None = None

    def run(self) -> None:
        """Do it, in the calling thread."""
        work, self._work = self._work, None
        if work is None or not self.future.set_running_or_notify_cancel():
            return
        self._thread = threading.get_ident()
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the call
            self._thread = None
            self.future.set_exception(error)
        else:
            self._thread = None
            self.future.set_result(result)

    def stack(self) -> str:
        """Where it is right now, as text."""
        return f"call in the default executor:\n{stack_of_thread(self._thread)}"


class Executor(ThreadPoolExecutor):
    """See the module. An event loop takes no other type for its default."""

    def __init__(self, adopt: Callable[[Call], object]) -> None:
        """`adopt` is given each call, by its caller."""
        super().__init__()
        self._adopt = adopt
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._workers: list[threading.Thread] = []
        self._over = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread call `fn`.

        Raises:
            RuntimeError: the executor has been shut down, or the machine has no thread left for its first one.
        """
        call = Call(lambda: fn(*args, **kwargs))
        with self._lock:
            if self._over:
                msg = "the event loop has been closed"
                raise RuntimeError(msg)
            self._adopt(call)  # before it begins, or whoever looks for it meanwhile would not find it
            self._calls.put(call)  # before a thread is started for it, or that one would count itself as idle
            if not self._idle.acquire(blocking=False):
                self._add_worker(call)
        return call.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """Take no more calls, and end the threads."""
        del cancel_futures
        with self._lock:
            self._over = True
        self._calls.put(None)
        if wait:
            self.wait(None)

    def wait(self, timeout: float | None) -> None:
        """Wait for the threads to end, for at most `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        for worker in self._workers:
            worker.join(None if until is None else max(0.0, until - time.monotonic()))

    def _add_worker(self, call: Call) -> None:
        if len(self._workers) < _THREADS:
            worker = threading.Thread(target=self._serve, name=f"otp: to_thread {len(self._workers)}", daemon=True)
            try:
                worker.start()
            except RuntimeError:
                if not self._workers:
                    self._calls.get_nowait()  # nobody else can have taken it
                    call.future.cancel()
                    raise
            else:
                self._workers.append(worker)

    def _serve(self) -> None:
        while (call := self._next()) is not None:
            call.run()
            del call
        self._calls.put(None)  # for the next one

    def _next(self) -> Call | None:
        with suppress(Empty):
            return self._calls.get_nowait()
        self._idle.release()
        return self._calls.get()
