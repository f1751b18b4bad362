"""Writes down what the root supervisor really handled, in that order, and how long it had waited in the queue.

It takes the place of `plant` and `decide` in the supervisor's module, and of the two methods by which messages enter and
leave the queue, for as long as its block lasts. The engine has no hook for it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

from otp.testing.simulation import Planted, Trace
from otp.tree import supervisor
from otp.tree.actor import Actor
from otp.tree.decision import decide, plant
from otp.tree.decision.messages import Ended, Start
from otp.tree.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Generator

    from otp.testing.chaos.evidence import Evidence
    from otp.tree.decision.messages import Action, Birth, Event
    from otp.tree.decision.model import Tree
    from otp.tree.loop import Future

__all__ = ["Recorder"]


@dataclass(slots=True, eq=False)
class Recorder:
    """Of the tree that is planted next."""

    evidence: Evidence
    trace: Trace = field(default_factory=lambda: Trace(None))
    delays: list[float] = field(default_factory=list)
    """Seconds from the post of a message to its handling."""
    started: int = 0
    ended: int = 0
    calm: int | None = None
    """How many entries there were when everything had recovered."""
    _tree: Tree | None = None
    _posted: dict[int, float] = field(default_factory=dict)

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Record what happens in the block."""
        post, receive = Loop.post, Actor.receive

        def noted(loop: Loop, actor: Actor, message: object, reply_to: Future | None = None) -> None:
            if not loop.inside:
                self._posted[id(message)] = time.perf_counter()
            post(loop, actor, message, reply_to)

        def timed(actor: Actor, message: object) -> object:
            posted = self._posted.pop(id(message), None)
            if posted is not None:
                self.delays.append(time.perf_counter() - posted)
            try:
                return receive(actor, message)
            except BaseException as error:
                self.evidence.accuse(f"I10: {type(message).__name__} has made the engine raise {error!r}")
                raise

        with (
            patch.object(supervisor, "plant", self._plant),
            patch.object(supervisor, "decide", self._decide),
            patch.object(Loop, "post", noted),
            patch.object(Actor, "receive", timed),
        ):
            yield

    def balanced(self) -> bool:
        """Whether exactly those run, by their own evidence, whose start was ordered and whose end was not reported."""
        return self.started - self.ended == len(self.evidence.running)

    def _plant(self, root: Birth, at: float, *, propagate: bool = False) -> tuple[Tree, list[Action]]:
        tree, actions = plant(root, at, propagate=propagate)
        self._tree = tree
        self.started += 1
        self.trace.add(0, at, Planted(root, at, propagate), tuple(actions))
        return tree, actions

    def _decide(self, tree: Tree, event: Event) -> tuple[Tree, list[Action]]:
        if tree is not self._tree:
            return decide(tree, event)
        if isinstance(event, Ended):
            self.ended += not _supervises(tree, event.node)
            self._check_ended(tree, event)
        tree, actions = decide(tree, event)
        for action in actions:
            if isinstance(action, Start):
                self.started += not _supervises(tree, action.node)
                self._check_start(tree, action)
        self.trace.add(len(self.trace.entries), event.at, event, tuple(actions))
        return tree, actions

    def _check_ended(self, tree: Tree, event: Ended) -> None:
        node = tree.nodes.get(event.node)
        run = None if node is None else self.evidence.running.get(node.dn)
        if run is not None and run.incarnation == event.incarnation:
            self.evidence.accuse(f"R11: {run.dn} {run.incarnation} was reported to have ended, and still runs")

    def _check_start(self, tree: Tree, start: Start) -> None:
        run = self.evidence.running.get(tree.nodes[start.node].dn)
        if run is not None:
            self.evidence.accuse(f"R11: {run.dn} {start.incarnation} is started while {run.incarnation} still runs")


def _supervises(tree: Tree, node: int) -> bool:
    """Whether that is a behaviour supervisor, which has no runnable to be evidence of it."""
    found = tree.nodes.get(node)
    return found is not None and found.policy.supervision is not None
