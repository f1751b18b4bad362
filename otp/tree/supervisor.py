r"""The root supervisor actor: feeds events to the decision and carries out its actions.

    Lifecycle, requests, timers ---> decide(tree, event) ---> Start, Cancel, Kill to node actors
                                                         \--> timers, reports, answers to those who wait

It is the only one to hold the tree, and the parent of the root's node actor.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otp.errors import SupervisorExitError, UnexpectedReturnError
from otp.reasons import Reason, is_clean
from otp.tree.actor import Actor
from otp.tree.administration import Administer, Administration, Answered, Inspect, Inspected, refuse, tell
from otp.tree.decision import decide, plant
from otp.tree.decision.messages import (
    Answer,
    Arm,
    Birth,
    Cancel,
    Disarm,
    Ended,
    Expired,
    Finish,
    Forget,
    Kill,
    RestartRequested,
    Spawned,
    Start,
    StopRequested,
    Stuck,
    Why,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.otp.queries import count_children, which_children
from otp.tree.decision.policy import AutoShutdown
from otp.tree.decision.record import record
from otp.tree.dismissal import Dismiss
from otp.tree.incarnation import Lifecycle
from otp.tree.node import Conclude, Expose, Gathering, Node, Retire, Vacate
from otp.tree.snapshot import take
from otp.tree.timers import Timers

if TYPE_CHECKING:
    from concurrent.futures import Future

    from otp.reasons import ExitReason
    from otp.tree.actor import Address
    from otp.tree.decision import model
    from otp.tree.decision.messages import Action, Event
    from otp.tree.decision.policy import Supervision
    from otp.tree.incarnation import Spec
    from otp.tree.mailbox import Mailbox
    from otp.tree.node import World
    from otp.tree.snapshot import Row, Until

__all__ = ["Look", "Plant", "RestartNode", "Settle", "Stop", "Supervisor", "Wait"]

_WAVE: Final = 100
"""Cancels in flight. Waking 10,000 threads at once takes 0.9 to 4 s of fighting over the GIL, in waves of 100 0.6 s."""
_WAVE_PATIENCE: Final = 0.01
"""Seconds after which the next wave goes out even if the last one has not ended: many a runnable takes its time."""


@record
class Plant:
    """Start the root."""


@record
class Stop:
    """Stop the tree, in order for `timeout` seconds."""

    timeout: float | None


@record
class RestartNode:
    """Restart the node at `dn`. Asked: whether there is one."""

    dn: str


@record
class Look:
    """Asked: the rows of the tree."""


@dataclass(frozen=True, slots=True, eq=False)
class Wait:
    """Answer when the tree is `until`: True, or False when it has stopped and can never be."""

    until: Until
    answer: Future[bool]


@dataclass(frozen=True, slots=True, eq=False)
class Settle:
    """Answer when there is nothing left to do until time passes or somebody outside acts, with the next alarm."""

    answer: Future[float | None]


class Supervisor(Actor):
    """See the module."""

    def __init__(self, world: World, root: Spec, *, propagate: bool) -> None:
        """The supervisor of a tree that `Plant` will start."""
        super().__init__(world.loop)
        self._world = world
        self._nodes: dict[int, Address] = {}
        self._backends: dict[int, str] = {}
        self._origins: dict[int, object] = {}
        """Children of behaviour supervisors, as the user wrote them."""
        self._extra: dict[int, tuple[Any, ...]] = {}
        """What the children of dynamic supervisors are called with before their own arguments."""
        self._administration = Administration()
        self._timers = Timers()
        self._waiting: list[Wait] = []
        self._settling: list[Settle] = []
        self._in_flight: set[int] = set()
        self._held: deque[Cancel] = deque()
        self._rows: list[Row] | None = None
        self.failure: BaseException | None = None
        """With `propagate`: the first death."""
        mailbox = root.backend.mailbox(root.name)
        world.system.directory.homes[root.name] = mailbox
        self._house(root, self.actor_ref, mailbox)
        self._tree, self._first = plant(
            Birth(root.node, root.name, root.policy), world.clock.monotonic(), propagate=propagate
        )
        world.loop.on_alarm = self._ring
        world.loop.on_wave = self._next_wave

    def on_receive(self, message: object) -> object:
        """One thing that happened, or one question."""
        match message:
            case Lifecycle():
                self._lifecycle(message)
            case Stop():
                self._plant()  # asked for before the start: the root starts, and is canceled
                self._decide(StopRequested(message.timeout, self._world.clock.monotonic()))
            case RestartNode():
                return self._restart(message.dn)
            case Look():
                return self.look()
            case Wait():
                if not self._answered(message):
                    self._waiting.append(message)
            case Administer() | Inspect() | Dismiss():
                self._attend_to(message)
            case Settle():
                self._settling.append(message)
                self._world.loop.on_idle = self._settle
            case Plant():
                self._plant()
            case _:
                super().on_receive(message)
        return None

    def refused(self, message: object) -> None:
        """Who waits for a tree that has ended is told how it ended."""
        if isinstance(message, Administer | Inspect | Dismiss):
            refuse(message)
        elif isinstance(message, Settle):
            with suppress(InvalidStateError):  # who waited has given up
                message.answer.set_result(None)
        elif isinstance(message, Wait):
            self._answered(message)  # nothing is put down: several threads may be here at once

    @property
    def stopped(self) -> bool:
        """Whether the tree has stopped; from any thread."""
        return self._tree.stopped

    def look(self) -> list[Row]:
        """The rows of the tree; from outside the loop only once that has closed."""
        if self._rows is None:
            self._rows = take(self._tree, self._backends)
        return self._rows

    def _plant(self) -> None:
        first, self._first = self._first, []
        if first:
            self._carry_out(first)

    def _restart(self, dn: str) -> bool:
        node = self._tree.find(dn)
        if node is not None:
            self._decide(RestartRequested(node.id, self._world.clock.monotonic()))
        return node is not None

    def _lifecycle(self, message: Lifecycle) -> None:
        event = message.event
        if isinstance(event, Spawned):
            parent = self._nodes[event.node]
            for spec, mailbox in zip(message.specs, message.mailboxes, strict=True):
                self._house(spec, parent, mailbox)
            self._decide(event)
            absent = [spec.node for spec in message.specs if spec.node not in self._tree.nodes]
            self._forget([node for node in absent if node not in self._tree.kept and node in self._nodes])
            for spec in message.specs:
                node = self._tree.nodes.get(spec.node)
                if spec.node in self._nodes and (node is None or not node.running):
                    self._nodes[spec.node].tell(Vacate())  # its parent is canceled, or starts others before it
        elif isinstance(event, Ended):
            self._in_flight.discard(event.node)
            self._note_failure(event.node, message.reason)
            self._tree, actions = decide(self._tree, event)
            if self._tree.propagate and self.failure is None and self._tree.counts[NodeState.DEAD]:
                self.failure = message.exception
                if self.failure is None:
                    self.failure = UnexpectedReturnError(
                        f"{message.incarnation.dn} returned without having signaled DONE"
                    )
            self._carry_out(actions)
            if self._held:
                self._send_held()
            self._world.loop.release(message)  # the only kind that nobody else may hold the user's objects of
        else:
            self._decide(event)

    def _decide(self, event: Event) -> None:
        self._tree, actions = decide(self._tree, event)
        self._carry_out(actions)

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            self._do(action)
        if actions:
            self._rows = None
            self._world.loop.alarm = self._timers.next()
        if self._waiting:
            self._waiting = [wait for wait in self._waiting if not self._answered(wait)]
        if self._tree.stopped and not self._tree.running:
            self._settle()
            self._world.loop.close()

    def _do(self, action: Action) -> None:
        match action:
            case Start():
                self._drop_failure(action.node)
                self._nodes[action.node].tell(action)
            case Kill():
                self._nodes[action.node].tell(action)
            case Cancel():
                self._held.append(action)
                self._send_held()
            case Arm():
                self._timers.arm(action.timer, action.at)
            case Disarm():
                self._timers.disarm(action.timer)
            case Forget():
                self._forget(action.nodes)
            case Answer() | Finish():
                self._conclude(action)
            case Stuck():
                nodes = self._tree.nodes
                gathering = Gathering(action, tuple([nodes[node].policy for node, _, _ in action.nodes]))
                for node, _, _ in action.nodes:
                    self._nodes[node].tell(Expose(gathering))
                self._world.loop.report(gathering)
            case _:
                self._world.loop.report(action)

    # --- nodes ---

    def _house(self, spec: Spec, parent: Address, mailbox: Mailbox) -> None:
        self._nodes[spec.node] = Node.start(self._world, spec, mailbox.dn, parent, mailbox)
        self._backends[spec.node] = spec.backend.name
        if spec.job.origin is not None:
            self._origins[spec.node] = spec.job.origin
        if spec.policy.supervision is not None and spec.job.args:
            self._extra[spec.node] = spec.job.args

    def _forget(self, nodes: tuple[int, ...] | list[int]) -> None:
        for node in nodes:
            self._drop_failure(node)
            self._nodes.pop(node).tell(Retire())
            del self._backends[node]
            self._world.loop.release(self._origins.pop(node, None), self._extra.pop(node, None))

    # --- behaviour supervisors ---

    def _attend_to(self, request: Administer | Inspect | Dismiss) -> None:
        if isinstance(request, Dismiss):
            now = self._world.clock.monotonic()
            self._decide(self._administration.dismissal(request, self._world.draw(), now))
            return
        node = self._tree.find(request.dn)
        if node is None or node.policy.supervision is None or not node.running:
            refuse(request)
            self._world.loop.release(request)
        elif isinstance(request, Administer):
            self._administer(request, node, node.policy.supervision)
        else:
            rows = which_children(self._tree, node.id)
            origins = {row.name: self._origins[row.id] for row in rows}
            with suppress(InvalidStateError):  # who asked has given up
                request.answer.set_result(Inspected(rows, count_children(self._tree, node.id), origins))

    def _administer(self, request: Administer, node: model.Node, supervision: Supervision) -> None:
        birth = None
        if request.spec is not None and request.mailbox is not None:
            if request.spec.policy.significant and supervision.auto_shutdown is AutoShutdown.NEVER:
                tell(request, Answered(None))
                self._world.loop.release(request)
                return
            birth = Birth(request.spec.node, request.spec.name, request.spec.policy)
            extra = self._extra.get(node.id)
            if extra is not None:
                request.spec.job.call_first_with(extra)
            self._house(request.spec, self._nodes[node.id], request.mailbox)
        now = self._world.clock.monotonic()
        self._decide(self._administration.event(request, node.id, node.incarnation, birth, now))

    def _note_failure(self, node_id: int, reason: ExitReason | None) -> None:
        node = self._tree.nodes.get(node_id)
        if reason is None or node is None or node.state is not NodeState.NEW or node.parent is None:
            return
        if node.parent.policy.supervision is not None:
            # Who starts a child and cancels it has waited long enough, whatever else the child says of its end.
            self._administration.failed(node_id, Reason.TIMEOUT if node.doomed else reason)

    def _drop_failure(self, node: int) -> None:
        reason = self._administration.forget(node)
        if reason is not None:
            self._world.loop.release(reason)

    def _conclude(self, finish: Answer | Finish) -> None:
        if isinstance(finish, Answer):
            origin = None if finish.child is None else self._origins.get(finish.child)
            dismissed = self._administration.settle(finish, origin)
            if dismissed is not None:
                self._world.loop.release(dismissed)
            return
        reason = self._administration.reason_of(finish)
        if finish.why is Why.START_FAILED:
            self._administration.failed(finish.node, reason)
        if finish.why is Why.STOPPED:
            self._note_stop(finish, reason)
        elif finish.node == self._tree.root.id and finish.why is not Why.AUTO_SHUTDOWN:
            self.failure = SupervisorExitError(self._tree.root.dn, reason)
        self._nodes[finish.node].tell(Conclude(reason))
        self._world.loop.report(finish)

    def _note_stop(self, finish: Finish, reason: ExitReason) -> None:
        ends_tree = finish.node == self._tree.root.id or (self._tree.propagate and self.failure is None)
        if ends_tree and not is_clean(reason):
            self.failure = SupervisorExitError(self._administration.dn_of(finish), reason)

    # --- cancels, in waves ---

    def _send_held(self) -> None:
        while self._held and len(self._in_flight) < _WAVE:
            action = self._held.popleft()
            node = self._tree.nodes.get(action.node)
            if node is not None and node.running and node.incarnation == action.incarnation:
                self._in_flight.add(action.node)
                self._nodes[action.node].tell(action)
        loop = self._world.loop
        loop.crowded = bool(self._held)
        if not self._held:
            loop.wave = None
        elif loop.wave is None:
            loop.wave = time.monotonic() + _WAVE_PATIENCE

    def _next_wave(self) -> None:
        self._in_flight.clear()
        self._world.loop.wave = None
        self._send_held()

    # --- time, and who waits ---

    def _ring(self) -> None:
        now = self._world.clock.monotonic()
        while (timer := self._timers.due(now)) is not None:
            self._decide(Expired(timer, now))
        self._world.loop.alarm = self._timers.next()

    def _settle(self) -> None:
        """Every message has been handled; what may still come by itself is the end of what was asked to end."""
        if any(node.running and node.doomed and not node.stuck for node in self._tree.nodes.values()):
            return
        settled, self._settling = self._settling, []
        self._world.loop.on_idle = None
        for each in settled:
            with suppress(InvalidStateError):  # who waited has given up
                each.answer.set_result(self._timers.next())

    def _answered(self, wait: Wait) -> bool:
        """Answer, if it is time to; whether it was."""
        tree = self._tree
        reached = {"healthy": tree.healthy, "settled": tree.settled, "stopped": tree.stopped}[wait.until]
        if not (reached or tree.stopped):
            return False
        self._world.loop.flush()  # whoever is answered may look at events and log next
        with suppress(InvalidStateError):  # who waited has given up
            wait.answer.set_result(reached)
        return True
