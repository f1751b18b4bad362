"""What ends in a tree is dealt with by its own thread; what is started anew has nothing of that thread's."""

from __future__ import annotations

import asyncio
import functools
import queue
import signal
import threading

import pytest

import otp
from otp.backends.thread import ThreadBackend
from otp.backends.unwaited import UnwaitedThread
from otp.tree import loop as loops
from otp.tree.decision.messages import Ended
from otp.tree.incarnation import Lifecycle
from otp.tree.supervisor import Supervisor

from .helping import PATIENCE, Bell

AT_ONCE = otp.Backoff(initial=0)
LOOP = "otp: supervisor"


@pytest.fixture
def decided_in(monkeypatch):
    """In which threads the supervisor decided on ends: (DN, name of the thread)."""
    log = []
    receive = Supervisor.on_receive

    def noting(supervisor, message):
        if isinstance(message, Lifecycle) and isinstance(message.event, Ended):
            log.append((message.incarnation.dn, threading.current_thread().name))
        return receive(supervisor, message)

    monkeypatch.setattr(Supervisor, "on_receive", noting)
    return log


@pytest.fixture
def made_in(monkeypatch):
    """In which threads threads were made: (name, name of the maker)."""
    log = []
    start = UnwaitedThread.start

    def noting(thread):
        log.append((thread.name, threading.current_thread().name))
        start(thread)

    monkeypatch.setattr(UnwaitedThread, "start", noting)
    return log


@pytest.fixture
def spares(monkeypatch):
    """Something to get for each time that a spare thread was made."""
    made = queue.SimpleQueue()
    replenish = ThreadBackend.replenish

    def telling(backend):
        before = backend.makes_thread
        replenish(backend)
        if before and not backend.makes_thread:
            made.put("made")

    monkeypatch.setattr(ThreadBackend, "replenish", telling)
    return made


def quiet_tree(stage, **children):
    """A tree whose loop sleeps, and its bell."""
    system = stage.system(stage.parent_of(**children), backoff=AT_ONCE)
    bell = Bell(system._engine._loop)
    system.start()
    system.wait_healthy(PATIENCE)
    bell.until_asleep()
    return system, bell


def dies_once(gate):
    """A plain runnable that dies when `gate` is opened, and serves in its second incarnation."""

    def runnable():
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            gate.wait(PATIENCE)
            raise ValueError
        otp.wait_canceled()

    return runnable


def dies_again_and_again(stage, before_death):
    """A plain runnable that dies each time that `next` is told; tells `seen` what `before_death` gives then."""
    seen, turns = queue.SimpleQueue(), queue.SimpleQueue()

    def runnable():
        seen.put(before_death())
        otp.signal(otp.Signal.HEALTHY)
        if not turns.get(timeout=PATIENCE):
            otp.wait_canceled()
            return
        raise ValueError

    return runnable, seen, turns


# --- who deals with an end


def test_the_end_of_a_plain_runnable_is_dealt_with_by_its_own_thread(stage, decided_in):
    gate = stage.gate()
    system, _bell = quiet_tree(stage, a=dies_once(gate))
    story = stage.story(system)
    gate.set()
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert decided_in == [("root.a", "root.a")]


def test_the_end_of_a_coroutine_is_dealt_with_by_the_thread_of_its_event_loop(stage, decided_in):
    ends = queue.SimpleQueue()

    async def a():
        end = asyncio.Event()
        ends.put(functools.partial(asyncio.get_running_loop().call_soon_threadsafe, end.set))
        otp.signal(otp.Signal.HEALTHY)
        await end.wait()
        raise ValueError

    system, _bell = quiet_tree(stage, a=a)
    story = stage.story(system)
    ends.get()()
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert decided_in == [("root.a", "root: event loop")]


def test_signals_that_were_given_just_before_the_end_are_dealt_with_before_it(stage):
    def a():
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    _system, story = stage.watch(stage.parent_of(a=a))
    story.until(otp.events.Done, "root.a")
    own = [type(event) for event in story.seen if getattr(event, "dn", None) == "root.a"]

    assert own == [otp.events.Started, otp.events.Healthy, otp.events.Done]


