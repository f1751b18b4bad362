"""What the README shows works."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

from otp import events

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def run_code() -> dict[str, object]:
    """Run all Python blocks, one after the other; the names they leave."""
    names: dict[str, object] = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", README, re.DOTALL), 1):
        exec(compile(block, f"README.md, block {number}", "exec", dont_inherit=True), names)  # noqa: S102 - our own
    return names


def test_the_set_up_commands_stand_in_it_each_on_a_line_of_its_own():
    commands = [line for line in README.splitlines() if line.startswith("pip install")]

    assert commands == [
        "pip install -e '.[observer]' && otp run examples.quickstart:root",
        "pip install -e '.[test]' && pytest",
    ]


def test_its_code_runs(capsys):
    run_code()

    shown = capsys.readouterr().out
    assert "root healthy 1 None" in shown
    assert "root.sports healthy 1 None" in shown


def test_its_alarm_tells_of_deaths_and_of_what_is_stuck(capsys):
    alarm = run_code()["alarm"]
    capsys.readouterr()
    death = events.Died(dn="root.a", incarnation=1, time=0.0, error="OSError: no", traceback=None, restart_in=None)
    stuck = events.Stuck(nodes=(events.StuckNode(dn="root.b", incarnation=1, stack="in a loop"),), time=0.0)

    alarm(SimpleNamespace(events=lambda: [death, stuck]))

    assert capsys.readouterr().out == "root.a died of OSError: no\nin a loop\n"
