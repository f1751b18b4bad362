"""The node actor: one per node of the tree, the owner of its runnable's thread, task or process.

    root supervisor ---Start, Cancel, Kill, Expose---> Node ---> backend ---> runnable
    root supervisor <--- ... <--- parent <---Lifecycle--- Node <---------------- runnable

It holds the incarnation and the backend's handle, and no state: that is the decision's. What its own runnable and all
below it tell goes up to its parent, except for what comes from an incarnation that is not the current one any more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from otp.reasons import Reason
from otp.tree.actor import Actor
from otp.tree.decision.messages import (
    Cancel,
    Canceling,
    Changed,
    End,
    Ended,
    Finish,
    Kill,
    Removed,
    Start,
    Stopped,
    Stopping,
)
from otp.tree.decision.record import record
from otp.tree.incarnation import Incarnation, Interrupt, Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.reasons import ExitReason
    from otp.tree.actor import Address
    from otp.tree.backend import Handle, Host
    from otp.tree.clock import Clock
    from otp.tree.decision.messages import Stuck
    from otp.tree.decision.policy import Policy
    from otp.tree.incarnation import Spec
    from otp.tree.loop import Loop
    from otp.tree.mailbox import Mailbox

__all__ = ["Conclude", "Expose", "Gathering", "Node", "Report", "Retire", "Vacate", "World"]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What all nodes of one system share."""

    loop: Loop
    clock: Clock
    draw: Callable[[], float]
    births: Callable[[], int]
    """Gives the next free node id; from any thread."""
    fencing_token: Callable[[], int]
    system: Host


class Gathering:
    """The stuck nodes of one report, each to be handed in by its own node actor.

    It is published at once, to keep its place among the reports; whoever reads it waits until all are there.
    """

    def __init__(self, report: Stuck, policies: tuple[Policy, ...]) -> None:
        """Of `report`, whose nodes have these policies."""
        self.report = report
        self.policies = policies
        self.handles: dict[int, Handle | None] = {}
        self._complete = threading.Event()

    def hand_in(self, node: int, handle: Handle | None) -> None:
        """Take one."""
        self.handles[node] = handle
        if len(self.handles) == len(self.report.nodes):
            self._complete.set()

    def wait(self, timeout: float) -> None:
        """Until all are there; not in the loop of the tree, which hands them in."""
        self._complete.wait(timeout)


Report: TypeAlias = Changed | Canceling | Finish | Removed | Stopping | Stopped | Gathering
"""What the tree has to tell to those who watch it."""


@dataclass(frozen=True, slots=True, eq=False)
class Expose:
    """Hand in what can tell where your runnable is."""

    gathering: Gathering


@record
class Retire:
    """The node has left the tree."""


@record
class Conclude:
    """The behaviour supervisor that lives here has ended, by its own decision."""

    reason: ExitReason


@record
class Vacate:
    """The node is not started now, although its start was asked for."""


class Node(Actor):
    """See the module."""

    def __init__(self, world: World, spec: Spec, dn: str, parent: Address, mailbox: Mailbox) -> None:
        """The actor of the node `dn`, below `parent`; `mailbox` is that of its first incarnation."""
        super().__init__(world.loop)
        self.world = world
        self.spec: Spec | None = spec
        self._id = spec.node
        self.dn = dn
        self.parent = parent
        self._mailbox: Mailbox | None = mailbox
        self.incarnation: Incarnation | None = None
        self.handle: Handle | None = None

    def on_receive(self, message: object) -> None:
        """Pass on what comes from below; do what comes from the root supervisor."""
        match message:
            case Lifecycle():
                self._pass_on(message)
            case Start():
                self._start(message)
            case Cancel() | Kill() | Interrupt():
                # A cancel may come late: it is held back while many others are in flight.
                if self.incarnation is not None and self.incarnation.number == message.incarnation:
                    self._end(message)
            case Conclude():
                self._conclude(message.reason)
            case Vacate():
                self._vacate()
            case Expose():
                if self.incarnation is not None:
                    self.incarnation.overdue = True
                message.gathering.hand_in(self._id, self.handle)
            case Retire():
                self._stop()
            case _:
                super().on_receive(message)

    def on_stop(self) -> None:
        """The node has left the tree: its runnable and arguments are dropped elsewhere."""
        self._vacate()
        self.loop.release(self.spec)
        self.spec = None

    def _conclude(self, reason: ExitReason) -> None:
        if self.incarnation is not None:
            self.incarnation.conclude(reason)
            self.loop.release(self.incarnation, self.handle, reason)
            self.incarnation = self.handle = None

    def _vacate(self) -> None:
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            self.world.system.directory.leave(mailbox, Reason.SHUTDOWN)
            self.loop.release(mailbox)  # with the letters that nobody has read

    def _pass_on(self, message: Lifecycle) -> None:
        if message.event.node == self._id:
            if message.incarnation is not self.incarnation:
                self.loop.release(message)
                return
            if isinstance(message.event, Ended):
                self.loop.release(self.incarnation, self.handle)
                self.incarnation = self.handle = None
        self.parent.tell(message)

    def _end(self, order: Cancel | Kill | Interrupt) -> None:
        if isinstance(order, Cancel) and self.incarnation is not None:
            if self.spec is not None and self.spec.policy.shutdown == 0:
                self.incarnation.overdue = True  # however soon it ends
            self.incarnation.cancel()
        if self.handle is None:
            return
        if isinstance(order, Kill):
            self.handle.kill()
        else:
            self.handle.cancel()

    def _start(self, start: Start) -> None:
        world, spec = self.world, self.spec
        if spec is None:
            return
        if spec.backend.makes_thread and world.loop.helped:
            world.loop.hand_back(self, start)
            return
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is None:
            mailbox = spec.backend.mailbox(self.dn)
        world.system.directory.homes[self.dn] = mailbox
        incarnation = Incarnation(
            node=start.node,
            dn=self.dn,
            number=start.incarnation,
            fencing_token=world.fencing_token(),
            actor=self.actor_ref,
            clock=world.clock,
            draw=world.draw,
            births=world.births,
            system=world.system,
            restart=spec.policy.restart,
            mailbox=mailbox,
        )
        self.incarnation = incarnation
        early = mailbox.move_in(incarnation)
        if early is not None:
            incarnation.exit(early, None)
        try:
            self.handle = spec.backend.start(incarnation, spec.job)
        except Exception as error:  # noqa: BLE001 - above all "can't start new thread": a start that fails is an end
            incarnation.end(End.RAISED, error)
