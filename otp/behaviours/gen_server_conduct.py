"""What all servers do in the same way, whatever runs them: what comes of a returned value, and of an end.

Nothing here waits, and nothing here calls a callback: that is for `gen_server_thread` and
`gen_server_task`, which differ in nothing else.
"""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otp.behaviours.gen_server_report import seen, shown
from otp.behaviours.gen_server_returns import NOTHING_SAID, Continue, Ignore, NoReply, Reply, Stop
from otp.errors import BadReturnError, Canceled
from otp.mail.calls import AwaitedCall, BlockingCall, FutureCall, Sender
from otp.mail.stop import AwaitedStop, BlockingStop
from otp.reasons import Reason, is_clean
from otp.tree.decision.messages import Signal
from otp.tree.decision.policy import BRUTAL_KILL
from otp.tree.ends import Exiting
from otp.tree.incarnation import here
from otp.tree.mailbox import NOTHING, Notice
from otp.tree.rendering import without_innermost_frame

if TYPE_CHECKING:
    from otp.behaviours.gen_server import GenServer
    from otp.reasons import ExitReason
    from otp.tree.decision.policy import BrutalKill
    from otp.tree.reports import Seen

__all__ = ["CALLS", "SAID", "Conduct", "Ending", "Stopping"]

CALLS: Final = frozenset({BlockingCall, AwaitedCall, FutureCall})
"""Letters that `handle_call` is for."""
SAID: Final = frozenset({Reply, NoReply, Continue, Stop})
"""What `handle_call` returns where it is not the reply itself."""
_STOPS: Final = frozenset({BlockingStop, AwaitedStop})


class Stopping(Exception):  # noqa: N818 - no error: how the loop of a server is left
    """The server is to end because somebody says so."""

    def __init__(self, reason: ExitReason, sender: Sender | None = None, reply: object = NOTHING_SAID) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sender = sender
        self.reply = reply


@dataclass(slots=True)
class Ending:
    """Why a server that has been serving ends."""

    reason: ExitReason
    """What `terminate` is told, and others are, unless it was canceled."""
    canceled: bool = False
    """It was asked to: how that ends is judged by whoever asked."""
    sender: Sender | None = None
    reply: Any = NOTHING_SAID
    seen: Seen | None = None
    """What it was at, where that is no clean end."""


class Conduct:
    """One server in one incarnation."""

    def __init__(self, cls: type[GenServer], shutdown: float | BrutalKill | None) -> None:
        """Of the calling incarnation."""
        self.incarnation = here()
        self.clock = self.incarnation.clock
        self.server = cls()
        self._shutdown = shutdown

    @property
    def killed(self) -> bool:
        """Whether it is to end without another callback."""
        signal = self.incarnation._signal  # noqa: SLF001
        if signal is None:
            return self._shutdown is BRUTAL_KILL and self.incarnation.is_canceled
        return signal is Reason.KILL

    def begin(self, said: Any) -> Continue | float | None:  # noqa: ANN401 - `init` has returned it
        """`init` has returned `said`: the server is started, unless that says otherwise."""
        kind = type(said)
        if kind is Ignore:
            raise Exiting(None)
        if kind is Stop and said.reply is NOTHING_SAID:
            raise _exiting(said.reason)
        following = None if said is None else self.heed(said, None)
        self.incarnation.signal(Signal.HEALTHY)
        return following

    def not_begun(self, error: BaseException) -> Exiting | None:
        """`init` has failed."""
        if type(error) is Exiting:
            return error
        return None if self._is_cancel(error) else _exiting(without_innermost_frame(error))

    def heed(self, said: Any, sender: Sender | None) -> Continue | float | None:  # noqa: ANN401 - a callback has returned it
        """What is next: to continue, or to wait, for so long.

        Args:
            said: what a callback has returned; not `None`, and of `handle_call` not a plain reply.
            sender: whom to reply to, of `handle_call`.

        Raises:
            Stopping: the server is to end.
            BadReturnError: nobody knows what to make of that.
        """
        kind = type(said)
        if kind is NoReply:
            return said.timeout  # type: ignore[no-any-return]
        if kind is Reply and sender is not None:
            sender.settle(good=True, value=said.value)
            return said.timeout  # type: ignore[no-any-return]
        if kind is Continue or kind is Stop:
            reply = said.reply
            if sender is not None or reply is NOTHING_SAID:
                if kind is Stop:
                    raise Stopping(said.reason, sender, reply)
                if sender is not None and reply is not NOTHING_SAID:
                    sender.settle(good=True, value=reply)
                return said  # type: ignore[no-any-return]
        msg = f"a callback of {type(self.server).__name__} has returned {shown(said)}, which means nothing there"
        raise BadReturnError(msg, said)

    def is_info(self, letter: Any) -> bool:  # noqa: ANN401 - neither a call nor a cast
        """Whether `handle_info` is to see that.

        Raises:
            Stopping: it is a stop.
        """
        kind = type(letter)
        if kind in _STOPS:
            raise Stopping(letter.request)
        return letter is not NOTHING and (not issubclass(kind, Notice) or letter.wanted)

    def ending(self, error: BaseException, letter: object) -> Ending:
        """`error` has left the loop of the server, when it was at `letter`."""
        if type(error) is Stopping:
            at = None if is_clean(error.reason) else seen(self.server, letter)
            return Ending(error.reason, sender=error.sender, reply=error.reply, seen=at)
        if self._is_cancel(error):
            return self.canceled()
        return Ending(without_innermost_frame(error), seen=seen(self.server, letter))

    def canceled(self) -> Ending:
        """The incarnation was canceled: by its supervisor, or by an exit signal."""
        signal = self.incarnation._signal  # noqa: SLF001
        return Ending(Reason.SHUTDOWN if signal is None else signal, canceled=True)

    def ended(self, ending: Ending, error: BaseException | None) -> Exiting | None:
        """`terminate` has returned, or raised `error`: what is left is to reply, and to raise what this returns."""
        if ending.sender is not None and ending.reply is not NOTHING_SAID:
            ending.sender.settle(good=True, value=ending.reply)
        if error is not None and not self._is_cancel(error):
            at = ending.seen if error is ending.reason else seen(self.server, None)
            return _exiting(without_innermost_frame(error), at)
        return None if ending.canceled else _exiting(ending.reason, ending.seen)

    def _is_cancel(self, error: BaseException) -> bool:
        # `isinstance` would ask the object for its class, and it may be a hostile one
        return self.incarnation.is_canceled and issubclass(type(error), (Canceled, CancelledError))


def _exiting(reason: ExitReason, at: Seen | None = None) -> Exiting:
    exiting = Exiting(reason, at)
    if isinstance(reason, BaseException):
        exiting.__cause__ = reason  # found there, what its frames hold is dropped
    return exiting