def test_an_end_below_many_levels_is_left_to_the_loop_where_the_helper_stops(stage, decided_in):
    gate = stage.gate()
    system, story = stage.watch(stage.chain, loops._HELP + 20, dies_once(gate), backoff=AT_ONCE)
    dn = ".".join(["root"] + ["c"] * (loops._HELP + 20))
    story.until(otp.events.Healthy, dn)
    system.wait_healthy(PATIENCE)
    gate.set()
    story.until(otp.events.Healthy, dn, incarnation=2)

    assert decided_in == [(dn, LOOP)]


def test_who_waits_for_a_settled_tree_is_told_of_an_end_that_the_loop_did_not_see(stage, decided_in):
    may_end = stage.gate()

    def a():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        if otp.current().incarnation == 1:
            may_end.wait(PATIENCE)

    system, bell = quiet_tree(stage, a=a)
    system.restart("root.a")
    settled = system._engine.settle()
    system.tree()  # it has been asked by now
    bell.until_asleep()
    assert not settled.done()
    may_end.set()

    assert settled.result(PATIENCE) is None
    assert decided_in == [("root.a", "root.a")]


def test_the_end_of_the_last_one_ends_the_loop_and_what_waits_for_it(stage, decided_in):
    may_end = stage.gate()

    def root():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        may_end.wait(PATIENCE)

    system = stage.system(root)
    bell = Bell(system._engine._loop)
    system.start()
    system.wait_healthy(PATIENCE)
    stopped = system.when_stopped()
    system.request_stop()
    system.tree()
    bell.until_asleep()
    may_end.set()
    assert stopped.result(PATIENCE) is True
    system._engine._loop.join(PATIENCE)

    assert decided_in == [("root", "root")]
    assert not system._engine._loop._thread.is_alive()


def test_the_backoff_of_what_a_helper_has_dealt_with_ends_in_time(stage):
    """The loop sleeps without end when the helper sets its alarm."""
    gate = stage.gate()
    system = stage.system(stage.parent_of(a=dies_once(gate)), backoff=otp.Backoff(initial=0.01, jitter=0))
    bell, story = Bell(system._engine._loop), stage.story(system)
    system.start()
    system.wait_healthy(PATIENCE)
    bell.until_asleep()
    gate.set()

    assert story.until(otp.events.Healthy, "root.a", incarnation=2)


# --- what the next incarnation gets


def test_the_first_restart_of_all_makes_its_thread_in_the_loop(stage, decided_in, made_in):
    gate = stage.gate()
    system, _bell = quiet_tree(stage, a=dies_once(gate))
    story = stage.story(system)
    gate.set()
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert decided_in == [("root.a", "root.a")]
    assert [each for each in made_in if each[0] != "otp: spare"] == [("root", LOOP)] + [("root.a", LOOP)] * 2


def test_a_plain_runnable_that_a_coroutine_takes_along_gets_its_thread_from_the_loop(stage, made_in):
    ends = queue.SimpleQueue()

    async def dies():
        end = asyncio.Event()
        ends.put(functools.partial(asyncio.get_running_loop().call_soon_threadsafe, end.set))
        otp.signal(otp.Signal.HEALTHY)
        await end.wait()
        raise ValueError

    def pair():
        otp.run_group({"dies": dies, "follows": stage.serve})
        stage.serve()

    system, _bell = quiet_tree(stage, pair=pair)
    story = stage.story(system)
    ends.get()()
    story.until(otp.events.Healthy, "root.pair.follows", incarnation=2)

    assert [maker for name, maker in made_in if name == "root.pair.follows"] == [LOOP, LOOP]


