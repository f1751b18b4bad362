"""What every story of this folder is given."""

from __future__ import annotations

import pytest

from .stage import Stage


@pytest.fixture
def stage():
    """A stage that leaves nothing behind."""
    stage = Stage()
    yield stage
    stage.close()
