"""The thread of a plain runnable, and how it is started."""

from __future__ import annotations

import sys
import threading
import weakref

import pytest

import otp
from otp.backends import unwaited
from otp.backends.thread import ThreadBackend
from otp.backends.unwaited import UnwaitedThread
from otp.tree.backend import Job

HEALTHY = otp.Signal.HEALTHY


def test_a_runnable_has_a_daemon_thread_of_its_own_that_carries_its_dn(bench):
    def child():
        bench.say(threading.current_thread())
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system = bench.run(child)
    thread = bench.heard()
    assert (thread.name, thread.daemon) == ("root.a", True)
    system.wait_healthy(timeout=30)
    system.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_each_incarnation_has_a_thread_of_its_own(bench):
    def child():
        bench.say(threading.current_thread())
        otp.wait_canceled()

    system = bench.run(child)
    first = bench.heard()
    system.restart("root.a")
    assert bench.heard() is not first


def test_to_start_a_thread_does_not_wait_until_it_runs(monkeypatch):
    """Whoever waited would wait here for ever: the new thread is held before it can say that it runs."""
    may_run, ran = threading.Event(), threading.Event()
    held = threading.Event()

    class Held(UnwaitedThread):
        def _bootstrap_inner(self):
            held.set()
            may_run.wait()
            super()._bootstrap_inner()

    thread = Held(target=ran.set)
    thread.start()
    assert held.wait(timeout=30)
    assert not thread.is_alive(), "it has not said so yet"
    may_run.set()
    assert ran.wait(timeout=30)
    thread.join(timeout=30)
    assert thread.daemon
    assert not thread.is_alive()


def test_where_thread_start_waits_in_another_way_the_thread_is_started_all_the_same(monkeypatch):
    """`_started` is an inside of `threading.Thread`; a Python that renames it makes starts slower, and breaks nothing."""
    waits = []

    def other_start(self):
        """As a later Python might do it: with an event of another name."""
        really_started = threading.Event()
        run = self.run

        def run_and_tell():
            really_started.set()
            run()

        self.run = run_and_tell
        del self._started
        self._started = threading.Event()
        plain_start(self)
        really_started.wait()
        waits.append(self)

    plain_start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", other_start)
    ran = threading.Event()
    thread = UnwaitedThread(target=ran.set)
    thread.start()
    assert ran.wait(timeout=30)
    assert waits == [thread]


def test_the_event_that_is_not_waited_for_still_tells_whether_the_thread_runs():
    event = unwaited._Begun()
    assert event.wait() is False
    event.set()
    assert event.wait(timeout=30) is True


def test_a_machine_without_threads_left_kills_the_node_and_not_the_tree(bench, monkeypatch):
    plain_start = UnwaitedThread.start
    refusals = [True]

    def start(self):
        if self.name == "root.a" and refusals:
            refusals.pop()
            message = "can't start new thread"
            raise RuntimeError(message)
        plain_start(self)

    monkeypatch.setattr(UnwaitedThread, "start", start)

    def child():
        otp.signal(HEALTHY)
        otp.wait_canceled()

    system = bench.run(child)
    died = bench.await_event(otp.events.Died)
    assert (died.error, died.incarnation, died.restart_in) == ("RuntimeError: can't start new thread", 1, 1.0)
    bench.clock.advance(1.0)
    assert bench.await_event(otp.events.Healthy).incarnation == 2
    assert system.tree().incarnation == 1


def test_the_stack_of_a_thread_that_has_ended_says_so():
    ended = threading.Event()

    class Incarnation:
        dn = "root.a"
        number = 1
        is_canceled = False

        def end(self, end, exception):
            ended.set()

    handle = ThreadBackend().start(Incarnation(), Job(print, ()))
    assert ended.wait(timeout=30)
    handle.join(timeout=30)
    assert handle.stack() == "(its thread has ended)\n"
    handle.cancel()
    handle.kill()
    assert not handle.is_alive()


def test_the_arguments_of_a_node_that_has_left_the_tree_are_dropped(bench):
    class Argument:
        pass

    def child(argument):
        weakref.finalize(argument, bench.say, "dropped")
        raise ValueError

    def parent():
        otp.run("b", child, Argument(), restart=otp.Restart.TEMPORARY)
        otp.signal(HEALTHY)
        otp.wait_canceled()

    bench.run(parent)
    bench.await_event(otp.events.Removed, "root.a.b")
    assert bench.heard() == "dropped"


@pytest.mark.parametrize("cancels", [1, 2])
def test_to_cancel_a_thread_is_to_set_its_token(bench, cancels):
    def child():
        otp.signal(HEALTHY)
        bench.say(otp.wait_canceled())

    system = bench.run(child)
    bench.await_event(otp.events.Healthy)
    for _ in range(cancels):
        system.restart("root.a")
    assert bench.heard() is True


def test_a_fork_beside_a_thread_that_was_not_waited_for_finds_what_it_needs(start):
    """In the child, `threading` puts the events of all threads in order; whatever it misses is told on standard error."""
    source = """if True:
        import os, threading
        from otp.backends.unwaited import UnwaitedThread

        gate, begun = threading.Event(), threading.Event()
        thread = UnwaitedThread(target=lambda: (begun.set(), gate.wait()))
        thread.start()
        begun.wait()
        child = os.fork()
        if not child:
            print("in the child", thread.is_alive(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print("in the parent", thread.is_alive())
        gate.set()
        thread.join()
    """
    program = start(sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", source)

    assert program.end() == 0
    assert program.lines == ["in the child False", "in the parent True"]
