"""What every test of this folder is given."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
from loguru import logger

from .stage import PATIENCE, Stage


@pytest.fixture(params=["thread", "coroutine"])
def stage(request, no_leaks):
    """Children that are threads, asked from threads; or coroutines, asked from tasks."""
    stage = Stage(request.param)
    yield stage
    stage.close()


@pytest.fixture
def threads(no_leaks):
    """A stage of threads only, for what does not depend on the kind."""
    stage = Stage("thread")
    yield stage
    stage.close()


@pytest.fixture(autouse=True)
def quiet():
    """The lines about deaths are no help."""
    logger.disable("otp")
    yield
    logger.enable("otp")


@pytest.fixture(autouse=True)
def no_leaks():
    """Threads are what they were before."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        for thread in left:
            with suppress(RuntimeError):  # started, but it has not run yet
                thread.join(deadline - time.monotonic())
