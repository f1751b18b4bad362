"""Sinks of loguru, for each test alone."""

from __future__ import annotations

import pytest
from loguru import logger


@pytest.fixture(autouse=True)
def quiet():
    """No sink on standard error; whatever a test adds is gone after it."""
    logger.remove()
    yield
    logger.remove()
