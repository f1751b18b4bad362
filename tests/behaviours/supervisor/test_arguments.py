"""What is no supervisor, no child and no request is refused where it is written, and nothing is started.

supervisor_SUITE 10 (sup_start_map_faulty_specs), 19 and 20.
"""

from __future__ import annotations

import math

import pytest

import otp


def serve() -> None:
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ({"strategy": "one_for_one"}, TypeError),
        ({"strategy": None}, TypeError),
        ({"max_restarts": -1}, ValueError),
        ({"max_restarts": 1.0}, TypeError),
        ({"max_restarts": True}, TypeError),
        ({"max_restarts": None}, TypeError),
        ({"max_seconds": 0}, ValueError),
        ({"max_seconds": -1.0}, ValueError),
        ({"max_seconds": math.inf}, ValueError),
        ({"max_seconds": math.nan}, ValueError),
        ({"max_seconds": "5"}, TypeError),
        ({"max_seconds": True}, TypeError),
        ({"auto_shutdown": "never"}, TypeError),
        ({"auto_shutdown": True}, TypeError),
        ({"intensity": 3}, TypeError),
    ],
)
def test_sup_flags_each_bad_one_has_its_error(flags, error):
    with pytest.raises(error, match=next(iter(flags))):
        otp.Supervisor({}, **flags)


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ({"max_restarts": -1}, ValueError),
        ({"max_seconds": 0}, ValueError),
        ({"max_children": -1}, ValueError),
        ({"max_children": 1.0}, TypeError),
        ({"max_children": True}, TypeError),
        ({"extra_arguments": "ab"}, TypeError),
        ({"extra_arguments": [1]}, TypeError),
        ({"strategy": otp.Strategy.ONE_FOR_ONE}, TypeError),
    ],
)
def test_sup_flags_of_a_dynamic_supervisor_have_their_errors(flags, error):
    with pytest.raises(error, match=next(iter(flags))):
        otp.DynamicSupervisor(**flags)


def test_sup_flags_all_that_there_are_are_taken():
    for strategy in otp.Strategy:
        for auto_shutdown in otp.AutoShutdown:
            otp.Supervisor({}, strategy=strategy, auto_shutdown=auto_shutdown, max_restarts=0, max_seconds=1)
    otp.DynamicSupervisor(max_restarts=0, max_seconds=0.1, max_children=0, extra_arguments=(1,))
    assert "Supervisor of a, b" in repr(otp.Supervisor({"a": serve, "b": serve}))
    assert "nobody" in repr(otp.Supervisor())


def test_the_options_unless_given_are_those_of_elixir():
    static, dynamic = otp.Supervisor().supervision, otp.DynamicSupervisor().supervision
    assert (static.strategy, static.max_restarts, static.max_seconds) == (otp.Strategy.ONE_FOR_ONE, 3, 5.0)
    assert static.auto_shutdown is otp.AutoShutdown.NEVER
    assert (dynamic.strategy, dynamic.max_restarts, dynamic.max_seconds) == (otp.Strategy.ONE_FOR_ONE, 3, 5.0)
    assert dynamic.max_children is None
    assert otp.DynamicSupervisor().extra_arguments == ()


@pytest.mark.parametrize("children", [[serve], serve, "a", {serve}, [("a", serve)]])
def test_sup_start_map_faulty_specs_children_that_are_no_mapping(children):
    with pytest.raises(TypeError, match="mapping"):
        otp.Supervisor(children)


@pytest.mark.parametrize("child", [None, 1, "serve", {"start": serve}, ("a", serve)])
def test_sup_start_map_faulty_specs_a_child_that_is_no_runnable(child):
    with pytest.raises(TypeError, match="callable"):
        otp.Supervisor({"a": child})


def test_sup_start_map_faulty_specs_an_unknown_option_is_an_error():
    with pytest.raises(TypeError, match="modules"):
        otp.Child(serve, modules=[])


