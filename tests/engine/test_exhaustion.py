"""A machine without threads or file descriptors left: what cannot be started has died, and is tried again."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import textwrap
import threading

import pytest

import otp
from otp import NodeState

NO_THREAD = ("can't start new thread",)  # what `threading` says
ERROR = f"RuntimeError: {NO_THREAD[0]}"


@pytest.fixture
def no_threads_for(monkeypatch):
    """Let so many starts of threads fail from now on, where `name` is what the thread is called."""
    starter = "_start_joinable_thread" if sys.version_info >= (3, 13) else "_start_new_thread"
    start = getattr(threading, starter)
    failing = {}

    def start_or_fail(function, *args, **kwargs):
        name = function.__self__.name
        if failing.get(name, 0) > 0:
            failing[name] -= 1
            raise RuntimeError(*NO_THREAD)
        return start(function, *args, **kwargs)

    monkeypatch.setattr(threading, starter, start_or_fail)
    return failing.__setitem__


def test_a_start_that_fails_is_a_death_and_is_tried_again_with_backoff(stage, clock, no_threads_for):
    no_threads_for("root.a", 2)
    backoff = otp.Backoff(initial=1, multiplier=2, jitter=0)
    system, story = stage.watch(stage.parent_of(a=stage.serve), clock=clock, backoff=backoff)
    first = story.until(otp.events.Died, "root.a", incarnation=1)
    clock.advance(1)
    second = story.until(otp.events.Died, "root.a", incarnation=2)
    clock.advance(2)
    story.until(otp.events.Healthy, "root.a", incarnation=3)

    assert [(died.error, died.restart_in) for died in (first, second)] == [(ERROR, 1), (ERROR, 2)]
    assert system.node("root").incarnation == 1


def test_a_group_of_which_one_cannot_be_started_starts_anew_as_a_whole(stage, clock, no_threads_for):
    no_threads_for("root.b", 1)

    def root():
        otp.run_group(dict.fromkeys("abc", stage.serve))
        stage.serve()

    system, story = stage.watch(root, clock=clock, backoff=otp.Backoff(initial=1, jitter=0))
    story.until(otp.events.Died, "root.b")
    clock.advance(1)
    story.until(otp.events.Healthy, "root.b", incarnation=2)
    system.wait_healthy(5)

    assert [node.incarnation for node in system.tree().children] == [2, 2, 2]


def test_the_root_itself_may_fail_to_start(stage, clock, no_threads_for):
    no_threads_for("root", 1)
    system, story = stage.watch(stage.serve, clock=clock)
    died = story.until(otp.events.Died, "root")
    clock.advance(1)
    story.until(otp.events.Healthy, "root", incarnation=2)

    assert died.error == ERROR
    assert system.node("root").state is NodeState.HEALTHY


def test_coroutines_without_a_thread_for_their_event_loop_have_died_until_there_is_one(stage, clock, no_threads_for):
    no_threads_for("root: event loop", 1)
    system, story = stage.watch(
        stage.parent_of(a=stage.serve_async), clock=clock, backoff=otp.Backoff(initial=1, jitter=0)
    )
    died = story.until(otp.events.Died, "root.a")
    clock.advance(1)
    story.until(otp.events.Healthy, "root.a", incarnation=2)

    assert died.error == ERROR
    assert system.node("root.a").backend == "coroutine"


def test_coroutines_without_file_descriptors_for_their_event_loop_have_died_until_there_are(stage, clock, monkeypatch):
    make, failures = asyncio.new_event_loop, [OSError(errno.EMFILE, os.strerror(errno.EMFILE))]
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: make() if not failures else _raise(failures.pop()))
    root = stage.parent_of(a=stage.serve_async, b=stage.serve_async)
    system, story = stage.watch(root, clock=clock, backoff=otp.Backoff(initial=1, jitter=0))
    died = story.until(otp.events.Died)
    clock.advance(1)
    story.until(otp.events.Healthy, died.dn, incarnation=2)
    clock.advance(1)
    system.wait_healthy(5)

    assert "Too many open files" in died.error


def _raise(error):
    raise error


@pytest.mark.parametrize("missing", ["otp: log", "otp: events", "otp: release", "otp: supervisor"])
def test_a_system_without_a_thread_for_itself_does_not_start_and_leaves_nothing_behind(stage, no_threads_for, missing):
    no_threads_for(missing, 1)
    system = stage.system(stage.serve)

    with pytest.raises(RuntimeError, match=NO_THREAD[0]):
        system.start()
    with pytest.raises(otp.SystemNotRunningError):
        system.tree()
    assert system.stop().unstopped == ()


LIMITED = """
    import resource, threading, otp

    STACK = 64 * 2**20
    ROOM = 12

    def size():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()

    go = threading.Event()
    deaths = []

    def task():
        otp.signal(otp.Signal.HEALTHY)
        go.wait()
        otp.signal(otp.Signal.DONE)

    def root():
        for number in range(30):
            otp.run(f"task{number}", task)
        otp.signal(otp.Signal.HEALTHY)
        otp.signal(otp.Signal.DONE)

    threading.stack_size(STACK)
    system = otp.System(root, backoff=otp.Backoff(initial=0.01, maximum=0.1))
    events = system.events()
    # The address space ends in the middle of a stack: a new thread does not fit, whatever else is needed still does.
    limit = size() + ROOM * STACK + STACK // 2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    system.start()
    for event in events:
        if isinstance(event, otp.events.Died):
            deaths.append(event.error)
            if len(deaths) == 60:
                go.set()
    system.join()
    print(len(deaths) >= 60, set(deaths), {node.state.value for node in system.tree().walk()})
"""


def test_a_machine_that_really_has_no_threads_left_gets_all_its_work_done_in_the_end():
    program = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED)],
        capture_output=True,
        text=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        check=False,
    )

    assert program.returncode == 0, program.stderr
    assert program.stdout == f"True {{{ERROR!r}}} {{'done'}}\n", program.stderr[-2000:]
