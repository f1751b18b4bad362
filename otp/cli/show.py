"""A snapshot as text: one line for each node, below its parent. Nothing recurses, so any depth can be shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from otp.tree.snapshot import NodeSnapshot

__all__ = ["show"]

LIMIT: Final = 100
"""Lines; of a larger tree the rest is counted."""
_NAME_WIDTH: Final = 60
"""Columns that a deep or long name may push the states to the right."""
_ERROR_WIDTH: Final = 80
"""Characters of an error; the log has all of it."""


def show(root: NodeSnapshot, limit: int = LIMIT) -> str:
    """`root` and all below it, as lines: name, state, backend, and what is worth telling of its past."""
    shown = _branches(root)[:limit]
    width = min(_NAME_WIDTH, max(len(branch) for branch, _ in shown))
    lines = [f"{branch:<{width}}  {node.state.upper():<8}  {_details(node)}" for branch, node in shown]
    left = Counter(node.state.upper() for node in list(root.walk())[limit:])
    if left:
        counts = ", ".join(f"{count} {state}" for state, count in left.items())
        lines.append(f"... and {left.total()} more: {counts}")
    return "\n".join(lines) + "\n"


def _branches(root: NodeSnapshot) -> list[tuple[str, NodeSnapshot]]:
    """Each node with its name behind the branch it hangs on, in the order of `NodeSnapshot.walk`."""
    branches: list[tuple[str, NodeSnapshot]] = []
    left = [(root, "", "")]
    while left:
        node, branch, stem = left.pop()
        branches.append((branch + node.name, node))
        last = len(node.children) - 1
        for number, child in reversed(list(enumerate(node.children))):
            fork, below = ("└─ ", "   ") if number == last else ("├─ ", "│  ")
            left.append((child, stem + fork, stem + below))
    return branches


def _details(node: NodeSnapshot) -> str:
    details = [node.backend]
    if node.stuck:
        details.append("stuck")
    if node.restarts:
        details.append(f"incarnation {node.incarnation}")
    if node.last_error is not None:
        details.append(f"died of {_plain(node.last_error)}")
    return ", ".join(details)


def _plain(text: str) -> str:
    """`text` cut to a line's rest, without what would steer a terminal."""
    cut = text if len(text) <= _ERROR_WIDTH else f"{text[:_ERROR_WIDTH]}..."
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in cut)