@pytest.mark.parametrize("name", ["", "a.b", "a b", "ä", "x" * 65, 1, None, b"a"])
def test_child_specs_a_bad_name_is_refused_where_it_is_written(name):
    with pytest.raises(otp.InvalidNameError):
        otp.Supervisor({name: serve})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"restart": "permanent"}, TypeError),
        ({"restart": None}, TypeError),
        ({"shutdown": -1}, ValueError),
        ({"shutdown": math.inf}, ValueError),
        ({"shutdown": "brutal_kill"}, TypeError),
        ({"significant": 1}, TypeError),
        ({"significant": None}, TypeError),
        ({"start_timeout": -1}, ValueError),
        ({"backoff": 1.0}, TypeError),
    ],
)
def test_child_specs_each_bad_field_has_its_error(options, error):
    with pytest.raises(error, match=next(iter(options))):
        otp.Child(serve, **options)


@pytest.mark.parametrize("restart", list(otp.Restart))
@pytest.mark.parametrize("shutdown", [0, 1, 5.0, None, otp.BRUTAL_KILL])
def test_child_specs_map_all_that_are_right_are_taken(restart, shutdown):
    supervisor = otp.Supervisor({"a": otp.Child(serve, restart=restart, shutdown=shutdown)})
    assert supervisor.children["a"].restart is restart
    assert supervisor.children["a"].shutdown == shutdown


@pytest.mark.parametrize("restart", list(otp.Restart))
@pytest.mark.parametrize("auto_shutdown", list(otp.AutoShutdown))
def test_child_specs_significant_children_end_by_themselves_and_something_comes_of_it(restart, auto_shutdown):
    child = otp.Child(serve, restart=restart, significant=True)
    if restart is otp.Restart.PERMANENT:
        with pytest.raises(ValueError, match="PERMANENT"):
            otp.Supervisor({"a": child}, auto_shutdown=auto_shutdown)
    elif auto_shutdown is otp.AutoShutdown.NEVER:
        with pytest.raises(ValueError, match="NEVER"):
            otp.Supervisor({"a": child}, auto_shutdown=auto_shutdown)
    else:
        otp.Supervisor({"a": child}, auto_shutdown=auto_shutdown)


def test_start_child_refuses_what_no_child_can_be_and_starts_nothing(stage):
    sup = stage.run(otp.Supervisor({}, auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT))
    for name, child, error in [
        ("a", None, TypeError),
        ("a", "serve", TypeError),
        ("a.b", stage.serve, otp.InvalidNameError),
        (None, stage.serve, otp.InvalidNameError),
        ("a", otp.Child(stage.serve, significant=True), ValueError),
    ]:
        with pytest.raises(error):
            sup.start_child(name, child)
    assert sup.which_children() == {}
    for call in (sup.terminate_child, sup.restart_child, sup.delete_child):
        with pytest.raises(otp.InvalidNameError):
            call(1)


def test_start_child_refuses_a_significant_child_if_nothing_would_come_of_its_end(stage):
    sup = stage.run(otp.Supervisor())
    with pytest.raises(ValueError, match="significant"):
        sup.start_child("a", otp.Child(stage.serve, restart=otp.Restart.TRANSIENT, significant=True))
    assert sup.which_children() == {}


def test_start_child_that_no_supervisor_is_there_for_says_that_first(stage):
    sup = stage.run(otp.Supervisor())
    stage.stop()
    with pytest.raises(otp.NoProcessError):
        sup.start_child("a", otp.Child(stage.serve, restart=otp.Restart.TRANSIENT, significant=True))


def test_a_dynamic_supervisor_has_no_significant_children(stage):
    sup = stage.run(otp.DynamicSupervisor())
    for restart in otp.Restart:
        with pytest.raises(ValueError, match="significant"):
            sup.start_child(otp.Child(stage.serve, restart=restart, significant=True))
    for child, name, error in [
        (None, None, TypeError),
        (stage.serve, "a.b", otp.InvalidNameError),
        (stage.serve, 1, otp.InvalidNameError),
    ]:
        with pytest.raises(error):
            sup.start_child(child, name=name)
    assert sup.which_children() == []
    with pytest.raises(TypeError, match="ref"):
        sup.terminate_child("a")


def test_a_runnable_whose_ref_type_is_no_ref_is_refused_and_not_started(threads):
    class Bad:
        ref_type = int

        def __call__(self) -> None:
            threads.note("started")

    sup = threads.run(otp.Supervisor())
    with pytest.raises(TypeError, match="ref_type"):
        sup.start_child("a", Bad())
    assert sup.which_children() == {}
    assert threads.life == []
