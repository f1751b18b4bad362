"""The life of a behaviour supervisor: one process, which does one thing after the other and finds the rest in its mail.

It is written as that process, with generators that stop where it has to wait, while the decision has to take everything
apart into events. What it wants to happen is written into the reading at hand, and compared there with what has happened.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from otp.testing.simulation.picture import Alarm, Group, Purpose, Seen
from otp.testing.simulation.reading import Ending, Reading, Reply
from otp.testing.simulation.rules import call_in, call_off, condemn, say, wait_no_longer
from otp.testing.simulation.supervision.children import bring_up, lose_patience, stop
from otp.testing.simulation.supervision.requests import serve
from otp.testing.simulation.supervision.specs import Again, Exit, Outcome, Over, Retry, Spec, Status
from otp.testing.simulation.supervision.strategies import again, exited, retry, settle_down
from otp.testing.simulation.violation import Rule
from otp.tree.decision.messages import (
    Cause,
    DeleteChild,
    End,
    RestartChild,
    StartChild,
    StopSupervisor,
    TerminateChild,
    Verdict,
    Why,
)
from otp.tree.decision.model import NodeState
from otp.tree.decision.policy import Restart

if TYPE_CHECKING:
    from otp.testing.simulation.picture import Picture
    from otp.testing.simulation.supervision.specs import Mail, Steps
    from otp.testing.simulation.walk import Walk
    from otp.tree.decision.messages import Birth, Request, Spawned
    from otp.tree.decision.policy import Supervision

__all__ = ["Life"]

_REQUESTS: Final = (StartChild, RestartChild, TerminateChild, DeleteChild, StopSupervisor)


class Life:
    """One incarnation of a behaviour supervisor."""

    def __init__(self, picture: Picture, sup: Seen, flags: Supervision) -> None:
        self.picture = picture
        self.sup = sup
        self.flags = flags
        self.reading: Reading
        self.specs: list[Spec] = []
        """In start order."""
        self.crashes: list[float] = []
        self.starting: Spec | None = None
        self.doing = Rule.O1
        """What it does at the moment, for the sake of blame."""
        self.idle = False
        """It waits for mail."""
        self.ended = False
        """Nothing of what is said here is true any more."""
        self._places = 0
        self._births: tuple[Birth, ...] | None = None
        self._mail: deque[Mail] = deque()
        self.crashed: Spec | None = None
        """Whose end has led to the restart that is going on."""
        self.walk: Walk | None = None
        """The stop of children that it waits for."""
        self._leaving_start: Seen | None = None
        """The child whose start it has seen to fail, until all below that has ended."""
        self._turn: Alarm | None = None
        """When the reminder that comes first in the mail is taken: it gives way to what else there is to do."""
        self._request: Request | None = None
        self._ending = False
        self.dying: list[Spec] = []
        """Who has ended by itself, before what is below it."""
        self._leaving: list[tuple[Spec, bool | None]] = []
        """Whose specification is gone, and whether its removal is reported; None: it may be."""
        self._group = Group(flags.strategy, kept=True)
        sup.groups = [self._group]
        self._process = self._live()
        self._waits = next(self._process)

    # --- what it does ---------------------------------------------------------------------------------------------------

    def _live(self) -> Steps[None]:
        try:
            yield lambda: self._births is not None
            yield from self._begin()
            while True:
                self.idle = True
                yield self._has_mail
                self.idle = False
                yield from self._take(self._mail.popleft())
        except Over as over:
            yield from self._end(over)

    def _begin(self) -> Steps[None]:
        for spec in list(self.specs):
            outcome = yield from bring_up(self, spec, Rule.O1)
            if outcome is Outcome.FAILED:
                self.doing = Rule.O2
                raise Over(Why.START_FAILED, spec)
            settle_down(self, spec, outcome)
        self.sup.healthy_at = self.reading.at
        say(self.reading, self.sup, NodeState.HEALTHY, Rule.O1)

    def _take(self, mail: Mail) -> Steps[None]:
        match mail:
            case Exit():
                yield from exited(self, mail)
            case Again():
                yield from again(self, mail)
            case Retry():
                yield from retry(self, mail)
            case _:
                self._request = mail
                yield from serve(self, mail)
                self._request = None

    def _has_mail(self) -> bool:
        if not self._mail or not isinstance(self._mail[0], Retry):
            return bool(self._mail)
        if self._turn is None:
            self._turn = Alarm(Purpose.TURN, self.reading.at, Rule.O7, [self._mail[0].spec.node])
            self.reading.armed.append(self._turn)
        if not self._turn.off:
            return False
        self._turn = None
        return True

    def remind(self, spec: Spec, *, counts: bool, alone: bool = False) -> None:
        """Restart it at once, but after all that is in the mail by now."""
        spec.reminder = Retry(spec, counts, alone)
        self._mail.append(spec.reminder)

    def _end(self, over: Over) -> Steps[None]:
        self._ending = True
        self._request = None
        self._refuse_mail()
        self._request = over.order  # somebody above may yet end it otherwise
        yield from stop(self, self.specs, Rule.O3, for_good=True)
        yield lambda: all(spec.node.over() for spec in self.present())
        self._request = None
        child = (None, None) if over.spec is None else (over.spec.node.id, over.spec.name)
        sup = self.sup
        self.reading.endings.append(Ending(sup.id, sup.incarnation, over.why, child, self.doing, over.order))
        if over.order is not None:
            self.reading.answers[over.order.request] = Reply(Verdict.OK, Rule.O18)
        self._dissolve()
        self._refuse_now()

    def advance(self, reading: Reading) -> bool:
        """Go on as far as that is possible. Whether it was."""
        self.reading = reading
        moved = False
        self._receive()
        while not self.ended and self._waits():
            moved = True
            try:
                self._waits = next(self._process)
            except StopIteration:
                self.ended = True
            self._receive()
        return moved

    def _receive(self) -> None:
        """What has happened is in the mail, in the order in which it has."""
        if not self.ended:
            trial = self.starting.node if self.starting is not None else None
            self._leaving_start = trial if trial is not None and not trial.runs else None
        for spec in [spec for spec in self.dying if spec.node.over()]:
            self.dying.remove(spec)
            self._post_exit(spec)
        for spec in self.specs:
            if spec.held_by and all(node.over() for node in spec.held_by):
                spec.held_by = []
                self.remind(spec, counts=spec.counts, alone=spec.alone)

    # --- what happens to it ---------------------------------------------------------------------------------------------

    def spawned(self, event: Spawned) -> None:
        """These are its first children."""
        if self._births is None:
            self._births = event.births
            self.specs = [self.conceive(birth) for birth in event.births]

    def child_ended(self, reading: Reading, node: Seen, end: End | None) -> None:
        """A child has ended; `end` is None if it is a supervisor that has decided so."""
        if not node.condemned:
            node.condemned = True
            for below in node.children():
                wait_no_longer(reading, below)
            condemn(reading, node.children(), Cause.DEATH, node.dn, supervised=Rule.R5)
        spec = next((spec for spec in [*self.specs, self.starting] if spec is not None and spec.node is node), None)
        if spec is None or self.ended:
            return
        spec.end = end
        if self.starting is spec:
            self.reading = reading
            lose_patience(self, spec)
        else:
            self.dying.append(spec)

    def _post_exit(self, spec: Spec) -> None:
        """The exit signal of a child is in the mail."""
        clean = spec.node.state is NodeState.DONE or spec.end in (End.SHUTDOWN, None)
        self._mail.append(Exit(spec, spec.node.incarnation, clean))

    def asked_again(self, node: Seen) -> None:
        """Somebody outside wants a child started anew."""
        spec = next((spec for spec in [*self.specs, self.starting] if spec is not None and spec.node is node), None)
        if spec is not None and not self.ended and not self._ending:
            self._mail.append(Again(spec, node.incarnation))

    def requested(self, reading: Reading, request: Request) -> None:
        """Somebody outside wants something of it."""
        self.reading = reading
        if self.ended or self._ending:
            self._refuse_later(request)
        else:
            self._mail.append(request)

    def freeze(self) -> None:
        """Something above is being stopped, and this will be: it does nothing any more."""
        if self.ended:
            return
        self.ended = True
        for alarm in (self._turn, self.starting.patience if self.starting is not None else None):
            if alarm is not None:
                alarm.loose = True
        self._refuse_mail()
        inside = [node.id for node in self._group.members]
        for spec in [*self.specs, *(spec for spec, _ in self._leaving)]:
            if spec.node.id not in inside:
                self.picture.owed[spec.node.id] = self.sup.id

    def canceled(self, reading: Reading) -> None:
        """It was canceled from above, and all below it."""
        self.freeze()
        self.reading = reading
        if self.sup.term is not None:
            call_off(reading, self.sup.term)
            self.sup.term = None
        self._refuse_now()

    # --- its children ---------------------------------------------------------------------------------------------------

    def conceive(self, birth: Birth) -> Spec:
        """A child to be."""
        dn = f"{self.sup.dn}.{birth.name}"
        node = Seen(birth.node, birth.name, dn, birth.policy, self.sup, self._group)
        self.picture.limbo[node.id] = node
        self._places += 1
        return Spec(node, self._places)

    def enter(self, node: Seen) -> None:
        """A child is about to run: it is in the tree."""
        self.picture.limbo.pop(node.id, None)
        self.picture.nodes[node.id] = node
        order = [spec.node for spec in [*self.specs, self.starting] if spec is not None]
        if node not in self._group.members:
            self._group.members.append(node)
        self._group.members.sort(key=lambda member: order.index(member) if member in order else -1)

    def is_current(self, spec: Spec, incarnation: int) -> bool:
        """Whether that is the process that the supervisor knows."""
        known = spec in self.specs and spec.status is Status.RUNNING
        return known and spec.node.incarnation == incarnation

    def present(self) -> list[Spec]:
        """All children, and those that have no specification any more and have not ended."""
        return [*self.specs, *self.lingering()]

    def awaited(self) -> list[Seen]:
        """Children that have to end before anything else is done."""
        if self.walk is not None and not self.walk.over:
            return list(self.walk.tops)
        return [self._leaving_start] if self._leaving_start is not None else []

    def lingering(self) -> list[Spec]:
        """Those that have no specification any more and have not ended."""
        return [spec for spec, _ in self._leaving if not spec.node.over()]

    def put_away(self, spec: Spec, *, removed: bool | None = True) -> None:
        """It will not run for now, or not at all any more."""
        spec.status = Status.STOPPED
        if self.flags.dynamic or spec.node.policy.restart is Restart.TEMPORARY:
            self.drop(spec, removed=removed)

    def drop(self, spec: Spec, *, removed: bool | None) -> None:
        """Its specification is gone."""
        self.specs.remove(spec)
        self._leaving.append((spec, removed))

    def sweep(self, reading: Reading) -> None:
        """Whoever has no specification, or does not run, leaves the tree as soon as it has ended."""
        if self.ended:
            return
        for gone in [gone for gone in self._leaving if gone[0].node.over()]:
            self._leaving.remove(gone)
            spec, removed = gone
            self._leave(spec.node, spec.node.id)
            if self._ending:  # whether it goes at once or with the supervisor is nowhere said
                self.picture.owed[spec.node.id] = self.sup.id
                reading.spared.append((spec.node.dn, spec.node.incarnation))
                continue
            reading.forgotten.append(spec.node.id)
            call_in(reading, [spec.node.id])
            if removed is not False:
                (reading.removed if removed else reading.spared).append((spec.node.dn, spec.node.incarnation))
        for spec in self.specs:
            idle = spec is not self.starting and spec is not self.crashed and not spec.active
            if idle and spec.node.id in self.picture.nodes and spec.node.over():
                self._leave(spec.node, spec.node.id)

    def _leave(self, node: Seen, owner: int) -> None:
        """Out of the tree, with all below it."""
        for gone in node.below():
            if self.picture.nodes.pop(gone.id, None) is not None:
                self.picture.limbo[gone.id] = gone
                if gone is not node:
                    self.picture.owed[gone.id] = owner
        node.groups = []
        if node in self._group.members:
            self._group.members.remove(node)

    def _dissolve(self) -> None:
        """All its children have ended, and so does it."""
        for spec, removed in self._leaving:
            if removed is not False:
                self.reading.spared.append((spec.node.dn, spec.node.incarnation))
        for spec in [*self.specs, *(spec for spec, _ in self._leaving)]:
            self._leave(spec.node, spec.node.id)
            self.picture.owed[spec.node.id] = self.sup.id
        self.sup.groups = []

    # --- answers --------------------------------------------------------------------------------------------------------

    def answer(self, request: Request, verdict: Verdict, spec: Spec | None) -> None:
        """This is the answer; it concerns that child."""
        named = verdict in (Verdict.OK, Verdict.ALREADY_STARTED)
        rule = Rule.O13 if self.flags.dynamic else Rule.O9
        self.reading.answers[request.request] = Reply(verdict, rule, spec.node.id if spec else None, named=named)

    def refuse_birth(self, request: StartChild, verdict: Verdict, known: Spec | None) -> None:
        """The child that was to be started will not be."""
        self.answer(request, verdict, known)
        self.reading.forgotten.append(request.birth.node)

    def _refuse_mail(self) -> None:
        for mail in [self._request, *self._mail]:
            if isinstance(mail, _REQUESTS):
                self._refuse_later(mail)
        self._request = None
        self._mail.clear()

    def _refuse_later(self, mail: Request) -> None:
        self.picture.refusable[mail.request] = self.sup.id
        if isinstance(mail, StartChild) and mail.birth.node not in self.picture.nodes:
            self.picture.owed[mail.birth.node] = self.sup.id

    def _refuse_now(self) -> None:
        for request, owner in list(self.picture.refusable.items()):
            if owner == self.sup.id:
                del self.picture.refusable[request]
                self.reading.answers[request] = Reply(Verdict.NO_PROCESS, Rule.O10)
