"""A tree as text."""

from __future__ import annotations

from otp.cli.show import show
from otp.tree.decision.model import NodeState
from otp.tree.snapshot import Row, snapshot


def row(dn: str, parent: int, state: NodeState = NodeState.HEALTHY, **fields) -> Row:
    values = {
        "incarnation": 1,
        "since": 0.0,
        "last_error": None,
        "restart_at": None,
        "backend": "thread",
        "stuck": False,
    }
    return Row(dn, parent, state, **(values | fields))


def tree(*rows: Row):
    return snapshot(list(rows), 0.0)["root"]


def test_each_node_stands_on_a_line_below_its_parent_in_start_order():
    root = tree(
        row("root", -1),
        row("root.a", 0),
        row("root.a.b", 1, NodeState.DONE, backend="coroutine"),
        row("root.a.c", 1, NodeState.NEW),
        row("root.d", 0, NodeState.CANCELED),
    )

    assert show(root).splitlines() == [
        "root     HEALTHY   thread",
        "├─ a     HEALTHY   thread",
        "│  ├─ b  DONE      coroutine",
        "│  └─ c  NEW       thread",
        "└─ d     CANCELED  thread",
    ]


def test_what_is_worth_telling_of_a_nodes_past_stands_behind_it():
    root = tree(
        row("root", -1, incarnation=3, last_error="OSError: gone"),
        row("root.a", 0, NodeState.DEAD, last_error="ValueError: no"),
        row("root.b", 0, stuck=True),
    )

    assert show(root).splitlines() == [
        "root  HEALTHY   thread, incarnation 3, died of OSError: gone",
        "├─ a  DEAD      thread, died of ValueError: no",
        "└─ b  HEALTHY   thread, stuck",
    ]


def test_an_error_steers_no_terminal_and_fills_no_screen():
    (line,) = show(tree(row("root", -1, last_error="\x1b[2J\r" + "x" * 1000))).splitlines()

    assert r"died of \x1b[2J\rxxx" in line
    assert line.endswith("xxx...")
    assert len(line) < 130


def test_a_tree_a_thousand_deep_can_be_shown():
    dn, rows = "root", [row("root", -1)]
    for depth in range(1, 1001):
        dn += ".c"
        rows.append(row(dn, depth - 1))

    lines = show(tree(*rows), limit=2000).splitlines()

    assert len(lines) == 1001
    assert lines[-1].endswith("└─ c  HEALTHY   thread")
    assert lines[1] == f"└─ c{' ' * 58}HEALTHY   thread"


def test_of_a_large_tree_the_rest_is_counted():
    rows = [row("root", -1), *(row(f"root.c{n}", 0) for n in range(9)), row("root.z", 0, NodeState.DEAD)]

    lines = show(tree(*rows), limit=5).splitlines()

    assert lines[4].startswith("├─ c3")
    assert lines[5:] == ["... and 6 more: 5 HEALTHY, 1 DEAD"]
