"""The backend for behaviour supervisors, which have nothing to run: the decision does what they say.

Asked to start, it tells of the children; asked to end, it has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from otp.reasons import Reason
from otp.tree.decision.messages import End
from otp.tree.decision.policy import Strategy
from otp.tree.dismissal import StopLetter, dismiss, parting
from otp.tree.mailbox import DeafMailbox, tying

if TYPE_CHECKING:
    from otp.reasons import ExitReason
    from otp.tree.backend import Backend, Job
    from otp.tree.decision.policy import Policy
    from otp.tree.dismissal import Parting
    from otp.tree.incarnation import Incarnation
    from otp.tree.mailbox import Notice

__all__ = ["SupervisorBackend", "SupervisorMailbox"]


class SupervisorMailbox(DeafMailbox):
    """Where a supervisor lives, for whoever wants to know at once what it has been started with.

    As in OTP, a supervisor traps exits, and ignores those that are no child's. The only letter that is not lost here asks it
    to end.
    """

    __slots__ = ("_slot", "children")

    def __init__(self, dn: str) -> None:
        """Of the next incarnation at `dn`."""
        super().__init__(dn)
        self.children: tuple[tuple[str, Policy, Job, Backend], ...] = ()
        """The initial ones, in order, once it runs."""
        self._slot = _Slot()

    def _open(self) -> None:
        if not self.opened:
            super()._open()
            self.put = self._slot.put

    def move_in(self, incarnation: Incarnation) -> ExitReason | None:
        """It runs: what has come before is passed on."""
        early = super().move_in(incarnation)
        self._slot.begin(incarnation)
        return early

    def close(self, reason: ExitReason) -> None:
        """It has ended."""
        super().close(reason)
        self._slot.end()

    def signal(self, reason: ExitReason, letter: Notice) -> bool:
        """KILL cannot be trapped. All others do nothing: what whoever is above it wants, the tree itself sees to."""
        return reason is Reason.KILL and super().signal(reason, letter)


class _Slot:
    """Where letters are put in; apart from the mailbox, which has this as its `put`: together they would be a cycle."""

    __slots__ = ("_early", "_incarnation")

    def __init__(self) -> None:
        self._incarnation: Incarnation | None = None
        self._early: list[Parting] | None = []
        """Until it runs."""

    def put(self, letter: object) -> None:
        """From any thread."""
        if not isinstance(letter, StopLetter):
            return
        last = parting(letter.request)
        with tying:
            incarnation = self._incarnation
            if incarnation is None and self._early is not None:
                self._early.append(last)
        if incarnation is not None:
            incarnation.system.administer(dismiss(incarnation, last))

    def begin(self, incarnation: Incarnation) -> None:
        """It runs."""
        with tying:
            self._incarnation = incarnation
            early, self._early = self._early, None
        for last in early or ():
            incarnation.system.administer(dismiss(incarnation, last))

    def end(self) -> None:
        """It does not any more."""
        with tying:
            self._incarnation = self._early = None


class SupervisorBackend:
    """See the module. All of it is called in the loop of the tree."""

    name: ClassVar[str] = "supervisor"
    killable: ClassVar[bool] = False

    @property
    def makes_thread(self) -> bool:
        """There is nothing to run in one."""
        return False

    def start(self, incarnation: Incarnation, job: Job) -> _Running:
        """Tell of the children it starts with."""
        incarnation.spawn(job.runnable, Strategy.ONE_FOR_ONE)
        if isinstance(incarnation.mailbox, SupervisorMailbox):
            incarnation.mailbox.children = job.runnable
        return _Running(incarnation)

    def mailbox(self, dn: str) -> SupervisorMailbox:
        """Nobody reads its mail."""
        return SupervisorMailbox(dn)

    def close(self) -> None:
        """Nothing is held."""

    def join(self, timeout: float) -> None:
        """Nothing is held."""
        del timeout


class _Running:
    """One incarnation."""

    def __init__(self, incarnation: Incarnation) -> None:
        self._incarnation: Incarnation | None = incarnation

    def cancel(self) -> None:
        """It has ended; asked once more, it has ended before: KILL and a cancel may come together."""
        incarnation, self._incarnation = self._incarnation, None
        if incarnation is not None:
            incarnation.end(End.LEFT)

    def kill(self) -> None:
        """The cancel that came before has ended it."""

    def stack(self) -> str:
        """There is none."""
        return "(a supervisor runs nothing)\n"
