"""Runnables of all shapes, for the files that type checkers read."""

from __future__ import annotations

import otp

calls: list[tuple[object, ...]] = []
"""What was called, for the one test that runs them."""


def plain() -> None:
    calls.append(("plain",))


def one(number: int) -> None:
    calls.append(("one", number))


def two(number: int, text: str) -> None:
    calls.append(("two", number, text))


def default(number: int, text: str = "") -> None:
    calls.append(("default", number, text))


def all_default(number: int = 0) -> None:
    calls.append(("all_default", number))


def many(*numbers: int) -> None:
    calls.append(("many", *numbers))


def keyword(number: int, *, text: str = "") -> None:
    calls.append(("keyword", number, text))


def required_keyword(number: int, *, text: str) -> None:
    calls.append(("required_keyword", number, text))


def gives(number: int) -> str:
    calls.append(("gives", number))
    return ""


async def awaits(number: int) -> str:
    calls.append(("awaits", number))
    return ""


async def awaits_default(number: int = 0) -> None:
    calls.append(("awaits_default", number))


class Service:
    """A class whose construction, whose methods and whose objects are all runnables."""

    def __init__(self, number: int) -> None:
        calls.append(("Service", number))

    def method(self, number: int) -> None:
        calls.append(("method", number))

    async def awaits(self, number: int) -> None:
        calls.append(("Service.awaits", number))

    def __call__(self, number: int) -> None:
        calls.append(("__call__", number))

    @classmethod
    def of_class(cls, number: int) -> None:
        calls.append(("of_class", number))

    @staticmethod
    def of_nothing(number: int) -> None:
        calls.append(("of_nothing", number))


class AsyncService:
    """A class whose objects are coroutine functions."""

    async def __call__(self, number: int) -> None:
        calls.append(("async __call__", number))


class Get(otp.Call[int]):
    """A request that knows the type of its reply."""


class CounterRef(otp.Ref):
    """A kind of ref with methods of its own."""

    def get(self) -> int:
        return self.call(Get())


class Counter(otp.GenServer):
    """A server with all its callbacks."""

    ref_type = CounterRef

    def init(self, start: int, text: str = "") -> otp.Stop:
        calls.append(("Counter", start, text))
        return otp.Stop()

    def handle_call(self, request: object, sender: otp.Sender) -> int | otp.NoReply:
        return otp.NoReply() if request == sender else 1

    def handle_cast(self, request: int) -> None: ...

    def handle_info(self, message: object) -> otp.Stop | None: ...

    def handle_continue(self, arg: str) -> otp.Continue | None: ...

    def terminate(self, reason: otp.ExitReason) -> None: ...

    def format_status(self) -> str:
        return ""


class AsyncServer(otp.GenServer):
    """One with coroutine functions."""

    ref_type = CounterRef

    async def init(self, start: int) -> otp.Stop:
        calls.append(("AsyncServer", start))
        return otp.Stop()

    async def handle_call(self, request: object, sender: otp.Sender) -> object:
        return (request, sender)

    async def handle_cast(self, request: int) -> None: ...

    async def handle_info(self, message: object) -> otp.NoReply | None: ...

    async def handle_continue(self, arg: str) -> otp.Stop | None: ...

    async def terminate(self, reason: otp.ExitReason) -> None: ...


class KnownDefaultServer(otp.GenServer):
    """All its arguments can be left out."""

    ref_type = CounterRef

    def init(self, start: int = 1) -> otp.Stop:
        calls.append(("KnownDefaultServer", start))
        return otp.Stop()


class DefaultServer(otp.GenServer):
    """The same without a kind of ref of its own."""

    def init(self, start: int = 2) -> otp.Stop:
        calls.append(("DefaultServer", start))
        return otp.Stop()


class PlainServer(otp.GenServer):
    """One that needs its argument."""

    def init(self, start: int) -> otp.Ignore:
        calls.append(("PlainServer", start))
        return otp.Ignore()


class SilentServer(otp.GenServer):
    """One without `init`, which serves."""

    def handle_continue(self, arg: object) -> None: ...


class Tally(otp.GenServer):
    """One that needs its argument, and serves."""

    ref_type = CounterRef

    def init(self, start: int) -> None:
        calls.append(("Tally", start))

    def handle_call(self, request: Get, sender: otp.Sender) -> int:
        del request, sender
        return 1

    def handle_info(self, message: object) -> None: ...


class Idle(otp.GenServer):
    """One whose `init` takes nothing."""

    ref_type = CounterRef

    def init(self) -> None:
        calls.append(("Idle",))
