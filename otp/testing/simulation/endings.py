"""R14 and R15 once more, plainly: what a stop must lead to, and when a tree has come to its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from otp.testing.simulation.picture import Alarm, Order, Purpose
from otp.testing.simulation.rules import call_off, condemn
from otp.testing.simulation.violation import Rule
from otp.testing.simulation.walk import fronts, reach
from otp.tree.decision.messages import Cause
from otp.tree.decision.model import NodeState
from otp.tree.decision.stop import LAST_GRACE

if TYPE_CHECKING:
    from otp.testing.simulation.picture import Seen
    from otp.testing.simulation.reading import Reading

__all__ = ["rush", "stop", "take_turns", "term_over"]


def stop(reading: Reading, timeout: float | None) -> None:
    """The stop begins, or gets a new timeout."""
    picture = reading.picture
    reading.blame = Rule.R14
    if picture.stopped:
        return
    if picture.order is None:
        reading.stopping = True
        for node in picture.nodes.values():
            if node.wait is not None:
                call_off(reading, node.wait)
                node.wait = None
            if node.life is not None:
                node.life.freeze()
        picture.order = Order()
    order = picture.order
    if timeout is None or order.rushed:
        return
    if order.timeout is not None:
        call_off(reading, order.timeout)
        order.timeout = None
    if timeout > 0:
        order.timeout = Alarm(Purpose.STOP, reading.at + timeout, Rule.R14)
        reading.armed.append(order.timeout)
    else:
        rush(reading, order)


def rush(reading: Reading, order: Order) -> None:
    """The timeout is over: all that is left is canceled at once, and has little time to end."""
    picture = reading.picture
    order.rushed = True
    order.timeout = None
    condemn(reading, [picture.root], Cause.STOP, picture.root.dn)
    hurry(reading, picture.root, Rule.R14)


def hurry(reading: Reading, top: Seen, rule: Rule) -> None:
    """All that has been canceled from `top` on has little time to end, however much it was promised."""
    last = Alarm(Purpose.DEADLINE, reading.at + LAST_GRACE, rule)
    for node in top.below():
        if node.runs and not node.late and (node.deadline is None or node.deadline.at >= last.at):
            if node.deadline is not None:
                node.deadline.nodes.remove(node)
                if not any(other.runs for other in node.deadline.nodes):
                    call_off(reading, node.deadline)
            node.deadline = last
            last.nodes.append(node)
    if last.nodes:
        reading.armed.append(last)


def term_over(reading: Reading, sup: Seen) -> None:
    """A supervisor has not stopped within its `shutdown`.

    OTP kills it then, and all that it is linked to is killed by that. Who cannot be killed is canceled, all at once.
    """
    sup.term = None
    condemn(reading, [sup], Cause.STOP, sup.dn, supervised=Rule.O3)
    hurry(reading, sup, Rule.O3)


def take_turns(reading: Reading) -> None:
    """Whose turn it is must have been canceled; where nobody is left, the tree has stopped."""
    picture = reading.picture
    if picture.stopped:
        return
    order = picture.order
    if order is None:
        over = all(node.state is NodeState.DONE for node in picture.nodes.values())
    elif order.rushed:
        over = not any(node.runs and not node.late for node in picture.nodes.values())
    else:
        turns = fronts(picture.root, partial(reach, reading))
        while any(not front.condemned for front in turns):
            supervised = Rule.R14 if any(node.life is not None for node in turns[0].above()) else None
            for front in turns:
                condemn(reading, [front], Cause.STOP, picture.root.dn, supervised=supervised)
            # They may be stuck already, if they were not to be waited for.
            turns = fronts(picture.root, partial(reach, reading))
        over = not turns
    if over:
        picture.stopped = True
        if order is not None and order.timeout is not None:
            call_off(reading, order.timeout)
        reading.stopped = frozenset(node.dn for node in picture.nodes.values() if node.runs)
