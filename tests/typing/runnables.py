"""Runnables of all shapes, for the files that type checkers read."""

from __future__ import annotations

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
