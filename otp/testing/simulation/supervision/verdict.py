"""Compares answers, ends and queries of behaviour supervisors with what they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.testing.simulation.supervision.specs import Status
from otp.testing.simulation.violation import Rule, Violation
from otp.tree.decision.messages import Verdict
from otp.tree.decision.otp.queries import ChildState, count_children, which_children
from otp.tree.decision.policy import Restart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otp.testing.simulation.picture import Seen
    from otp.testing.simulation.reading import Reading
    from otp.testing.simulation.supervision.life import Life
    from otp.testing.simulation.supervision.specs import Spec
    from otp.tree.decision.messages import Answer, Finish
    from otp.tree.decision.model import Tree

__all__ = ["answers", "blame", "endings", "queries"]


def endings(reading: Reading, finishes: Sequence[Finish]) -> None:
    """Which supervisors have ended by their own decision, and why."""
    left = {(ending.node, ending.incarnation): ending for ending in reading.endings}
    for finish in finishes:
        ending = left.pop((finish.node, finish.incarnation), None)
        sup = reading.picture.nodes.get(finish.node)
        if ending is None:
            rule = sup.life.doing if sup is not None and sup.life is not None else Rule.O14
            raise Violation(rule, f"{finish} although nothing has ended it")
        if finish.why is not ending.why or (finish.child, finish.name) != ending.child:
            raise Violation(ending.rule, f"{finish}, and it ended because of {ending.why}, {ending.child}")
    for ending in left.values():
        raise Violation(ending.rule, f"supervisor {ending.node} did not finish: {ending.why}, {ending.child}")


def answers(reading: Reading, given: Sequence[Answer]) -> None:
    """Each request has one answer, and it is the right one."""
    left = dict(reading.answers)
    for answer in given:
        reply = left.pop(answer.request, None)
        if reply is None:
            if answer.verdict is Verdict.NO_PROCESS and reading.picture.refusable.pop(answer.request, None) is not None:
                continue
            raise Violation(Rule.O10, f"{answer} is due to nobody now")
        if answer.verdict is not reply.verdict:
            raise Violation(reply.rule, f"{answer}, and it should have been {reply.verdict}")
        if answer.child != reply.child and (reply.named or answer.child is not None):
            raise Violation(reply.rule, f"{answer} does not speak of {reply.child}")
    for request, reply in left.items():
        raise Violation(reply.rule, f"request {request} was not answered: {reply.verdict}")


def blame(node: Seen) -> tuple[Rule, str]:
    """Why a child of a supervisor must not be started now."""
    life = node.parent.life if node.parent is not None else None
    if life is None or life.ended:
        return Rule.O14, "its supervisor starts nothing any more"
    spec = next((spec for spec in life.specs if spec.node is node), None)
    if not node.over():
        return Rule.R11, "its subtree has not ended"
    if spec is None or spec.node.policy.restart is Restart.TEMPORARY:
        return Rule.O4, "its supervisor has no place for it"
    if spec.status is Status.RESTARTING:
        return Rule.O7, "its next try has not come"
    return life.doing, "nothing asks its supervisor for that"


def queries(tree: Tree, life: Life) -> None:
    """What a supervisor that waits for mail says of its children, in start order."""
    if life.ended or not life.idle:
        return
    wanted = [
        (spec.name, spec.node.id, _state(spec), spec.node.policy.supervision is not None)
        for spec in sorted(life.present(), key=lambda spec: spec.place)
    ]
    rows = [(row.name, row.id, row.state, row.supervisor) for row in which_children(tree, life.sup.id)]
    if rows != wanted:
        raise Violation(Rule.O17, f"the children of {life.sup.dn} are {wanted}, and said to be {rows}")
    counts = count_children(tree, life.sup.id)
    supervisors = sum(supervisor for *_, supervisor in wanted)
    active = sum(spec.node.runs and _state(spec) is ChildState.RUNNING for spec in life.present())
    right = (len(wanted), active, supervisors, len(wanted) - supervisors)
    if (counts.specs, counts.active, counts.supervisors, counts.workers) != right:
        raise Violation(Rule.O17, f"the children of {life.sup.dn} are {right}, and counted as {counts}")


def _state(spec: Spec) -> ChildState:
    if spec.status is Status.STOPPED:  # what is stuck runs, though nobody wants it to
        return ChildState.RUNNING if spec.node.runs else ChildState.STOPPED
    return ChildState.RUNNING if spec.status is Status.RUNNING else ChildState.RESTARTING
