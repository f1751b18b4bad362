"""The seed's first stories: starting, one failure, and what it takes along."""

from __future__ import annotations

import time
from functools import partial

import otp
from otp.events import Canceled, Died, Done, Healthy, Started

from .cast import Census, becomes_healthy, spawns_more

BOUND = 0.1
"""Seconds of real time that the seed allows from a failure to the cancel of a sibling, and from there to its restart."""
LEVELS = 5


class TestSimple:
    def test_both_members_of_a_group_become_healthy_and_the_root_is_done(self, stage):
        one, two = stage.mark("one is healthy"), stage.mark("two is healthy")
        system, diary = stage.told(lambda: otp.run_group({"one": becomes_healthy(one), "two": becomes_healthy(two)}))

        one.wait()
        two.wait()
        diary.wait(Done, "root")
        system.wait_healthy(stage.patience)

        tree = system.tree()
        assert [(node.dn, node.state) for node in tree.walk()] == [
            ("root", otp.NodeState.DONE),
            ("root.one", otp.NodeState.HEALTHY),
            ("root.two", otp.NodeState.HEALTHY),
        ]

    def test_on_the_real_clock_it_takes_no_tenth_of_a_second(self, stage):
        one, two = stage.mark("one is healthy"), stage.mark("two is healthy")
        begin = time.monotonic()
        stage.start(lambda: otp.run_group({"one": becomes_healthy(one), "two": becomes_healthy(two)}), real=True)

        assert one.wait() - begin <= BOUND
        assert two.wait() - begin <= BOUND


class Failure:
    """`two` fails in some way; its sibling `one` is canceled and starts again, although `two` waits for its backoff."""

    def one(self, healthy, ended):
        return becomes_healthy(healthy, ended)

    def fail(self, two):
        two.die()

    def played(self, stage, *, real):
        self.healthy, self.ended = stage.mark("one is healthy"), stage.mark("one has ended as asked")
        self.two = stage.remote("two")
        system, diary = stage.told(
            lambda: otp.run_group({"one": self.one(self.healthy, self.ended), "two": self.two}), real=real
        )
        self.two.become_healthy()
        self.healthy.wait()
        system.wait_healthy(stage.patience)
        return system, diary

    def test_its_sibling_is_canceled_and_restarts_while_it_waits_for_its_backoff(self, stage):
        system, diary = self.played(stage, real=False)

        self.fail(self.two)
        self.ended.wait()
        self.healthy.wait()
        diary.wait(Healthy, "root.one", 2)

        died = diary.wait(Died, "root.two")
        assert 0.25 <= died.restart_in <= 0.75
        assert system.node("root.one").state is otp.NodeState.HEALTHY
        assert system.node("root.two").state is otp.NodeState.DEAD
        stage.clock.advance(died.restart_in)
        self.two.wait_incarnation(2)
        self.two.become_healthy()
        system.wait_healthy(stage.patience)
        assert system.node("root.one").incarnation == 2
        assert system.node("root").incarnation == 1

    def test_on_the_real_clock_each_step_takes_no_tenth_of_a_second(self, stage):
        _, diary = self.played(stage, real=True)

        failure = time.monotonic()
        self.fail(self.two)
        canceled = self.ended.wait()
        again = self.healthy.wait()

        assert canceled - failure <= BOUND
        assert again - canceled <= BOUND
        assert diary.wait(Started, "root.one", 2).time >= diary.wait(Canceled, "root.one").time


class TestSimpleFailure(Failure):
    pass


class TestPanic(Failure):
    def fail(self, two):
        two.panic()


class TestDeepFailure(Failure):
    def one(self, healthy, ended):
        return spawns_more(healthy, ended, LEVELS)

    def test_its_whole_subtree_is_canceled_and_comes_back(self, stage):
        system, diary = self.played(stage, real=False)
        below = {node.dn for node in system.node("root.one").walk()} - {"root.one"}
        assert len(below) == 2 ** (LEVELS + 1) - 2

        self.fail(self.two)
        diary.wait(Started, "root.one", 2)
        again = diary.of(Started, "root.one")[1]
        before = diary.events[: diary.events.index(again)]
        assert {event.dn for event in before if isinstance(event, Canceled)} == {"root.one", *below}

        stage.clock.advance(diary.wait(Died, "root.two").restart_in)
        self.two.become_healthy()
        system.wait_healthy(stage.patience)
        assert {node.dn for node in system.node("root.one").walk()} - {"root.one"} == below


class TestMultipleLevelFailure:
    def test_both_trees_come_back_after_a_failure_within_a_failure(self, stage):
        census = Census()
        inner = {name: stage.remote(f"root.{name}.inner") for name in ("one", "two")}
        top = {name: stage.remote(f"root.{name}") for name in ("one", "two")}

        def tree(name):
            with census.counted():
                otp.run_group({"inner": inner[name], "beside": spawns_more(levels=1, census=census)})
                otp.run("a", spawns_more(levels=LEVELS - 1, census=census))
                top[name]()

        system, diary = stage.told(
            lambda: otp.run_group({"one": partial(tree, "one"), "two": otp.Child(tree, "two")}),
        )
        everybody = [inner["one"], inner["two"], top["one"], top["two"]]
        for each in everybody:
            each.become_healthy()
        system.wait_healthy(stage.patience)
        dns = [node.dn for node in system.tree().walk()]
        assert len(dns) == 1 + 2 * (1 + 1 + 3 + 2**LEVELS - 1)

        inner["one"].die()
        diary.wait(Started, "root.one.beside", 2)
        top["one"].panic()
        top["two"].wait_incarnation(2)
        stage.clock.advance(diary.wait(Died, "root.one").restart_in)
        top["one"].wait_incarnation(2)
        for each in everybody:
            each.become_healthy()
        system.wait_healthy(stage.patience)

        assert [node.dn for node in system.tree().walk()] == dns
        again = {node.dn: node.incarnation for node in system.tree().walk() if node.dn.count(".") <= 1}
        assert again == {"root": 1, "root.one": 2, "root.two": 2}
        assert all(census.starts[dn] >= 2 for dn in dns if dn != "root" and not dn.endswith(".inner"))
        census.assert_one_each()
