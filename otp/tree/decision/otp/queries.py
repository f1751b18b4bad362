"""What is to be known about the children of a behaviour supervisor."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from otp.tree.decision.otp.record import Job, Status

if TYPE_CHECKING:
    from otp.tree.decision.model import Tree
    from otp.tree.decision.otp.record import Spec, Supervisor

__all__ = ["ChildCounts", "ChildRow", "ChildState", "count_children", "which_children"]


class ChildState(enum.StrEnum):
    """A child of a behaviour supervisor, as others see it."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class ChildRow(NamedTuple):
    """One child."""

    name: str
    id: int
    state: ChildState
    supervisor: bool
    """It is a behaviour supervisor."""


class ChildCounts(NamedTuple):
    """How many children there are."""

    specs: int
    active: int
    """Of those, the ones that run."""
    supervisors: int
    workers: int


def which_children(tree: Tree, node_id: int) -> list[ChildRow]:
    """The children of the supervisor `node_id`, in start order; none where there is no such supervisor."""
    node = tree.nodes.get(node_id)
    record = None if node is None else node.supervisor
    if record is None:
        return []
    return [
        ChildRow(name, spec.node.id, _state(record, spec), spec.node.policy.supervision is not None)
        for name, spec in record.specs.items()
    ]


def _state(record: Supervisor, spec: Spec) -> ChildState:
    task = record.task
    if spec.status is Status.RESTARTING:
        return ChildState.RESTARTING
    if task is not None and task.job is Job.RESTART and (spec in task.anew or spec is task.trial):
        return ChildState.RESTARTING
    if spec.status is Status.STARTED:  # as long as its end has not been dealt with
        return ChildState.RUNNING
    return ChildState.RUNNING if spec.node.running else ChildState.STOPPED


def count_children(tree: Tree, node_id: int) -> ChildCounts:
    """The counts of the children of the supervisor `node_id`; zero where there is no such supervisor."""
    rows = which_children(tree, node_id)
    active = sum(
        row.state is ChildState.RUNNING and row.id in tree.nodes and tree.nodes[row.id].running for row in rows
    )
    supervisors = sum(row.supervisor for row in rows)
    return ChildCounts(len(rows), active, supervisors, len(rows) - supervisors)
