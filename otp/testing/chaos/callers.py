"""Who calls the servers of a chaotic tree, from before the storm until the system has stopped; and what comes of that."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Final

from otp.errors import CallTimeoutError, NoProcessError, ServerExitError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import Future

    from otp.mail.ref import Ref
    from otp.system import System
    from otp.testing.chaos.evidence import Evidence

__all__ = ["Callers"]

_THREADS: Final = 2
_TASKS: Final = 4
_TIMEOUTS: Final = (0.01, 0.1, 1.0)
_PAUSE: Final = 0.02
"""Seconds between two calls of one caller, at most: it is the tree that is to be busy."""
_REQUESTS: Final = 0.5
"""How many of the calls are requests, which are looked at when the system has stopped."""
_DOCUMENTED: Final = (CallTimeoutError, NoProcessError, ServerExitError)


class Callers:
    """Of some servers of one tree."""

    def __init__(self, seed: float, evidence: Evidence) -> None:
        """Whom they call is drawn from `seed`."""
        self.ends: Counter[str] = Counter()
        """How many calls have ended how."""
        self._seed = seed
        self._evidence = evidence
        self._tokens = itertools.count(1)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[tuple[int, Future[int]]] = []

    @contextmanager
    def at_work(self, system: System, dns: Sequence[str], patience: float) -> Generator[None]:
        """They call until the block ends, by when the system is to have stopped; then every call must have ended."""
        refs = [system.ref(dn) for dn in dns]
        threads: list[threading.Thread] = []
        if refs:
            threads = [
                threading.Thread(target=self._call, args=(refs, number), name=f"chaos: caller {number}", daemon=True)
                for number in range(_THREADS)
            ]
            tasks = threading.Thread(
                target=lambda: asyncio.run(self._acall_all(refs)), name="chaos: calling tasks", daemon=True
            )
            threads.append(tasks)
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join(patience)
                if thread.is_alive():
                    self._evidence.accuse(f"mail: a call of {thread.name!r} has not ended")
            self._look_at_requests()

    def _call(self, refs: list[Ref], number: int) -> None:
        random = Random(self._seed + number)  # noqa: S311 - dice
        while not self._over.wait(random.random() * _PAUSE):
            ref, token = random.choice(refs), next(self._tokens)
            if random.random() < _REQUESTS:
                self._requests.append((token, ref.send_request(token)))
                continue
            try:
                self._replied(token, ref.call(token, random.choice(_TIMEOUTS)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
                self._failed(error)

    async def _acall_all(self, refs: list[Ref]) -> None:
        await asyncio.gather(*(self._acall(refs, number) for number in range(_TASKS)))

    async def _acall(self, refs: list[Ref], number: int) -> None:
        random = Random(self._seed - 1 - number)  # noqa: S311 - dice
        while not self._over.is_set():
            await asyncio.sleep(random.random() * _PAUSE)
            token = next(self._tokens)
            try:
                self._replied(token, await random.choice(refs).acall(token, random.choice(_TIMEOUTS)))
            except Exception as error:  # noqa: BLE001 - as above
                self._failed(error)

    def _look_at_requests(self) -> None:
        for token, future in self._requests:
            if not future.done():
                self._evidence.accuse(f"mail: the request {token} has not ended, and the system has stopped")
                continue
            error = future.exception()
            if error is None:
                self._replied(token, future.result())
            else:
                self._failed(error)
        self._requests.clear()

    def _replied(self, token: int, reply: object) -> None:
        if reply != token:
            self._evidence.accuse(f"mail: the reply to {token} is {reply!r}")
        with self._lock:
            self.ends["reply"] += 1

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, _DOCUMENTED):
            self._evidence.accuse(f"mail: a call has raised {error!r}")
        with self._lock:
            self.ends[type(error).__name__] += 1
