"""How the children of a behaviour supervisor come into the tree, and how they leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otp.tree.decision.bookkeeping import arm, enter, remove, reprieve, start
from otp.tree.decision.messages import Forget, Removed
from otp.tree.decision.model import Node
from otp.tree.decision.otp.record import Spec, Status
from otp.tree.decision.policy import Restart

if TYPE_CHECKING:
    from otp.tree.decision.messages import Action, Birth
    from otp.tree.decision.model import Tree
    from otp.tree.decision.otp.record import Supervisor, Task

__all__ = ["adopt", "part", "try_to_start"]


def adopt(record: Supervisor, birth: Birth) -> Spec:
    """A child that has not been started yet."""
    sup = record.node
    node = Node(birth.node, birth.name, f"{sup.dn}.{birth.name}", birth.policy, sup, record.group)
    record.last_order += 1
    spec = record.specs[birth.name] = Spec(node, record.last_order)
    return spec


def try_to_start(tree: Tree, task: Task, spec: Spec, at: float, out: list[Action]) -> None:
    """Begin the next incarnation of a child that has ended, with all below it, or was never started."""
    node = spec.node
    if node.id in tree.nodes:
        gone = reprieve(tree, node)
        if gone:
            out.append(Forget(gone))
    else:
        tree.kept.pop(node.id, None)
        _enter_in_order(tree, task.record, spec)
    spec.status = Status.STARTING
    task.trial = spec
    start(tree, node, at, out)
    if node.policy.start_timeout is not None:
        arm(tree, task, at + node.policy.start_timeout, out)


def _enter_in_order(tree: Tree, record: Supervisor, spec: Spec) -> None:
    """The order of the children in the tree is that of their specs, whenever they come back."""
    sup = record.node
    last = next(reversed(sup.children), None)
    enter(tree, spec.node)
    if last is not None and record.specs[last].order > spec.order:
        sup.children = {name: each.node for name, each in record.specs.items() if name in sup.children}


def part(tree: Tree, record: Supervisor, spec: Spec, at: float, out: list[Action]) -> None:
    """A child is stopped: its spec is kept, or it is gone for good. If something of it is stuck: later."""
    node = spec.node
    spec.status = Status.STOPPED
    spec.again = None
    spec.parting = spec.parting or record.supervision.dynamic or node.policy.restart is Restart.TEMPORARY
    if node.open:
        return
    gone = remove(tree, node)
    if spec.parting:
        del record.specs[node.name]
        out.append(Removed(node.dn, node.incarnation, at))
        gone = (*gone, node.id)
    else:
        tree.kept[node.id] = node
    if gone:
        out.append(Forget(gone))
