"""The façade outside of a runnable, in helper threads, and in those that outlived their incarnation (R10)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import otp

CALLS = {
    "run": lambda: otp.run("a", print),
    "run_group": lambda: otp.run_group({"a": print}),
    "signal": lambda: otp.signal(otp.Signal.HEALTHY),
    "canceled": otp.canceled,
    "wait_canceled": lambda: otp.wait_canceled(0),
    "sleep": lambda: otp.sleep(0),
    "current": otp.current,
    "logger": otp.logger,
    "bind": lambda: otp.bind(print),
}


@pytest.mark.parametrize("name", CALLS)
def test_outside_of_a_runnable_each_call_says_what_is_missing(name):
    with pytest.raises(otp.NotInRunnableError) as caught:
        CALLS[name]()
    assert str(caught.value) == "not called from a runnable of a system; a thread of your own needs `otp.bind`"
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("name", CALLS)
def test_a_thread_of_the_users_own_is_outside(inside, name):
    def call():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(CALLS[name]).exception()

    assert isinstance(inside(call), otp.NotInRunnableError)


def test_what_bind_returns_carries_the_context_into_many_threads_at_once(inside):
    together = threading.Barrier(4)

    def where(word, *, mark):
        together.wait(timeout=30)
        return otp.current().dn, word, mark

    def call():
        bound = otp.bind(where)
        with ThreadPoolExecutor(4) as pool:
            return [pool.submit(bound, number, mark="m") for number in range(4)]

    assert [future.result() for future in inside(call)] == [("root", number, "m") for number in range(4)]


def test_bind_keeps_name_and_docstring(inside):
    def helper():
        """Help."""

    bound = inside(lambda: otp.bind(helper))
    assert (bound.__name__, bound.__doc__) == ("helper", "Help.")


def test_a_helper_signals_for_its_runnable(inside):
    def root():
        thread = threading.Thread(target=otp.bind(otp.signal), args=(otp.Signal.HEALTHY,))
        thread.start()
        thread.join()
        otp.wait_canceled()

    system = inside.start(root)
    system.wait_healthy(timeout=30)
    assert system.tree().state is otp.NodeState.HEALTHY


@pytest.fixture
def outlived(inside):
    """The calls of a helper whose incarnation 1 has ended, while incarnation 2 of its node is alive."""
    helpers = []
    again = threading.Event()

    def root():
        if otp.current().incarnation == 2:
            again.set()
            otp.wait_canceled()
        helpers.append({name: otp.bind(call) for name, call in CALLS.items()})
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = inside.start(root)
    system.wait_healthy(timeout=30)
    system.restart("root")
    assert again.wait(timeout=30)
    return helpers[0]


@pytest.mark.parametrize("name", ["run", "run_group", "signal"])
def test_what_would_change_the_tree_is_refused_and_has_no_effect(inside, outlived, name):
    with pytest.raises(otp.StaleIncarnationError) as caught:
        outlived[name]()
    assert str(caught.value) == "incarnation 1 of root has ended"
    assert isinstance(caught.value, RuntimeError)
    root = inside.system.tree()
    assert (root.incarnation, root.state, root.children) == (2, otp.NodeState.NEW, ())


def test_the_token_stays_set_and_what_waits_for_it_returns_at_once(outlived):
    assert outlived["canceled"]() is True
    assert outlived["wait_canceled"]() is True
    with pytest.raises(otp.Canceled, match="root was canceled"):
        outlived["sleep"]()


def test_logger_and_current_still_speak_of_the_old_incarnation(outlived):
    me = outlived["current"]()
    assert (me.dn, me.incarnation) == ("root", 1)
    outlived["logger"]().debug("late words")


def test_a_runnable_is_stale_from_the_moment_it_ended_although_nothing_took_its_place(inside):
    helpers = []

    def root():
        otp.signal(otp.Signal.HEALTHY)
        helpers.append((otp.bind(otp.signal), otp.bind(otp.canceled)))
        otp.signal(otp.Signal.DONE)

    system = inside.start(root)
    system.join(timeout=30)
    signal, canceled = helpers[0]
    with pytest.raises(otp.StaleIncarnationError):
        signal(otp.Signal.DONE)
    assert canceled() is True
    assert system.tree().state is otp.NodeState.DONE
