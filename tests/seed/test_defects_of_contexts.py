"""Defects of the seed around names, contexts and what is global: who may say what, and from where."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading

import pytest

import otp
from otp.events import Died, Healthy

from .cast import becomes_healthy
from .stage import run_python

BAD_NAMES = ["", "a.b", "a b", "a\n", "ä", "a/b", "x" * 65, ".", "root.a"]
GOOD_NAMES = ["oneSibling", "csi-node", "a_1", "9", "-", "x" * 64]


@pytest.mark.defect("B1")
@pytest.mark.parametrize("bad", BAD_NAMES, ids=repr)
def test_a_bad_name_is_refused_where_it_is_written_and_harms_nobody(stage, bad):
    refused = stage.mark("refused")

    def start():
        with pytest.raises(otp.InvalidNameError):
            otp.run(bad, becomes_healthy())
        with pytest.raises(otp.InvalidNameError):
            otp.run_group({"good": becomes_healthy(), bad: becomes_healthy()})
        refused.set()
        otp.run("after", becomes_healthy())

    system = stage.start(start)

    refused.wait()
    system.wait_healthy(stage.patience)
    assert [node.dn for node in system.tree().walk()] == ["root", "root.after"]


@pytest.mark.defect("B1")
def test_names_that_the_seed_lets_pass_by_chance_are_good_names(stage):
    system = stage.start(lambda: otp.run_group({name: becomes_healthy() for name in GOOD_NAMES}))

    system.wait_healthy(stage.patience)
    assert [node.name for node in system.tree().children] == GOOD_NAMES


class Outliving:
    """A runnable, each incarnation of which leaves behind a thread in its context that does what it is told."""

    def __init__(self, stage) -> None:
        self._patience = stage.patience
        self.remote = stage.remote("a")
        self.old: list[contextvars.Context] = []

    def __call__(self) -> None:
        self.old.append(contextvars.copy_context())
        self.remote()

    def says(self, incarnation: int, function, *args):
        """What comes of calling `function` in a thread that carries the context of that incarnation."""
        outcome = []

        def call():
            try:
                outcome.append(self.old[incarnation - 1].copy().run(function, *args))
            except otp.OtpError as error:
                outcome.append(error)

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        thread.join(self._patience)
        assert outcome, f"{function.__name__} has not come back"
        return outcome[0]


def reborn(stage):
    """A system whose `root.a` is in its second incarnation, and `root.a` itself."""
    a = Outliving(stage)
    system, diary = stage.told(lambda: otp.run("a", a))
    a.remote.die()
    stage.clock.advance(diary.wait(Died, "root.a").restart_in)
    a.remote.wait_incarnation(2)
    return system, a, diary


@pytest.mark.defect("B2")
def test_a_signal_of_an_earlier_incarnation_is_refused_and_has_no_effect(stage):
    system, a, diary = reborn(stage)

    assert isinstance(a.says(1, otp.signal, otp.Signal.HEALTHY), otp.StaleIncarnationError)
    assert system.node("root.a").state is otp.NodeState.NEW

    a.remote.become_healthy()
    diary.wait(Healthy, "root.a", 2)
    assert isinstance(a.says(1, otp.signal, otp.Signal.DONE), otp.StaleIncarnationError)
    a.remote.leave()
    assert diary.wait(Died, "root.a", 2).error == "returned without having signaled DONE"


@pytest.mark.defect("B2")
def test_an_earlier_incarnation_starts_no_children(stage):
    system, a, _ = reborn(stage)

    assert isinstance(a.says(1, otp.run, "b", becomes_healthy()), otp.StaleIncarnationError)
    assert system.node("root.a").children == ()
    assert isinstance(a.says(2, otp.run, "b", becomes_healthy()), otp.Ref)
    assert [node.dn for node in system.node("root.a").children] == ["root.a.b"]


@pytest.mark.defect("B2")
def test_an_earlier_incarnation_stays_canceled(stage):
    _, a, _ = reborn(stage)

    assert a.says(1, otp.canceled) is True
    assert a.says(2, otp.canceled) is False


@pytest.mark.defect("B3")
def test_after_any_failed_call_every_other_call_works(stage):
    system, a, _ = reborn(stage)
    failures = [
        a.says(1, otp.signal, otp.Signal.HEALTHY),
        a.says(1, otp.run, "b", becomes_healthy()),
        a.says(2, otp.signal, otp.Signal.DONE),
        a.says(2, otp.run, "b.c", becomes_healthy()),
    ]
    assert all(isinstance(failure, otp.OtpError) for failure in failures)

    a.says(2, otp.run, "b", becomes_healthy())
    assert isinstance(a.says(2, otp.run, "b", becomes_healthy()), otp.DuplicateNameError)
    a.remote.become_healthy()
    assert isinstance(a.says(2, otp.run, "c", becomes_healthy()), otp.NotNewError)
    assert isinstance(a.says(2, otp.signal, otp.Signal.HEALTHY), otp.IllegalSignalError)

    system.wait_healthy(stage.patience)
    assert [node.dn for node in system.tree().walk()] == ["root", "root.a", "root.a.b"]


@pytest.mark.defect("B3")
def test_a_context_whose_node_is_no_more_blocks_nobody(stage):
    parent, child = stage.remote("parent"), Outliving(stage)
    generations = iter(["with a child", "without one"])

    def start_a_child_once_and_obey():
        if next(generations) == "with a child":
            otp.run("child", child)
        parent()

    system, diary = stage.told(lambda: otp.run("parent", start_a_child_once_and_obey))
    child.remote.wait_incarnation(1)
    parent.die()
    stage.clock.advance(diary.wait(Died, "root.parent").restart_in)
    parent.wait_incarnation(2)

    with pytest.raises(otp.NoSuchNodeError):
        system.node("root.parent.child")
    for _ in range(3):
        assert isinstance(child.says(1, otp.signal, otp.Signal.HEALTHY), otp.StaleIncarnationError)
    parent.become_healthy()
    system.wait_healthy(stage.patience)


caller = contextvars.ContextVar("caller")


@pytest.mark.defect("B20")
def test_the_context_of_the_caller_stays_outside_and_arguments_come_in(stage):
    """The same on every backend, so that a restart finds what the start has found."""
    seen = stage.mark("seen")
    what = {}

    def look(argument):
        what[otp.current().name] = (argument, caller.get("nothing"))
        seen.set()

    async def look_on_the_loop(argument):
        look(argument)
        await asyncio.get_running_loop().create_future()

    def look_and_stay(argument):
        look(argument)
        otp.wait_canceled()

    def root(argument):
        look(argument)
        caller.set("the root")
        otp.run("thread", look_and_stay, argument)
        otp.run("coroutine", look_on_the_loop, argument)
        otp.wait_canceled()

    token = caller.set("whoever makes the system")
    try:
        stage.start_root(root, "an argument")
    finally:
        caller.reset(token)

    for _ in range(3):
        seen.wait()
    assert what == dict.fromkeys(("root", "thread", "coroutine"), ("an argument", "nothing"))


@pytest.mark.defect("B20")
def test_a_deadline_of_the_caller_is_an_argument_of_what_waits(stage):
    system = stage.start_root(stage.remote("root"))

    with pytest.raises(TimeoutError, match="root is NEW"):
        system.wait_healthy(timeout=0.01)
    with pytest.raises(TimeoutError):
        system.join(timeout=0.01)


IMPORT = """
import json, logging, os, signal, sys, threading, warnings
from loguru import logger

def world():
    return {
        "argv": sys.argv,
        "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "handlers": [str(handler) for handler in logging.getLogger().handlers],
        "sinks": sorted(logger._core.handlers),
        "filters": len(warnings.filters),
        "hooks": [str(sys.excepthook), str(threading.excepthook), str(sys.unraisablehook)],
        "threads": [thread.name for thread in threading.enumerate()],
        "environment": dict(os.environ),
    }

before = world()
import otp
print(json.dumps([before, world()]))
"""


@pytest.mark.defect("B23")
def test_importing_the_library_changes_nothing_that_is_global():
    before, after = json.loads(run_python(IMPORT, "-catch_panic", "--whatever"))

    assert before["argv"] == ["-c", "-catch_panic", "--whatever"]
    assert after == before
