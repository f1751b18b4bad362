"""Every exception that `otp` raises for its users to catch.

All are `OtpError`; each is a fitting builtin too, so that code which does not know `otp` handles them as it would expect.
`Canceled` is none: it is how a runnable is left, not something that went wrong.
"""

from __future__ import annotations

from typing import Any

from otp.reasons import ExitReason, Shutdown, is_clean, told

__all__ = [
    "AlreadyRegisteredError",
    "BadReturnError",
    "BlockingCallError",
    "CallError",
    "CallTimeoutError",
    "CallingSelfError",
    "Canceled",
    "ChildAlreadyPresentError",
    "ChildAlreadyStartedError",
    "ChildError",
    "ChildRestartingError",
    "ChildRunningError",
    "ChildStartError",
    "DuplicateNameError",
    "IllegalSignalError",
    "InvalidNameError",
    "MailboxFullError",
    "MaxChildrenError",
    "NoProcessError",
    "NoSuchChildError",
    "NoSuchNodeError",
    "NotInRunnableError",
    "NotNewError",
    "NotRegisteredError",
    "OtpError",
    "ReceiveTimeoutError",
    "ServerExitError",
    "StaleIncarnationError",
    "SupervisorExitError",
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


# --- mail -----------------------------------------------------------------------------------------------------------


class CallError(OtpError):
    """A call has ended without a value."""

    def __init__(self, message: str, ref: Any) -> None:  # noqa: ANN401 - a `Ref`, of a layer above
        super().__init__(message)
        self.ref = ref
        """Who was called."""


class CallTimeoutError(CallError, TimeoutError):
    """No reply in time. The server may still do the work; a late reply is dropped."""


class NoProcessError(CallError, LookupError):
    """No incarnation runs there: it never did, it has ended, or it waits for its restart."""


class CallingSelfError(CallError):
    """A server that calls itself would wait for itself."""


class ServerExitError(CallError):
    """The server has ended before it replied. `__cause__` is the exception, where it has ended by one."""

    def __init__(self, ref: Any, reason: ExitReason) -> None:  # noqa: ANN401 - as above
        super().__init__("", ref)
        self.args = (ref, reason)
        self.reason = reason
        """Why it has ended."""
        if isinstance(reason, BaseException):
            self.__cause__ = reason

    def __str__(self) -> str:
        # Not before somebody asks: the error may be made in the loop of the tree, and the reason may be the user's own.
        return f"{self.ref.dn} has ended before it replied: {told(self.reason)}"


class ReceiveTimeoutError(OtpError, TimeoutError):
    """No message in time."""


class MailboxFullError(OtpError, RuntimeError):
    """The mailbox is bounded, is full, and refuses what comes then."""


class BadReturnError(OtpError, TypeError):
    """A callback has returned what its behaviour has no use for."""

    def __init__(self, message: str, value: Any) -> None:  # noqa: ANN401 - whatever was returned
        super().__init__(message)
        self.value = value
        """What it returned."""


class AlreadyRegisteredError(OtpError, ValueError):
    """The name is taken, or the node has a name already."""

    def __init__(self, message: str, ref: Any) -> None:  # noqa: ANN401 - a `Ref`, of a layer above
        super().__init__(message)
        self.ref = ref
        """Who has the name."""


class NotRegisteredError(OtpError, LookupError):
    """Nobody has that name."""


# --- supervisors ----------------------------------------------------------------------------------------------------


class ChildError(OtpError):
    """A supervisor cannot do that with this child."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name
        """Of the child."""


class ChildStartError(ChildError):
    """The child has ended before it was HEALTHY, or took too long."""

    def __init__(self, message: str, name: str, reason: ExitReason) -> None:
        super().__init__(message, name)
        self.reason = reason
        """Why it has ended."""
        if isinstance(reason, BaseException):
            self.__cause__ = reason


class ChildAlreadyStartedError(ChildError, ValueError):
    """The supervisor has a child of that name, and it runs."""

    def __init__(self, message: str, name: str, ref: Any) -> None:  # noqa: ANN401 - a `Ref`, of a layer above
        super().__init__(message, name)
        self.ref = ref
        """Where it runs."""


class ChildAlreadyPresentError(ChildError, ValueError):
    """The supervisor has a child of that name, which does not run: restart it, or delete it first."""


class ChildRunningError(ChildError, RuntimeError):
    """The child runs: terminate it first."""


class ChildRestartingError(ChildError, RuntimeError):
    """The child is being restarted again and again."""


class NoSuchChildError(ChildError, LookupError):
    """The supervisor has no such child."""


class MaxChildrenError(ChildError, RuntimeError):
    """The supervisor has as many children as it may have."""


class SupervisorExitError(OtpError, RuntimeError):
    """The behaviour supervisor at the root has given up or was stopped by a reason that is a failure; so the system stopped."""

    def __init__(self, dn: str, reason: ExitReason) -> None:
        super().__init__(f"the supervisor {dn} has {'given up' if is_clean(reason) else 'been stopped'}")
        self.reason = reason
        """Why."""
        if isinstance(reason, BaseException):
            self.__cause__ = reason
        elif isinstance(reason, Shutdown) and isinstance(reason.detail, BaseException):
            self.__cause__ = reason.detail
