"""What every test of this folder is given."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

import otp

from .house import PATIENCE, House


@pytest.fixture
def no_leaks():
    """No thread is left behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        for thread in left:
            with suppress(RuntimeError):  # started, but it has not run yet
                thread.join(deadline - time.monotonic())


@pytest.fixture
def house(no_leaks):
    house = House()
    yield house
    house.close()


CALLBACKS = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


def awaited(cls, name):
    """The same callback as a coroutine function."""

    async def callback(self, *args, **kwargs):
        return getattr(cls, name)(self, *args, **kwargs)

    return callback


@pytest.fixture(params=["thread", "task", "async"])
def kind(request):
    """Makes of a plain server what is asked for: itself; a task with plain callbacks; a task with awaited ones."""

    def as_asked(cls):
        names = {"thread": (), "task": ("terminate",), "async": CALLBACKS}[request.param]
        return type(cls.__name__, (cls,), {name: awaited(cls, name) for name in names})

    as_asked.name = request.param
    return as_asked


@pytest.fixture
def errors():
    """What calls have ended with."""

    def of(call, *args):
        with suppress(AssertionError):
            try:
                return call(*args)
            except otp.OtpError as error:
                return error
        return None

    return of
