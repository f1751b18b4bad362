"""Chaos in this process: the log of thousands of deaths is nobody's to read."""

from __future__ import annotations

import random
import sys

import pytest
from loguru import logger

from otp.testing.chaos import Settings, chaos


@pytest.fixture(autouse=True)
def _silence():
    logger.remove()
    yield
    logger.remove()
    logger.add(sys.stderr)


@pytest.fixture
def seed():
    """Drawn, and printed for whoever wants to see it again."""
    drawn = random.randrange(2**32)  # noqa: S311 - dice
    print(f"seed {drawn}")  # noqa: T201
    return drawn


@pytest.fixture
def violations(seed):
    """What a short storm finds, in an engine that the test has put a fault into."""

    def found(*, seconds=3.0, nodes=60, faults=400):
        settings = Settings(seed, seconds=seconds, nodes=nodes, faults=faults, patience=2.0, patient=1.0)
        report = chaos(settings)
        print(*report.lines(), sep="\n")  # noqa: T201 - of a test that fails
        return report.violations

    return found
