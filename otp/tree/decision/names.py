"""Names and DNs: what a node may be called."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_name"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_name(text: str) -> bool:
    """Whether a node may be called `text`; a dot cannot be in it, for DNs are made with dots."""
    return _NAME.fullmatch(text) is not None
