"""What helps to test with otp, and to test otp itself.

`Harness` runs a tree in a test and fails it on what went wrong in the tree, `VirtualClock` is time that only the test
moves. With pytest, take the fixture `otp_harness`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otp.testing.clock import VirtualClock as VirtualClock
    from otp.testing.harness import Harness as Harness
    from otp.testing.harness import HarnessError as HarnessError

__all__ = ["Harness", "HarnessError", "VirtualClock"]


def __getattr__(name: str) -> object:
    """Import what is asked for when it is: pytest imports this package in every run, for its plugin."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from otp.testing import clock, harness  # noqa: PLC0415 - see above

    return getattr(clock if name == "VirtualClock" else harness, name)
