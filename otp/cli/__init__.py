"""The `otp` command."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    raise SystemExit(2)
