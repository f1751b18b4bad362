"""Every exception that `otp` raises for its users to catch.

All are `OtpError`; each is a fitting builtin too, so that code which does not know `otp` handles them as it would expect.
`Canceled` is none: it is how a runnable is left, not something that went wrong.
"""

from __future__ import annotations

__all__ = [
    "BlockingCallError",
    "Canceled",
    "DuplicateNameError",
    "IllegalSignalError",
    "InvalidNameError",
    "NoSuchNodeError",
    "NotInRunnableError",
    "NotNewError",
    "OtpError",
    "StaleIncarnationError",
    "SystemNotRunningError",
    "UnexpectedReturnError",
]


class Canceled(BaseException):
    """Raised to leave a runnable that has been canceled; by `otp.sleep`, or by the runnable itself.

    A `BaseException`, as `asyncio.CancelledError` is, so that an `except Exception` in between does not swallow it.
    """


class OtpError(Exception):
    """What all errors of `otp` have in common."""


class InvalidNameError(OtpError, ValueError):
    """A node cannot have that name: a name is 1 to 64 ASCII letters, digits, `_` or `-`."""


class DuplicateNameError(OtpError, ValueError):
    """The calling node has a child of that name already."""


class NotNewError(OtpError, RuntimeError):
    """Children are started while a node is NEW: before it signals HEALTHY."""


class IllegalSignalError(OtpError, RuntimeError):
    """HEALTHY is signaled once, DONE once and after it."""


class NotInRunnableError(OtpError, RuntimeError):
    """The caller is no runnable of a system; a thread of the user's own needs `otp.bind`.

    In a process forked from a runnable too: the tree is in the parent process only.
    """


class StaleIncarnationError(OtpError, RuntimeError):
    """The caller belongs to an incarnation that has ended; the call had no effect."""


class BlockingCallError(OtpError, RuntimeError):
    """The call would block a thread that runs an event loop; use its awaitable twin."""


class NoSuchNodeError(OtpError, LookupError):
    """The tree has no node of that DN."""


class SystemNotRunningError(OtpError, RuntimeError):
    """The system has not been started, or has stopped already."""


class UnexpectedReturnError(OtpError, RuntimeError):
    """A PERMANENT child's runnable returned without having signaled DONE."""
