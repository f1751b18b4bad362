"""`GenServer`: a part that keeps a state and answers requests, one after the other; as Erlang's `gen_server`.

What is here is what users subclass. How it is run: `gen_server_thread` and `gen_server_task`, and what these have in
common, `gen_server_conduct`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

from otp.behaviours.gen_server_report import shown_message
from otp.behaviours.gen_server_task import serve_in_task
from otp.behaviours.gen_server_thread import serve_in_thread
from otp.child import is_async
from otp.facade import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from otp.behaviours.gen_server_returns import Continue, Ignore, NoReply, Stop
    from otp.mail.calls import Sender
    from otp.reasons import ExitReason
    from otp.tree.decision.policy import BrutalKill

__all__ = ["GenServer"]

Said: TypeAlias = "NoReply | Continue | Stop | None"


class GenServer:
    """A server: subclass it, keep the state on `self`, and run the class.

        class Counter(otp.GenServer):
            def init(self, start: int) -> None:
                self.number = start

            def handle_call(self, request: object, sender: otp.Sender) -> int:
                return self.number

            def handle_cast(self, request: int) -> None:
                self.number += request

        ref = otp.run("counter", Counter, 10)

    A subclass of `Ref` can have methods for the requests that the server knows; with `ref_type = CounterRef` in the class
    of the server, that is what `otp.run` gives.

    Each incarnation has an object of its own. It is HEALTHY when `init` has returned. Callbacks are called one at a time,
    in the order in which the mail came: in a thread; or, if one of them is `async def`, all on the event loop. Whatever
    a callback raises ends the server, and whoever waits for a reply is told (`ServerExitError`).

    When it is asked to end, the callback that runs is not interrupted, but for an `async def` one at the end of its
    `shutdown`; then comes `terminate`, and mail that waits is lost.
    """

    def init(self, *args: Any, **kwargs: Any) -> Said | Ignore | Awaitable[Said | Ignore]:  # noqa: ANN401 - what it is run with
        """Set up the state. Children can be started here.

        Returns:
            `None`, `NoReply(timeout=)` or `Continue(arg)`: it serves. `Stop(reason)`: its start has failed, by that.
            `Ignore()`: it need not run.
        """
        if args or kwargs:
            msg = f"{type(self).__name__} takes no arguments: it has no init"
            raise TypeError(msg)
        return None

    def handle_call(self, request: Any, sender: Sender) -> Any:  # noqa: ANN401 - anything can be asked and replied
        """Answer `request`, of `Ref.call` and the like.

        Returns:
            The reply; or `Reply`, `NoReply`, `Continue`, `Stop`.
        """
        del request, sender
        raise _missing(self, "handle_call")

    def handle_cast(self, request: Any) -> Said | Awaitable[Said]:  # noqa: ANN401 - as above
        """Do what `request` says, of `Ref.cast`."""
        del request
        raise _missing(self, "handle_cast")

    def handle_info(self, message: Any) -> Said | Awaitable[Said]:  # noqa: ANN401 - as above
        """See to any other message: of `Ref.send`, of timers, `Exit`, `Down`, `TIMEOUT`. Otherwise it is logged and dropped."""
        logger().warning("{} has no handle_info, a message is dropped: {}", type(self).__name__, shown_message(message))
        return None

    def handle_continue(self, arg: Any) -> Said | Awaitable[Said]:  # noqa: ANN401 - as above
        """Go on after `Continue(arg)`."""
        del arg
        raise _missing(self, "handle_continue")

    def terminate(self, reason: ExitReason) -> Awaitable[None] | None:
        """Give back what `init` took; the last callback, whichever way it ends.

        Not called after KILL or with `BRUTAL_KILL`, nor when `init` has failed. An exception becomes the reason.
        """
        del reason
        return None

    def format_status(self) -> Any:  # noqa: ANN401 - whatever is fit to be shown
        """The state as it may be shown, in a crash report or to an operator: leave out what is secret."""
        return vars(self)

    @classmethod
    def otp_runnable(cls, shutdown: float | BrutalKill | None) -> Callable[..., object]:
        """What is run for the class; `otp.Child` asks."""
        awaits = any(is_async(getattr(cls, name)) for name in _CALLBACKS)
        return functools.partial(serve_in_task if awaits else serve_in_thread, cls, shutdown)


_CALLBACKS = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


def _missing(server: GenServer, name: str) -> NotImplementedError:
    return NotImplementedError(f"{type(server).__name__} has no {name}")
