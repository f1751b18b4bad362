"""Supervision trees and OTP behaviours for Python services.

Parts of a service (threads, coroutines) live in one tree under the same rules: they are restarted when they die, stopped
in order, and visible while they run.

    def worker() -> None:
        otp.signal(otp.Signal.HEALTHY)
        while True:
            otp.sleep(1.0)

    def root() -> None:
        otp.run("worker", worker)
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    with otp.System(root) as system:
        system.wait_healthy(timeout=5)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otp.exports import *  # noqa: F403 - all of them; a list here would be a second one
else:
    from importlib import import_module

    def __getattr__(name: str) -> object:
        """Import the names of `otp.exports` when the first of them is asked for.

        pytest imports this package in every run, for its plugin; where no test uses otp, that must cost nothing.
        """
        exports = {} if name.startswith("_") else vars(import_module("otp.exports"))
        globals().update({known: value for known, value in exports.items() if not known.startswith("_")})
        if name in exports:
            return exports[name]
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)

    def __dir__() -> list[str]:
        return sorted({*globals(), *vars(import_module("otp.exports"))})
