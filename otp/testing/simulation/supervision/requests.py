"""What is asked of a behaviour supervisor from outside, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.testing.simulation.supervision.children import bring_up, stop
from otp.testing.simulation.supervision.specs import Outcome, Over, Status
from otp.testing.simulation.supervision.strategies import settle_down
from otp.testing.simulation.violation import Rule
from otp.tree.decision.messages import (
    DeleteChild,
    RestartChild,
    StartChild,
    StopSupervisor,
    TerminateChild,
    Verdict,
    Why,
)

if TYPE_CHECKING:
    from otp.testing.simulation.supervision.life import Life
    from otp.testing.simulation.supervision.specs import Spec, Steps
    from otp.tree.decision.messages import Request

__all__ = ["serve"]

_VERDICTS = {
    Outcome.STARTED: Verdict.OK,
    Outcome.IGNORED: Verdict.IGNORED,
    Outcome.FAILED: Verdict.START_FAILED,
}


def serve(life: Life, request: Request) -> Steps[None]:
    """Do what is asked for and answer."""
    life.doing = Rule.O11
    match request:
        case StartChild():
            yield from _start_child(life, request)
        case RestartChild():
            yield from _restart_child(life, request)
        case TerminateChild():
            yield from _terminate_child(life, request)
        case DeleteChild():
            _delete_child(life, request)
        case StopSupervisor():
            life.doing = Rule.O18
            raise Over(Why.STOPPED, None, request)


def _find(life: Life, name: str) -> Spec | None:
    return next((spec for spec in life.specs if spec.name == name), None)


def _start_child(life: Life, request: StartChild) -> Steps[None]:
    birth = request.birth
    known = next((spec for spec in life.present() if spec.name == birth.name), None)
    if known is not None:
        stuck = known.status is Status.STOPPED and not known.node.over()
        present = Verdict.ALREADY_STARTED if stuck or known.status is Status.RUNNING else Verdict.ALREADY_PRESENT
        life.refuse_birth(request, present, known)
    elif life.flags.max_children is not None and len(life.present()) >= life.flags.max_children:
        life.refuse_birth(request, Verdict.MAX_CHILDREN, None)
    else:
        spec = life.conceive(birth)
        outcome = yield from bring_up(life, spec, Rule.O11)
        life.specs.append(spec)
        if outcome is Outcome.FAILED:
            life.drop(spec, removed=None)
            life.answer(request, Verdict.START_FAILED, spec)
        else:
            settle_down(life, spec, outcome)
            life.answer(request, _VERDICTS[outcome], spec)


def _restart_child(life: Life, request: RestartChild) -> Steps[None]:
    spec = _find(life, request.name)
    if spec is None:
        life.answer(request, Verdict.NOT_FOUND, None)
    elif spec.status is Status.RESTARTING:
        life.answer(request, Verdict.RESTARTING, spec)
    elif spec.status is Status.RUNNING or not spec.node.over():  # what is stuck runs
        life.answer(request, Verdict.RUNNING, spec)
    else:
        outcome = yield from bring_up(life, spec, Rule.O11)
        if outcome is not Outcome.FAILED:
            settle_down(life, spec, outcome)
        life.answer(request, _VERDICTS[outcome], spec)


def _terminate_child(life: Life, request: TerminateChild) -> Steps[None]:
    spec = _find(life, request.name)
    if spec is None:
        life.answer(request, Verdict.NOT_FOUND, None)
        return
    yield from stop(life, [spec], Rule.O11)
    life.answer(request, Verdict.OK, spec)


def _delete_child(life: Life, request: DeleteChild) -> None:
    spec = _find(life, request.name)
    if spec is None:
        life.answer(request, Verdict.NOT_FOUND, None)
    elif spec.status is Status.RESTARTING:
        life.answer(request, Verdict.RESTARTING, spec)
    elif spec.status is Status.RUNNING or not spec.node.over():
        life.answer(request, Verdict.RUNNING, spec)
    else:
        life.drop(spec, removed=False)
        life.answer(request, Verdict.OK, spec)
