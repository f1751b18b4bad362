"""What a helper leaves to the loop's own thread: to sleep for as long as it may, and to make threads."""

from __future__ import annotations

import threading
import time

import pytest

from otp.testing.clock import VirtualClock
from otp.tree.clock import SystemClock

from .helping import PATIENCE, Scene, Starter


@pytest.fixture
def scene(clock):
    scene = Scene(clock)
    yield scene
    scene.close()


@pytest.fixture
def real():
    """The same on the time of the machine."""
    scene = Scene(SystemClock())
    yield scene
    scene.close()


# --- what the loop sleeps for


def test_an_alarm_that_a_helper_sets_rings_in_time(scene, clock):
    rang = threading.Event()

    def ring():
        scene.loop.alarm = None
        rang.set()

    scene.loop.on_alarm = ring
    scene.start()
    scene.help(lambda: setattr(scene.loop, "alarm", clock.monotonic() + 10))
    clock.advance(9)
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"
    assert not rang.is_set()
    clock.advance(1)

    assert rang.wait(PATIENCE)


@pytest.mark.parametrize("before", [None, 1000.0])
@pytest.mark.parametrize("alarm", ["alarm", "wave"])
def test_a_loop_that_sleeps_without_end_or_for_long_is_woken_to_sleep_for_less(real, alarm, before):
    rang = threading.Event()

    def ring():
        setattr(real.loop, alarm, None)
        rang.set()

    setattr(real.loop, f"on_{alarm}", ring)
    setattr(real.loop, alarm, None if before is None else time.monotonic() + before)
    real.start()
    real.help(lambda: setattr(real.loop, alarm, time.monotonic() + 0.01))

    assert rang.wait(PATIENCE)


@pytest.mark.parametrize("alarm", ["alarm", "wave"])
def test_the_loop_is_not_woken_for_what_is_later_or_is_not_any_more(real, alarm):
    setattr(real.loop, alarm, time.monotonic() + 1000)
    real.start()
    real.help(lambda: setattr(real.loop, alarm, time.monotonic() + 2000))
    real.help(lambda: setattr(real.loop, alarm, None))

    assert real.loop._bell.locked()
    assert real.bell.wakes == 0


def test_two_who_ring_at_once_wake_it_once(scene):
    """Each has seen that it sleeps before the other one rings."""

    class Rung:
        def __init__(self, bell):
            self._bell = bell

        def locked(self):
            self._bell.release()
            return True

        def __getattr__(self, name):
            return getattr(self._bell, name)

    scene.start()
    bell = scene.loop._bell
    scene.loop._bell = Rung(bell)
    scene.doer.tell("told")
    scene.loop._bell = bell

    assert scene.doer.ask("question", timeout=PATIENCE) == "question"
    assert scene.handled == ["told", "question"]


def test_whoever_waits_for_idleness_is_told_after_the_last_message_although_a_helper_had_it(scene):
    done, looks, idle = threading.Event(), [], threading.Event()

    def look():
        looks.append(threading.current_thread().name)
        if done.is_set():
            scene.loop.on_idle = None
            idle.set()

    scene.start()
    scene.doer.tell(lambda: setattr(scene.loop, "on_idle", look))
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"
    scene.bell.until_asleep()
    assert not idle.is_set()
    scene.help(done.set)

    assert idle.wait(PATIENCE)
    assert set(looks) == {"the loop"}


# --- what only the loop's own thread can do


def test_what_is_handed_back_is_handled_by_the_loop_and_what_follows_after_it(scene):
    starter = Starter.start(scene.loop, scene.log)
    scene.start()

    def tells():
        scene.doer.tell("before")
        starter.tell("start")
        starter.tell("cancel")

    scene.help(tells)
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"

    assert scene.log == [
        ("before", "helper"),
        ("start", "the loop"),
        ("cancel", "the loop"),
        ("question", "the loop"),
    ]


def test_the_loop_s_own_thread_hands_nothing_back(scene):
    starter = Starter.start(scene.loop, scene.log)
    scene.start()
    assert starter.ask("start", timeout=PATIENCE) is None

    assert scene.log == [("start", "the loop")]


def test_another_helper_does_not_get_ahead_of_what_was_handed_back(scene):
    starter = Starter.start(scene.loop, scene.log)
    scene.help("start", starter)
    scene.help("end")
    assert scene.log == []
    scene.loop.start()
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"

    assert scene.log == [("start", "the loop"), ("end", "the loop"), ("question", "the loop")]


def test_helpers_help_again_once_the_loop_has_done_what_was_handed_back(scene):
    starter = Starter.start(scene.loop, scene.log)
    scene.start()
    scene.help("start", starter)
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"
    scene.bell.until_asleep()
    scene.help("end")

    assert scene.log[-1] == ("end", "helper")


def test_a_close_behind_what_was_handed_back_loses_nothing(scene):
    starter = Starter.start(scene.loop, scene.log)

    def tells():
        starter.tell("start")
        scene.doer.tell(scene.loop.close)
        starter.tell("cancel")

    scene.help(tells)
    scene.doer.tell("outside")
    scene.loop.start()
    scene.loop.join(PATIENCE)

    assert scene.log == [("start", "the loop"), ("cancel", "the loop"), ("outside", "refused")]


def test_an_alarm_that_comes_between_does_not_get_ahead_of_what_was_handed_back(scene, clock):
    """The alarm itself is rung first; what it tells is handled after what was told before."""
    starter = Starter.start(scene.loop, scene.log)

    def ring():
        scene.loop.alarm = None
        starter.tell("cancel")

    scene.loop.on_alarm = ring
    scene.loop.alarm = clock.monotonic()
    scene.help("start", starter)
    scene.loop.start()
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"

    assert scene.handled == ["start", "cancel", "question"]


def test_two_loops_are_helped_one_by_the_other_s_runnables_without_mixing(scene):
    other = Scene(VirtualClock())
    other.start()
    scene.start()
    scene.help(lambda: other.doer.tell_and_help(lambda: scene.doer.tell("back")))
    other.close()

    assert scene.log == [("back", "helper")]