def test_later_restarts_find_a_thread_that_was_made_in_the_thread_of_the_events(stage, made_in, spares):
    runnable, seen, turns = dies_again_and_again(stage, threading.current_thread)
    system, story = stage.watch(stage.parent_of(a=runnable), backoff=AT_ONCE)
    threads = [seen.get(timeout=PATIENCE)]
    for incarnation in range(2, 6):
        turns.put("die")
        threads.append(seen.get(timeout=PATIENCE))
        story.until(otp.events.Healthy, "root.a", incarnation=incarnation)
        assert spares.get(timeout=PATIENCE)
    turns.put(None)
    system.stop()

    assert len(set(threads)) == 5
    assert {thread.name for thread in threads} == {"root.a"}
    assert made_in == [("root", LOOP)] + [("root.a", LOOP)] * 2 + [("otp: spare", "otp: events")] * 4


def test_no_restart_inherits_the_signal_mask_of_who_died(stage, spares):
    """The first restart makes a thread, the others find one."""

    def block_one():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        return mask

    runnable, seen, turns = dies_again_and_again(stage, block_one)
    system, story = stage.watch(stage.parent_of(a=runnable), backoff=AT_ONCE)
    masks = [seen.get(timeout=PATIENCE)]
    for incarnation in range(2, 5):
        turns.put("die")
        masks.append(seen.get(timeout=PATIENCE))
        story.until(otp.events.Healthy, "root.a", incarnation=incarnation)
        assert spares.get(timeout=PATIENCE)
    turns.put(None)
    system.stop()

    assert masks == [signal.pthread_sigmask(signal.SIG_BLOCK, [])] * 4


def test_what_was_kept_in_thread_locals_does_not_survive_a_restart(stage, spares):
    kept = threading.local()

    def look_and_keep():
        found = dict(vars(kept))
        kept.what = "of an earlier incarnation"
        return found

    runnable, seen, turns = dies_again_and_again(stage, look_and_keep)
    system, story = stage.watch(stage.parent_of(a=runnable), backoff=AT_ONCE)
    found = [seen.get(timeout=PATIENCE)]
    for incarnation in range(2, 6):
        turns.put("die")
        found.append(seen.get(timeout=PATIENCE))
        story.until(otp.events.Healthy, "root.a", incarnation=incarnation)
        assert spares.get(timeout=PATIENCE)
    turns.put(None)
    system.stop()

    assert found == [{}] * 5


def test_what_ended_is_not_the_context_of_what_is_started_by_its_thread(stage, decided_in):
    """The thread of the dead has its context-local; the coroutine that it starts has its own."""
    gate = stage.gate()
    seen = queue.SimpleQueue()

    def dies():
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            gate.wait(PATIENCE)
            raise ValueError
        otp.wait_canceled()

    async def follows():
        seen.put((otp.current().dn, otp.current().incarnation))
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.get_running_loop().create_future()

    def pair():
        otp.run_group({"dies": dies, "follows": follows})
        stage.serve()

    quiet_tree(stage, pair=pair)
    gate.set()

    assert seen.get(timeout=PATIENCE) == ("root.pair.follows", 1)
    assert seen.get(timeout=PATIENCE) == ("root.pair.follows", 2)


def test_a_stop_that_comes_while_a_start_is_handed_back_finds_everything_in_order(stage, monkeypatch, decided_in):
    """The loop is held back; meanwhile a helper has handed it a start, and somebody stops the tree."""
    gate, held, let_go = stage.gate(), threading.Event(), stage.gate()
    system, _bell = quiet_tree(stage, a=dies_once(gate))
    story = stage.story(system)
    attend = loops.Loop._attend

    def attend_later(loop):
        if loop._handed_back:
            loop._turn.release()
            held.set()
            let_go.wait(PATIENCE)
            loop._turn.acquire()
        attend(loop)

    monkeypatch.setattr(loops.Loop, "_attend", attend_later)
    gate.set()
    assert held.wait(PATIENCE)
    system.request_stop()
    let_go.set()
    system.join(PATIENCE)

    own = [(type(event), event.incarnation) for event in story.rest() if getattr(event, "dn", None) == "root.a"]
    own = [event for event in own[own.index((otp.events.Died, 1)) :] if event[0] is not otp.events.Healthy]
    assert own == [(otp.events.Died, 1), (otp.events.Started, 2), (otp.events.Canceled, 2)]
    assert decided_in[0] == ("root.a", "root.a")
