"""A store of texts by key, which forgets what has expired, and loses no more than a part when a part of it crashes.

    python -m examples.key_value

It reads commands: `set KEY VALUE [SECONDS]`, `get KEY`, `delete KEY`, `count`, `crash KEY`. Ctrl-C or Ctrl-D ends it. The
log goes to standard error. What it shows:

- a `PartitionSupervisor`: a server for each part of the keys, found by the key;
- a client with typed requests, `KeyValue`, which is a kind of `Ref` of one's own; `send_request` asks all parts at once;
- a janitor that wakes itself by `send_interval`, and a supervisor with `REST_FOR_ONE` that starts it after the store.

    root.store          a supervisor
    ├─ partitions       a partition supervisor
    │  ├─ 0, 1, ...     a server each, with the keys that belong there
    └─ janitor          asks the partitions to forget what has expired

`crash KEY` is a bug that the server of that key dies of. It comes back empty; all other keys are still there.
"""

# A server has its state from `init` on:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import concurrent.futures
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import otp

STORE = "root.store.partitions"
JANITOR = "root.store.janitor"
PARTITIONS = 4
SWEEP = 1.0
"""Seconds between two rounds of the janitor."""
PATIENCE = 10.0

Now: TypeAlias = Callable[[], float]
"""Gives the time in seconds, from whenever."""


# --- one part of the store ---


@dataclass(frozen=True, slots=True)
class Get(otp.Call[str | None]):
    """What stands at `key`? `None`: nothing, or nothing any more."""

    key: str


@dataclass(frozen=True, slots=True)
class Put(otp.Call[None]):
    """Have `value` stand at `key`, for so many seconds; `None`: for good."""

    key: str
    value: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Delete(otp.Call[bool]):
    """Forget `key`; whether anything stood there."""

    key: str


class Count(otp.Call[int]):
    """How many keys have something?"""


class Forget(otp.Call[int]):
    """Drop what has expired; how many keys that were."""


Request: TypeAlias = Get | Put | Delete | Count | Forget


class Partition(otp.GenServer):
    """Some of the keys. What has expired is not seen any more, even where the janitor has not been yet."""

    now: Now
    entries: dict[str, tuple[str, float]]
    """Each value with the moment of its end."""

    def init(self, now: Now) -> None:
        """It begins empty."""
        self.now = now
        self.entries = {}

    def handle_call(self, request: Request, sender: otp.Sender) -> str | int | None:
        """Each request has its own reply."""
        del sender
        match request:
            case Get(key):
                value, end = self.entries.get(key, (None, math.inf))
                return value if self.now() < end else None
            case Put(key, value, seconds):
                self.entries[key] = value, math.inf if seconds is None else self.now() + seconds
                return None
            case Delete(key):
                _, end = self.entries.pop(key, (None, -math.inf))
                return self.now() < end
            case Count():
                return sum(self.now() < end for _, end in self.entries.values())
            case Forget():
                expired = [key for key, (_, end) in self.entries.items() if self.now() >= end]
                for key in expired:
                    del self.entries[key]
                return len(expired)
            case _:
                assert_never(request)

    def format_status(self) -> str:
        """What a crash report shows: values are nobody's business."""
        return f"{len(self.entries)} keys"


# --- the store as a whole ---


class KeyValue(otp.PartitionSupervisorRef):
    """The client: it asks the partition that a key belongs to, or all.

    Where that one is just being restarted, the call raises `otp.NoProcessError`; where it crashes before it has replied,
    `otp.ServerExitError`. Both are `otp.CallError`.
    """

    __slots__ = ()

    def get(self, key: str) -> str | None:
        """What stands at `key`; `None`: nothing."""
        return self.partition(key).call(Get(key))

    def put(self, key: str, value: str, seconds: float | None = None) -> None:
        """Have `value` stand at `key`, for so many seconds; `None`: for good."""
        self.partition(key).call(Put(key, value, seconds))

    def delete(self, key: str) -> bool:
        """Forget `key`; whether anything stood there."""
        return self.partition(key).call(Delete(key))

    def count(self) -> int:
        """How many keys there are."""
        return self._sum(Count)

    def forget(self) -> int:
        """Drop what has expired; how many keys that were."""
        return self._sum(Forget)

    def _sum(self, request: type[Count | Forget]) -> int:
        """Ask all partitions at once. One that does not run has nothing to count."""
        futures = [self.partition(number).send_request(request()) for number in range(self.partitions)]
        concurrent.futures.wait(futures, timeout=PATIENCE)
        total = 0
        for future in futures:
            try:
                total += future.result(timeout=0)
            except otp.CallError:
                continue
        return total


class Janitor(otp.GenServer):
    """Sees to it that what nobody asks for again does not stay for ever."""

    store: KeyValue

    def init(self, seconds: float) -> None:
        """The timer ends with the incarnation; the next one has its own."""
        self.store = otp.ref(STORE, KeyValue)
        otp.send_interval(otp.current(), "sweep", seconds)

    def handle_info(self, message: object) -> None:
        """It is time."""
        del message
        forgotten = self.store.forget()
        if forgotten:
            otp.logger().info("{} keys have expired", forgotten)


def root(now: Now = time.monotonic, partitions: int = PARTITIONS, sweep: float = SWEEP) -> None:
    """The store and its janitor; `now` is a parameter for tests."""
    store = otp.Supervisor(
        {
            "partitions": otp.PartitionSupervisor(otp.Child(Partition, now), partitions=partitions),
            "janitor": otp.Child(Janitor, sweep),
        },
        strategy=otp.Strategy.REST_FOR_ONE,
    )
    otp.run("store", store)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


# --- the program ---


def answer(store: KeyValue, line: str) -> str:
    """What to say to a command."""
    try:
        return execute(store, line.split())
    except (otp.CallError, ValueError) as error:
        return f"error: {error}"


def execute(store: KeyValue, words: list[str]) -> str:
    """Do it."""
    said = "ok"
    match words:
        case ["set", key, value]:
            store.put(key, value)
        case ["set", key, value, seconds]:
            store.put(key, value, float(seconds))
        case ["get", key]:
            said = store.get(key) or "(nothing)"
        case ["delete", key]:
            said = "ok" if store.delete(key) else "(nothing)"
        case ["count"]:
            said = str(store.count())
        case ["crash", key]:
            store.partition(key).call("a request that it does not know")
        case _:
            said = "commands: set KEY VALUE [SECONDS], get KEY, delete KEY, count, crash KEY"
    return said


def main() -> int:
    """Answer commands from standard input until it ends, or until Ctrl-C; the exit status."""
    with otp.System(root) as system:
        system.wait_healthy(timeout=PATIENCE)
        store = system.ref(STORE, KeyValue)
        print(f"{store.partitions} partitions; type help for help", flush=True)
        try:
            for line in sys.stdin:
                print(answer(store, line), flush=True)
        except KeyboardInterrupt:
            print(flush=True)
    print("stopped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
