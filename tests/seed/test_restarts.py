"""The seed's stories of restarts: backoff, a parent that fails while its child waits, and nodes that are done."""

from __future__ import annotations

import time

import pytest

import otp
from otp.events import Canceled, Died, Done, Healthy, Started

from .cast import Census, Remote, becomes_healthy

INITIAL, GROWTH, JITTER = 0.5, 1.5, 0.5
DEATHS = 4


class TestBackoff:
    def test_each_death_in_a_row_waits_longer_and_becoming_healthy_starts_over(self, stage):
        one = stage.remote("one")
        system, diary = stage.told(lambda: otp.run("one", one), backoff=otp.Backoff(jitter=0))
        one.become_healthy()

        waits = [self.wait_out(stage, system, diary, one) for _ in range(DEATHS + 1)]
        assert waits == pytest.approx([INITIAL * GROWTH**n for n in range(DEATHS + 1)])

        one.become_healthy()
        assert self.wait_out(stage, system, diary, one) == pytest.approx(INITIAL)

    def test_the_jitter_stays_within_half_of_the_wait(self, stage):
        one = stage.remote("one")
        system, diary = stage.told(lambda: otp.run("one", one))

        for n in range(12):
            wait = self.wait_out(stage, system, diary, one)
            assert INITIAL * GROWTH**n * (1 - JITTER) <= wait <= INITIAL * GROWTH**n * (1 + JITTER)

    def test_on_the_real_clock_the_fifth_wait_is_over_a_second_and_the_next_after_healthy_is_not(self, stage):
        one = stage.remote("one")
        stage.start(lambda: otp.run("one", one), real=True)
        one.become_healthy()
        for incarnation in range(1, DEATHS + 1):
            one.die()
            one.wait_incarnation(incarnation + 1)

        assert self.time_until_healthy(one) >= 1.0
        assert INITIAL * (1 - JITTER) <= self.time_until_healthy(one) <= 1.0

    def wait_out(self, stage, system, diary, one: Remote) -> float:
        """One death and the wait after it, in seconds of the clock that only this test moves."""
        number = one.incarnation or 1
        one.wait_incarnation(number)
        one.die()
        died = diary.wait(Died, "root.one", number)
        before = stage.clock.time()
        stage.clock.advance(died.restart_in * (1 - 1e-6))
        assert system.node("root.one").state is otp.NodeState.DEAD, "started before its backoff was over"
        stage.clock.advance(died.restart_in * 2e-6)
        one.wait_incarnation(number + 1)
        assert stage.clock.time() - before == pytest.approx(died.restart_in, rel=1e-5)
        return died.restart_in

    def time_until_healthy(self, one: Remote) -> float:
        begin = time.monotonic()
        one.die()
        one.become_healthy()
        return time.monotonic() - begin


class TestCancelRestart:
    @pytest.mark.defect("B6")
    def test_a_parent_that_fails_does_not_wait_for_the_backoff_of_its_child(self, stage):
        outer, inner = stage.remote("outer"), stage.remote("inner")
        system, diary = self.played(stage, outer, inner, backoff=otp.Backoff(jitter=0))

        inner.die()
        wait = diary.wait(Died, "root.outer.inner").restart_in
        assert wait == 100.0
        stage.clock.advance(0.01)
        outer.die()
        died = diary.wait(Died, "root.outer")
        stage.clock.advance(died.restart_in)
        outer.wait_incarnation(2)

        assert diary.wait_nth(Started, "root.outer.inner", 2).incarnation == 1
        stage.clock.advance(wait)
        system.wait_settled(stage.patience)
        system.stop()
        diary.wait_end()
        assert len(diary.of(Started, "root.outer.inner")) == 2, "the forgotten backoff has started it once more"

    def test_on_the_real_clock_it_is_back_within_a_second(self, stage):
        outer, inner = stage.remote("outer"), stage.remote("inner")
        self.played(stage, outer, inner, real=True)

        inner.die()
        begin = time.monotonic()
        outer.die()
        outer.wait_incarnation(2)
        assert time.monotonic() - begin <= 1.0

    def played(self, stage, outer, inner, **options):
        def start_inner_and_obey():
            otp.run("inner", inner, backoff=otp.Backoff(initial=100.0, maximum=100.0, jitter=0))
            outer()

        system, diary = stage.told(lambda: otp.run("outer", start_inner_and_obey), **options)
        outer.become_healthy()
        inner.become_healthy()
        return system, diary


class TestDoneDelay:
    @pytest.mark.defect("B4")
    def test_a_node_that_has_signaled_done_holds_its_parent_until_it_returns(self, stage):
        census, gate = Census(), stage.gate()
        outer, lingers, began = stage.remote("outer"), stage.mark("inner has signaled DONE"), stage.mark("inner began")

        def inner():
            with census.counted():
                began.set()
                otp.signal(otp.Signal.HEALTHY)
                otp.signal(otp.Signal.DONE)
                lingers.set()
                gate.wait()

        def start_inner_and_obey():
            otp.run("inner", inner)
            outer()

        system, diary = stage.told(lambda: otp.run("outer", start_inner_and_obey))
        outer.become_healthy()
        lingers.wait()
        began.wait()
        assert system.node("root.outer.inner").state is otp.NodeState.HEALTHY, "DONE before it has returned"

        outer.die()
        stage.clock.advance(diary.wait(Died, "root.outer").restart_in)
        assert system.node("root.outer").state is otp.NodeState.DEAD, "restarted over a child that still ran"
        assert began.pending == 0

        gate.set()
        outer.wait_incarnation(2)
        began.wait()
        lingers.wait()
        assert diary.wait(Canceled, "root.outer.inner")
        census.assert_one_each()


class TestCancelDoneSibling:
    @pytest.mark.defect("B5")
    def test_a_member_that_was_done_starts_again_with_its_group(self, stage):
        done, child, failing = stage.remote("done"), stage.mark("the child of done"), stage.remote("failing")
        ended = stage.mark("the child of done has ended")

        def start_child_and_obey():
            otp.run("child", becomes_healthy(child, ended))
            done()

        system, diary = stage.told(lambda: otp.run_group({"done": start_child_and_obey, "failing": failing}))
        child.wait()
        failing.become_healthy()
        done.become_healthy()
        done.become_done()
        diary.wait(Done, "root.done")
        assert ended.pending == 0, "the children of a node that is done run on"

        failing.die()
        ended.wait()
        diary.wait(Canceled, "root.done")
        done.wait_incarnation(2)
        child.wait()
        done.become_healthy()
        done.become_done()
        diary.wait(Done, "root.done", 2)
        stage.clock.advance(diary.wait(Died, "root.failing").restart_in)
        failing.become_healthy()
        system.wait_healthy(stage.patience)

        system.stop()
        diary.wait_end()
        assert [event.incarnation for event in diary.of(Started, "root.done")] == [1, 2]
        assert len(diary.of(Started, "root.done.child")) == 2
        assert [event.incarnation for event in diary.of(Healthy, "root.failing")] == [1, 2]
