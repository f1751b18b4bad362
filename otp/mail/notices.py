"""What a runnable is told of the ends of others: `Exit` and `Down`. They come as mail; `signals` sends them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from otp.tree.decision.record import record
from otp.tree.mailbox import Notice

if TYPE_CHECKING:
    from otp.mail.ref import Ref
    from otp.mail.signals import Half, Monitor
    from otp.reasons import ExitReason

__all__ = ["Down", "Exit"]


@record
class Exit(Notice):
    """A trapped exit signal."""

    ref: Ref | None
    """Whose end it was, or who has called `Ref.exit`; `None`: somebody who is no runnable."""
    reason: ExitReason
    half: Half | None = field(default=None, repr=False, compare=False)
    """Of the link, if it was one."""

    @property
    def wanted(self) -> bool:
        """Whether nobody has unlinked meanwhile."""
        return self.half is None or self.half.take()


@record
class Down(Notice):
    """The end of an incarnation that was monitored."""

    monitor: Monitor
    """What `otp.monitor` has given."""
    ref: Ref
    """What it was given."""
    reason: ExitReason
    """Why it has ended; NOPROC: there was none."""

    @property
    def wanted(self) -> bool:
        """Whether nobody has called `demonitor` meanwhile."""
        return not self.monitor.over
