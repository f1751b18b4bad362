"""A thread whose runnable has ended does the loop's work, as long as nobody else does and for a limited time."""

from __future__ import annotations

import threading

import pykka
import pytest

from otp.tree import loop as loops

from .helping import PATIENCE, Doer, Scene, Turn, elsewhere


@pytest.fixture
def scene(clock):
    scene = Scene(clock)
    yield scene
    scene.close()


# --- who does the work


def test_what_is_told_while_the_loop_sleeps_is_handled_by_who_tells_it(scene):
    scene.start()
    scene.help("end")

    assert scene.log == [("end", "helper")]
    assert scene.bell.wakes == 0


def test_what_comes_of_it_is_handled_by_the_helper_too(scene):
    other = Doer.start(scene.loop, scene.log)
    scene.start()
    scene.help(lambda: other.tell("what comes of it"))

    assert scene.log == [("what comes of it", "helper")]


def test_what_the_helper_has_told_before_is_handled_before(scene):
    for number in range(3):
        scene.doer.tell(number)
    scene.help("end")

    assert scene.log == [(0, "helper"), (1, "helper"), (2, "helper"), ("end", "helper")]


def test_who_comes_while_the_loop_works_leaves_a_message_and_goes_on(scene):
    busy, gate = threading.Event(), threading.Event()
    scene.start()
    scene.doer.tell(lambda: (busy.set(), gate.wait(PATIENCE)))
    assert busy.wait(PATIENCE)
    scene.help("end")
    assert scene.log == []
    gate.set()

    assert scene.doer.ask("question", timeout=PATIENCE) == "question"
    assert scene.log == [("end", "the loop"), ("question", "the loop")]


def test_who_comes_while_another_one_helps_leaves_a_message_to_it(scene):
    scene.start()
    scene.help(lambda: elsewhere(scene.doer.tell_and_help, "end", name="another helper"))

    assert scene.log == [("end", "helper")]


def test_who_helps_already_tells_as_anybody_does(scene):
    scene.start()

    def tells():
        scene.doer.tell_and_help("later")
        scene.doer.tell("last")
        scene.log.append(("told", threading.current_thread().name))

    scene.help(tells)

    assert scene.log == [("told", "helper"), ("later", "helper"), ("last", "helper")]


def test_nobody_helps_while_many_messages_are_coming(scene):
    scene.start()
    scene.loop.crowded = True
    scene.help("end")
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"

    assert scene.log == [("end", "the loop"), ("question", "the loop")]


def test_who_has_the_turn_is_inside_and_nobody_else_is(scene):
    seen = []
    scene.start()

    def look():
        seen.append((scene.loop.inside, scene.loop.helped))
        elsewhere(lambda: seen.append(scene.loop.inside))

    scene.help(look)
    scene.doer.ask(look, timeout=PATIENCE)

    assert seen == [(True, True), False, (True, False), False]
    assert not scene.loop.inside


def test_reports_and_garbage_are_handed_over_by_the_helper(scene):
    handed = []
    scene.loop.on_reports = lambda reports, garbage: handed.append((reports, garbage, threading.current_thread().name))
    scene.start()
    scene.help(lambda: (scene.loop.report("report"), scene.loop.release("thing")))
    assert handed == [(["report"], ["thing"], "helper")]
    assert scene.garbage == []
    scene.help(lambda: scene.loop.release("another thing"))

    assert len(handed) == 1
    assert scene.garbage == [["another thing"]]


def test_reports_that_nobody_wants_are_dropped(scene):
    scene.help(lambda: scene.loop.report("report"))
    scene.help("end")

    assert scene.faults == []
    assert scene.log == [("end", "helper")]


# --- how it ends


def test_a_helper_stops_after_so_many_messages_and_the_loop_goes_on(scene):
    scene.start()

    def tells_many():
        for number in range(loops._HELP + 50):
            scene.doer.tell(number)

    scene.help(tells_many)
    assert scene.doer.ask("question", timeout=PATIENCE) == "question"

    assert scene.handled == [*range(loops._HELP + 50), "question"]
    assert scene.threads == ["helper"] * (loops._HELP - 1) + ["the loop"] * 52


def test_a_helper_leaves_the_turn_to_others(scene):
    scene.start()
    scene.help("end")

    assert not scene.loop._turn.locked()
    assert not scene.loop.inside
    scene.help("next end")
    assert scene.threads == ["helper", "helper"]


