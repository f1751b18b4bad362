"""The seed's story of hostile runnables beside a good one, its example, and the story of its metrics."""

from __future__ import annotations

import contextvars
import threading
import time
from itertools import count
from queue import SimpleQueue

import otp
from otp.events import Canceled, Died, Done, Healthy, Started

from .cast import spawns_more

ROUNDS = 5
WORKING = 1.0
"""Seconds of real time for which `one` has to answer in each round."""
ANSWER = 1.0
"""Seconds within which it answers each time."""


class Answering:
    """A good runnable, that answers pings."""

    def __init__(self) -> None:
        self._pings: SimpleQueue[threading.Event | None] = SimpleQueue()

    def __call__(self) -> None:
        otp.signal(otp.Signal.HEALTHY)
        threading.Thread(target=otp.bind(self._wake_at_the_end), name="wakes one", daemon=True).start()
        while not otp.canceled():
            ping = self._pings.get()
            if ping is not None:
                ping.set()

    def assert_answers(self) -> None:
        ping = threading.Event()
        self._pings.put(ping)
        assert ping.wait(ANSWER), "one did not answer in time"

    def _wake_at_the_end(self) -> None:
        otp.wait_canceled()
        self._pings.put(None)


class Nasty:
    """Four runnables with mistakes in them, and the marks of these mistakes."""

    def __init__(self, stage) -> None:
        self.refused = stage.mark("two was refused"), stage.mark("three was refused")
        self.spawned = stage.mark("five has started one more")
        self._over = threading.Event()
        stage.at_end(self._over.set)

    def two_signals_in_a_foreign_context(self):
        try:
            contextvars.Context().run(otp.signal, otp.Signal.HEALTHY)
        except otp.NotInRunnableError:
            self.refused[0].set()
            raise

    def three_is_done_before_it_is_healthy(self):
        try:
            otp.signal(otp.Signal.DONE)
        except otp.IllegalSignalError:
            self.refused[1].set()
            raise

    def four_is_busy_and_does_not_listen(self):
        while not self._over.is_set():
            pass

    def five_spawns_more_and_more(self):
        for number in count():
            otp.run(f"r{number}", spawns_more(levels=2))
            self.spawned.set()
            if otp.wait_canceled(0.1):
                return


class TestResilience:
    def test_a_good_runnable_answers_and_restarts_beside_four_nasty_ones(self, stage):
        one, sibling, nasty = Answering(), stage.remote("oneSibling"), Nasty(stage)

        def start():
            otp.run_group({"one": one, "oneSibling": sibling})
            otp.run("two", nasty.two_signals_in_a_foreign_context)
            otp.run("three", nasty.three_is_done_before_it_is_healthy)
            otp.run("four", nasty.four_is_busy_and_does_not_listen)
            otp.run("five", nasty.five_spawns_more_and_more)

        system, diary = stage.told(start, real=True)
        for incarnation in range(1, ROUNDS + 1):
            sibling.wait_incarnation(incarnation)
            sibling.become_healthy()
            end = time.monotonic() + WORKING
            while time.monotonic() < end:
                one.assert_answers()
            sibling.panic()
            diary.wait(Canceled, "root.one", incarnation)
            diary.wait(Healthy, "root.one", incarnation + 1)
        one.assert_answers()

        for mark in (*nasty.refused, nasty.spawned):
            mark.wait()
        assert system.node("root").incarnation == 1
        assert {system.node(f"root.{name}").incarnation for name in ("four", "five")} == {1}
        assert diary.wait(Died, "root.two", 2)
        assert diary.wait(Died, "root.three", 2)


class TestExampleNew:
    def test_a_child_is_done_at_once_while_the_root_ticks_until_it_is_canceled(self, stage):
        closed, ticks = stage.mark("the child has come to its end"), stage.mark("the root ticks")

        def child():
            otp.signal(otp.Signal.HEALTHY)
            closed.set()
            otp.signal(otp.Signal.DONE)

        def root():
            otp.run("child", child)
            otp.signal(otp.Signal.HEALTHY)
            while True:
                otp.sleep(1.0)
                ticks.set()

        system = stage.system(root)
        diary = stage.diary(system)
        system.start()

        closed.wait()
        diary.wait(Done, "root.child")
        diary.wait(Healthy, "root")
        assert ticks.pending == 0
        self.advance_until_seen(ticks, stage)
        system.wait_healthy(stage.patience)
        assert system.stop().unstopped == ()

        assert [type(event) for event in diary.wait_end() if getattr(event, "dn", "") == "root"] == [
            Started,
            Healthy,
            Canceled,
        ]
        assert diary.of(Died) == []

    def advance_until_seen(self, ticks, stage):
        """While the root has not gone to sleep yet, no time passes for it."""
        for _ in range(1000):
            stage.clock.advance(1.0)
            if ticks.came(within=0.01):
                return
        ticks.wait()


class TestMetrics:
    def test_every_state_of_every_node_can_be_seen_and_is_told(self, stage):
        root, one, two, three = (stage.remote(name) for name in ("root", "one", "two", "three"))

        def start_and_obey():
            otp.run_group({"one": one, "two": two, "three": three})
            root()

        system = stage.system(start_and_obey)
        diary = stage.diary(system)
        system.start()

        def seen():
            return " ".join(f"{node.name}:{node.state.upper()}" for node in system.tree().walk())

        three.wait_incarnation(1)
        assert seen() == "root:NEW one:NEW two:NEW three:NEW"
        for each in (root, two, three):
            each.become_healthy()
        assert seen() == "root:HEALTHY one:NEW two:HEALTHY three:HEALTHY"

        one.die()
        died = diary.wait(Died, "root.one")
        diary.wait(Canceled, "root.two")
        diary.wait(Canceled, "root.three")
        two.wait_incarnation(2)
        three.wait_incarnation(2)
        assert seen() == "root:HEALTHY one:DEAD two:NEW three:NEW"

        stage.clock.advance(died.restart_in)
        one.wait_incarnation(2)
        one.become_healthy()
        assert seen() == "root:HEALTHY one:HEALTHY two:NEW three:NEW"
        one.become_done()
        diary.wait(Done, "root.one", 2)
        two.become_healthy()
        assert seen() == "root:HEALTHY one:DONE two:HEALTHY three:NEW"

        system.stop()
        story = [type(event).__name__ for event in diary.wait_end() if getattr(event, "dn", "") == "root.one"]
        assert story == ["Started", "Died", "Started", "Healthy", "Done", "Canceled"]
        story = [type(event).__name__ for event in diary.wait_end() if getattr(event, "dn", "") == "root.two"]
        assert story == ["Started", "Healthy", "Canceled", "Started", "Healthy", "Canceled"]
