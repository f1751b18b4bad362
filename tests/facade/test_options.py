"""Options are checked where they are written, before anything starts."""

from __future__ import annotations

import math

import pytest

import otp


def idle():
    otp.wait_canceled()


BAD = [
    ({"colour": "red"}, TypeError, "unknown option 'colour'; the options of a child are restart, shutdown, backoff"),
    ({"restart": "permanent"}, TypeError, "restart= takes a Restart, not str"),
    ({"restart": None}, TypeError, "restart= takes a Restart, not NoneType"),
    ({"shutdown": "5"}, TypeError, "shutdown= takes seconds or None, not str"),
    ({"shutdown": True}, TypeError, "shutdown= takes seconds or None, not bool"),
    ({"shutdown": -1}, ValueError, "shutdown=-1 must be finite and not negative; None means for ever"),
    ({"shutdown": math.inf}, ValueError, "shutdown=inf must be finite and not negative; None means for ever"),
    ({"shutdown": math.nan}, ValueError, "shutdown=nan must be finite and not negative; None means for ever"),
    ({"backoff": 0.5}, TypeError, "backoff= takes a Backoff, not float"),
    ({"significant": 1}, TypeError, "significant= takes a bool, not int"),
    ({"start_timeout": "soon"}, TypeError, "start_timeout= takes seconds or None, not str"),
    ({"start_timeout": -0.1}, ValueError, "start_timeout=-0.1 must be finite and not negative; None means for ever"),
]


@pytest.mark.parametrize(("options", "kind", "text"), BAD)
def test_a_bad_option_of_a_child_fails_where_it_is_written(options, kind, text):
    with pytest.raises(kind) as caught:
        otp.Child(idle, **options)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(("options", "kind", "text"), BAD)
def test_a_bad_option_of_run_starts_nothing(inside, options, kind, text):
    with pytest.raises(kind) as caught:
        inside(lambda: otp.run("a", idle, **options))
    assert str(caught.value).startswith(text)
    assert inside.system.tree().children == ()


@pytest.mark.parametrize(
    "options",
    [
        {"restart": otp.Restart.TRANSIENT},
        {"shutdown": 0},
        {"shutdown": 2.5},
        {"shutdown": None},
        {"shutdown": otp.BRUTAL_KILL},
        {"backoff": otp.Backoff(initial=0)},
        {"backoff": None},
        {"significant": True},
        {"start_timeout": None},
        {"start_timeout": 1},
    ],
)
def test_good_options_start_the_child(inside, options):
    assert inside(lambda: otp.run("a", idle, **options).dn) == "root.a"


@pytest.mark.parametrize("runnable", [None, 7, "name", object()])
def test_what_cannot_be_called_is_no_runnable(runnable):
    with pytest.raises(TypeError, match=f"a runnable is a callable, not {type(runnable).__name__}"):
        otp.Child(runnable)
    with pytest.raises(TypeError, match=f"a runnable is a callable, not {type(runnable).__name__}"):
        otp.System(runnable)


@pytest.mark.parametrize(
    ("numbers", "kind", "text"),
    [
        ({"initial": -1}, ValueError, "Backoff(initial=-1) must be finite and not negative"),
        ({"maximum": math.inf}, ValueError, "Backoff(maximum=inf) must be finite and not negative"),
        ({"multiplier": 0.5}, ValueError, "Backoff(multiplier=0.5) must be at least 1: waits never shrink"),
        ({"jitter": 1.5}, ValueError, "Backoff(jitter=1.5) must be between 0 and 1"),
        ({"reset_after": "1"}, TypeError, "Backoff(reset_after=...) takes a number, not str"),
        ({"initial": True}, TypeError, "Backoff(initial=...) takes a number, not bool"),
    ],
)
def test_a_bad_backoff_fails_where_it_is_written(numbers, kind, text):
    with pytest.raises(kind) as caught:
        otp.Backoff(**numbers)
    assert str(caught.value) == text


def test_a_child_shows_its_runnable():
    class Service:
        def __call__(self):
            """Serve."""

    assert repr(otp.Child(idle)) == "<Child idle>"
    assert "Service" in repr(otp.Child(Service()))


def test_the_backoff_of_the_system_serves_those_that_are_given_none(inside):
    def dies():
        raise ValueError

    def call():
        otp.run("own", dies, backoff=otp.Backoff(initial=7.0, jitter=0.0))
        otp.run("systems", dies)

    inside(call)
    deaths = (event for event in inside.events if isinstance(event, otp.events.Died))
    waits = {event.dn: event.restart_in for event in (next(deaths), next(deaths))}
    assert waits == {"root.own": 7.0, "root.systems": 1.0}