def test_a_message_that_comes_when_the_helper_has_looked_for_the_last_time_is_handled(scene):
    """Whoever tells it does not ring, for the turn is still taken."""
    came = threading.Event()
    scene.start()
    scene.loop._turn = Turn(scene.loop._turn, before=lambda: elsewhere(scene.doer.tell, came.set))
    scene.help("end")

    assert came.wait(PATIENCE)


def test_a_message_that_comes_while_the_loop_looks_for_the_last_time_is_handled(scene):
    came = threading.Event()
    scene.start()
    scene.loop._turn = Turn(scene.loop._turn, before=lambda: elsewhere(scene.doer.tell, came.set))
    scene.doer.tell("question")

    assert came.wait(PATIENCE)


def test_the_turn_is_given_back_even_where_a_fault_cannot_be_reported(scene):
    """A hook of the user's may raise, and anybody may raise something in a thread of the user's."""

    def raises():
        raise ValueError

    scene.loop.on_fault = lambda _error: raises()
    scene.start()
    with pytest.raises(ValueError, match=r"^$"):
        scene.doer.tell_and_help(raises)
    scene.loop.on_fault = scene.faults.append
    try:
        assert scene.doer.ask("still here", timeout=1) == "still here"
    finally:
        scene.loop._holder = None
        if scene.loop._turn.locked():
            scene.loop._turn.release()


def test_what_a_helper_leaves_when_something_is_raised_in_it_is_not_left_for_ever(scene):
    came = threading.Event()

    def raises():
        scene.doer.tell(came.set)
        raise ValueError

    def cannot_be_reported(_error):
        raise RuntimeError

    scene.loop.on_fault = cannot_be_reported
    scene.start()
    with pytest.raises(RuntimeError):
        scene.doer.tell_and_help(raises)

    assert came.wait(1)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_fault_while_helping_is_reported_and_the_turn_is_given_back(scene, error):
    def raises():
        raise error

    scene.start()
    scene.help(raises)

    assert [type(fault) for fault in scene.faults] == [error]
    assert scene.doer.ask("still here", timeout=PATIENCE) == "still here"
    scene.help("end")
    assert scene.log == [("still here", "the loop"), ("end", "helper")]


def test_a_helper_that_closes_the_loop_ends_its_thread(scene):
    closed_in = []
    scene.loop.on_close = lambda: closed_in.append(threading.current_thread().name)
    scene.start()
    scene.doer.tell("before")
    scene.help(scene.loop.close)
    scene.loop.join(PATIENCE)

    assert not scene.loop._thread.is_alive()
    assert closed_in == ["the loop"]


def test_a_helper_that_closes_the_loop_leaves_nothing_told_inside_undone(scene):
    scene.start()

    def closes():
        for number in range(2 * loops._HELP):
            scene.doer.tell(number)
        scene.loop.close()

    scene.help(closes)
    scene.loop.join(PATIENCE)

    assert scene.handled == list(range(2 * loops._HELP))
    assert "refused" not in scene.threads


def test_a_helper_that_closes_the_loop_between_two_turns_of_its_thread_leaves_nothing_undone(scene):
    """The thread of the loop is about to look whether it is to go on when the helper comes and goes."""

    def closes():
        for number in range(2 * loops._HELP):
            scene.doer.tell(number)
        scene.loop.close()

    scene.start()
    scene.loop._turn = Turn(scene.loop._turn, after=lambda: scene.help(closes))
    scene.doer.tell("wake up")
    scene.loop.join(PATIENCE)

    assert scene.handled == ["wake up", *range(2 * loops._HELP)]


def test_who_comes_after_the_end_is_refused(scene):
    scene.start()
    scene.help(scene.loop.close)
    scene.loop.join(PATIENCE)
    scene.help("late")

    assert scene.log == [("late", "refused")]
    assert scene.loop.backlog == 0


def test_a_question_that_waits_when_a_helper_closes_the_loop_is_answered(scene):
    scene.start()
    answers = []

    def closes():
        elsewhere(lambda: answers.append(scene.doer.ask("late", block=False)), name="asker")
        scene.loop.close()

    scene.help(closes)
    with pytest.raises(pykka.ActorDeadError):
        answers[0].get(timeout=PATIENCE)
