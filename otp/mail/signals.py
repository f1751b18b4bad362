"""Exit signals, links and monitors: how incarnations learn of each other's ends.

    a ends ---> Mailbox.close ---> link ---> exit signal to b ---> b ends too, or gets an `Exit` where it traps exits
                              +--> monitor ---> `Down` to b

Links and monitors tie incarnations, not nodes: they end with one of the two, and a restart does not tie them again. All is
done in the thread of whoever ends. What has been dissolved while its letter waits is not delivered (`Notice.wanted`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.mail.notices import Down, Exit
from otp.mail.ref import CurrentRef, Ref, address_of, home_of
from otp.reasons import Reason
from otp.tree.incarnation import here
from otp.tree.mailbox import tying

if TYPE_CHECKING:
    from otp.reasons import ExitReason
    from otp.tree.incarnation import Incarnation
    from otp.tree.mailbox import Mailbox

__all__ = ["Monitor", "demonitor", "link", "monitor", "trap_exit", "unlink"]


def link(ref: Ref) -> None:
    """Share a fate with the incarnation that runs at `ref`: whichever of the two ends first, the other gets an exit signal.

    The signal has the reason of the end. NORMAL does nothing; by any other the runnable ends with the same reason, as if
    it had been canceled, unless it traps exits (`trap_exit`). Linked again, two are linked once. Where nobody runs, the
    signal comes at once, with NOPROC. What `otp.current` gives stands for that very incarnation: once that has ended, nobody
    runs there, whoever lives at the DN now. As `erlang:link/1`.

    Raises:
        NotInRunnableError, StaleIncarnationError: the caller is no runnable, or its incarnation has ended.
    """
    incarnation = _caller()
    mine, theirs = incarnation.mailbox, _meant(ref)
    if mine is theirs:
        return
    if theirs is None or not _tie(mine, Ref(incarnation.dn, incarnation.system), theirs, address_of(ref, theirs)):
        incarnation.check()
        mine.signal(Reason.NOPROC, Exit(ref, Reason.NOPROC))


def unlink(ref: Ref) -> None:
    """Undo `link`, whoever of the two has called that. No `Exit` of it is delivered afterwards, also if it waits already.

    Not linked, it is a no-op. As `erlang:unlink/1`.

    Raises:
        NotInRunnableError, StaleIncarnationError: as `link`.
    """
    incarnation = _caller()
    mine = incarnation.mailbox
    with tying:
        half = None if mine.ties is None else mine.ties.pop(address_of(ref, home_of(ref)), None)
        while isinstance(half, Half):
            half.dissolved = True
            twin = half.part()
            if twin is not None:
                twin.leave()
            half = half.before


def trap_exit(on: bool) -> bool:  # noqa: FBT001 - as `process_flag(trap_exit, true)`
    """Whether exit signals to the calling runnable come as `Exit` messages instead of ending it. Gives the old value.

    KILL ends it anyway, and what its supervisor asks for is no exit signal. The next incarnation begins with False.

    Raises:
        NotInRunnableError, StaleIncarnationError: as `link`.
    """
    mailbox = _caller().mailbox
    before, mailbox.trap_exit = mailbox.trap_exit, bool(on)
    return before


def monitor(ref: Ref) -> Monitor:
    """Have the end of the incarnation that runs at `ref` told by a `Down` message. As `erlang:monitor/2`.

    Each call makes another monitor. Where nobody runs, the message comes at once, with NOPROC. What `otp.current` gives
    stands for that very incarnation, as for `link`.

    Raises:
        NotInRunnableError, StaleIncarnationError: as `link`.
    """
    incarnation = _caller()
    owner, target = incarnation.mailbox, _meant(ref)
    made = Monitor(ref, owner, target)
    if target is owner:  # as in Erlang, where nobody lives to see it
        return made
    with tying:
        lives = target is not None and target.reason is None and owner.reason is None
        if target is not None and lives:
            for side in (owner, target):
                side.ties = side.ties or {}
                side.ties[made] = made
    if not lives:
        incarnation.check()
        owner.put(Down(made, ref, Reason.NOPROC))
    return made


def demonitor(monitor: Monitor) -> None:
    """Undo `monitor`. No `Down` of it is delivered afterwards, also if it waits already. As `demonitor(M, [flush])`.

    Raises:
        ValueError: another incarnation has made it.
        NotInRunnableError, StaleIncarnationError: as `link`.
    """
    caller = _caller()
    monitor.dissolve(caller.mailbox)


class Monitor:
    """What `otp.monitor` gives: says which `Down` belongs to which call. Opaque; hashable."""

    __slots__ = ("_owner", "_target", "over", "ref")

    def __init__(self, ref: Ref, owner: Mailbox, target: Mailbox | None) -> None:
        """Of whoever lives in `target`, for `owner`."""
        self.ref = ref
        self._owner = owner
        self._target = target
        self.over = False
        """It was dissolved."""

    def broken(self, reason: ExitReason) -> None:
        """One of the two has ended: tell the owner, or nobody."""
        if self._leave():
            self._owner.put(Down(self, self.ref, reason))

    def dissolve(self, caller: Mailbox) -> None:
        """See `demonitor`."""
        if caller is not self._owner:
            msg = f"{self!r} is not the caller's own"
            raise ValueError(msg)
        self.over = True
        self._leave()

    def _leave(self) -> bool:
        with tying:
            for side in (self._owner, self._target):
                if side is not None and side.ties is not None:
                    side.ties.pop(self, None)
            self._target = None  # who keeps this does not keep it
            return self._owner.reason is None and not self.over

    def __repr__(self) -> str:
        return f"<Monitor of {self.ref.dn}>"


class Half:
    """A link, as one of the two has it."""

    __slots__ = ("address", "before", "dissolved", "owner", "twin")

    def __init__(self, owner: Mailbox, address: Ref, before: object) -> None:
        """Of `owner`, with somebody at `address`."""
        self.owner = owner
        self.address = address
        self.before = before if isinstance(before, Half) else None
        """A link with a former incarnation of the other, whose `Exit` has not been taken out."""
        self.dissolved = False
        """By `unlink`."""
        self.twin: Half | None = None
        """The same link as the other has it, as long as there is one."""

    def broken(self, reason: ExitReason) -> None:
        """The owner has ended: the other is told, unless it was the first to end."""
        with tying:
            other = self.part()
        if other is None:
            return
        if not other.owner.signal(reason, Exit(other.address, reason, other)):
            other.take()

    def take(self) -> bool:
        """Its letter is taken out, or there will be none; whether it is to be seen."""
        with tying:
            self.leave()
            return not self.dissolved

    def part(self) -> Half | None:
        """There is no link any more. What was the other half; each would keep the other, and with it who has ended."""
        twin, self.twin = self.twin, None
        if twin is not None:
            twin.twin = None
        return twin

    def leave(self) -> None:
        """Be no more among the owner's ties."""
        ties = self.owner.ties
        if ties is None:
            return
        latest = ties.get(self.address)
        if latest is self:
            del ties[self.address]
            if self.before is not None:
                ties[self.address] = self.before
            return
        while isinstance(latest, Half):
            if latest.before is self:
                latest.before = self.before
                return
            latest = latest.before


def _tie(mine: Mailbox, my_address: Ref, theirs: Mailbox, their_address: Ref) -> bool:
    """Link two, unless they are; whether both live."""
    with tying:
        if mine.reason is not None or theirs.reason is not None:
            return False
        my_ties = mine.ties = mine.ties or {}
        their_ties = theirs.ties = theirs.ties or {}
        before = my_ties.get(their_address)
        if isinstance(before, Half) and before.twin is not None and before.twin.owner is theirs:
            return True
        half = Half(mine, their_address, before)
        twin = Half(theirs, my_address, their_ties.get(my_address))
        half.twin, twin.twin = twin, half
        my_ties[their_address] = half
        their_ties[my_address] = twin
        return True


def _meant(ref: Ref) -> Mailbox | None:
    """Of whom `ref` means: who lives there, or the one incarnation that it is of."""
    home = home_of(ref)
    if home is None or not isinstance(ref, CurrentRef):
        return home
    incarnation = home.incarnation
    return home if incarnation is not None and incarnation.fencing_token == ref.fencing_token else None


def _caller() -> Incarnation:
    incarnation = here()
    incarnation.check()
    return incarnation
