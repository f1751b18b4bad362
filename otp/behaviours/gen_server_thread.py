"""A server in a thread: all its callbacks are plain functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otp.behaviours.gen_server_conduct import CALLS, SAID, Conduct, Ending
from otp.behaviours.gen_server_returns import TIMEOUT, Continue
from otp.mail.calls import CastMessage
from otp.tree.mailbox import NOTHING, ThreadMailbox

if TYPE_CHECKING:
    from otp.behaviours.gen_server import GenServer
    from otp.tree.decision.policy import BrutalKill
    from otp.tree.ends import Exiting

__all__ = ["serve_in_thread"]


def serve_in_thread(
    cls: type[GenServer],
    shutdown: float | BrutalKill | None,
    /,
    *args: Any,  # noqa: ANN401 - of `init`
    **kwargs: Any,  # noqa: ANN401 - the same
) -> None:
    """Run a server, until it ends."""
    end = _ThreadServer(cls, shutdown).run(args, kwargs)
    if end is not None:
        raise end


class _ThreadServer(Conduct):
    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exiting | None:
        try:
            following = self.begin(self.server.init(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the start has failed
            return self.not_begun(error)
        ending = self._serve(following)
        try:
            if not self.killed:
                self.server.terminate(ending.reason)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it becomes the reason
            return self.ended(ending, error)
        return self.ended(ending, None)

    def _serve(self, following: Continue | float | None) -> Ending:
        server, incarnation = self.server, self.incarnation
        mailbox = incarnation.mailbox
        assert isinstance(mailbox, ThreadMailbox)  # noqa: S101 - so says the backend
        _ = mailbox.put  # opened, so that a cancel wakes the reader
        get = mailbox._queue.get  # noqa: SLF001
        incarnation.listen()
        letter: Any = None
        until: float | None = None
        try:
            if following is not None:
                until = self._follow(following)
            if incarnation.is_canceled:  # before anybody listened
                return self.canceled()
            while True:
                letter = get() if until is None else self._take(mailbox, until)
                if incarnation.is_canceled:
                    return self.canceled()
                kind = type(letter)
                if kind is CastMessage:
                    said = server.handle_cast(letter.request)
                elif kind in CALLS:
                    said = server.handle_call(letter.request, letter)
                    if type(said) not in SAID:
                        letter.answer(said)
                        until = None
                    else:
                        until = self._follow(self.heed(said, letter))
                    continue
                elif not self.is_info(letter):
                    continue
                else:
                    said = server.handle_info(letter)
                until = None if said is None else self._follow(self.heed(said, None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the server ends by it
            return self.ending(error, letter)

    def _follow(self, following: Continue | float | None) -> float | None:
        """Continue as often as that is said, then until when to wait."""
        while type(following) is Continue:
            if self.incarnation.is_canceled:
                return None
            said = self.server.handle_continue(following.arg)
            following = None if said is None else self.heed(said, None)
        return None if following is None else self.clock.monotonic() + following

    def _take(self, mailbox: ThreadMailbox, until: float) -> Any:  # noqa: ANN401 - a letter
        clock = self.clock
        letter = mailbox.take(clock, max(0.0, until - clock.monotonic()))
        return TIMEOUT if letter is NOTHING and clock.monotonic() >= until else letter
