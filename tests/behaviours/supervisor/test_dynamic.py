"""`DynamicSupervisor`; supervisor_SUITE 18, 35 and 42 (simple), and what Elixir's has of its own."""

from __future__ import annotations

import pytest

import otp

from .stage import ABNORMAL, CLEAN, counts, crash


def run(stage, **flags):
    return stage.run(otp.DynamicSupervisor(**flags))


def dns(sup) -> list[str]:
    return [info.ref.dn for info in sup.which_children()]


def test_child_adm_simple_children_come_and_go_by_their_refs(stage):
    sup = run(stage)
    a, b = stage.parts("ab")
    first, second = sup.start_child(a()), sup.start_child(b(), name="b")
    assert second == stage.ref("root.s.b")
    assert first.name not in {"a", "b"}
    assert dns(sup) == [first.dn, second.dn]
    assert sup.terminate_child(first) is None
    assert stage.life == ["+a", "+b", "-a"]
    assert dns(sup) == ["root.s.b"]
    with pytest.raises(otp.NoSuchChildError) as caught:
        sup.terminate_child(first)
    assert caught.value.name == first.name


def test_child_adm_simple_whoever_is_no_child_of_it_is_not_found_and_runs_on(stage):
    sup = run(stage)
    child = sup.start_child(stage.serve, name="a")
    with otp.System(otp.Supervisor({"a": stage.serve})) as other:
        other.wait_healthy(10)
        for ref in (
            stage.ref("root"),
            stage.ref("root.s"),
            stage.ref("root.s.b"),
            stage.ref("root.s.a.a"),
            otp.Ref(child.dn, other),
        ):
            with pytest.raises(otp.NoSuchChildError):
                sup.terminate_child(ref)
        assert other.node("root.a").state is otp.NodeState.HEALTHY
    assert dns(sup) == ["root.s.a"]


def test_child_adm_simple_there_is_no_restart_and_no_delete():
    assert not hasattr(otp.DynamicSupervisorRef, "restart_child")
    assert not hasattr(otp.DynamicSupervisorRef, "delete_child")


def test_simple_one_for_one_a_crash_restarts_that_child_alone(stage):
    sup = run(stage, max_restarts=2, max_seconds=3600.0)
    a, b = stage.parts("ab")
    sup.start_child(a(), name="a")
    sup.start_child(b(), name="b")
    stage.crash("root.s.a")
    assert (a.incarnations, b.incarnations) == ([1, 2], [1])
    stage.crash("root.s.b")
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    with pytest.raises(otp.NoProcessError):
        sup.count_children()


def test_simple_one_for_one_extra_arguments_come_first_at_each_start(stage):
    sup = run(stage, extra_arguments=("x", 1))
    a, b = stage.parts("ab")
    sup.start_child(a("y", "z"), name="a")
    sup.start_child(b(), name="b")
    stage.crash("root.s.a")
    assert a.given == [("x", 1, "y", "z")] * 2
    assert b.given == [("x", 1)]


def test_extra_arguments_come_before_what_a_server_is_started_with(threads):
    class Server(otp.GenServer):
        def init(self, *args):
            self.args = args

        def handle_call(self, request, sender):
            return self.args

    sup = run(threads, extra_arguments=("x",))
    assert sup.start_child(otp.Child(Server, "y")).call("what", None) == ("x", "y")


def test_simple_one_for_one_escalation_a_restart_that_keeps_failing_is_the_end(stage):
    sup = run(stage, max_restarts=4, max_seconds=3600.0)
    a, b = stage.parts("ab")
    sup.start_child(a(), name="a")
    sup.start_child(b(), name="b")
    a.always = crash
    stage.end("root.s.a", crash)
    stage.gone("root.s")
    assert len(a.incarnations) == 5
    assert stage.life[-1] == "-b"


@pytest.mark.parametrize("how", [*CLEAN, *ABNORMAL])
@pytest.mark.parametrize("restart", [otp.Restart.TEMPORARY, otp.Restart.TRANSIENT])
def test_a_child_that_ends_for_good_is_removed(stage, how, restart):
    sup = run(stage)
    a = stage.part("a")
    sup.start_child(a(restart=restart), name="a")
    stage.end("root.s.a", {**CLEAN, **ABNORMAL}[how])
    if restart is otp.Restart.TRANSIENT and how in ABNORMAL:
        stage.healthy()
        assert dns(sup) == ["root.s.a"]
        assert a.incarnations == [1, 2]
    else:
        stage.until(otp.events.Removed, "root.s.a")
        assert sup.which_children() == []
        assert counts(sup.count_children()) == (0, 0, 0, 0)


def test_more_than_max_children_are_refused_until_one_is_gone(stage):
    sup = run(stage, max_children=2)
    first = sup.start_child(stage.serve)
    sup.start_child(stage.serve)
    with pytest.raises(otp.MaxChildrenError) as caught:
        sup.start_child(stage.serve, name="c")
    assert caught.value.name == "c"
    sup.terminate_child(first)
    assert sup.start_child(stage.serve, name="c") == stage.ref("root.s.c")


def test_no_children_at_all_may_be_too(stage):
    with pytest.raises(otp.MaxChildrenError):
        run(stage, max_children=0).start_child(stage.serve)


def test_hanging_restart_loop_simple_counts_among_max_children_and_ends_by_terminate_child(stage):
    sup = run(stage, max_restarts=10**9, max_children=1)
    a = stage.part("a", lambda: None)
    ref = sup.start_child(a(), name="a")
    a.always = crash
    ref.send(crash)
    stage.until_noted("+a", 3)
    (info,) = sup.which_children()
    assert (info.name, info.ref, info.state) == ("a", None, otp.ChildState.RESTARTING)
    with pytest.raises(otp.MaxChildrenError):
        sup.start_child(stage.serve)
    with pytest.raises(otp.ChildAlreadyPresentError):
        sup.start_child(stage.serve, name="a")
    sup.terminate_child(ref)
    assert sup.which_children() == []
    assert sup.start_child(stage.serve) is not None


def test_hanging_restart_loop_simple_ends_with_the_supervisor(stage):
    sup = run(stage, max_restarts=10**9)
    a = stage.part("a", lambda: None)
    ref = sup.start_child(a(), name="a")
    a.always = crash
    ref.send(crash)
    stage.until_noted("+a", 3)
    assert stage.stop().unstopped == ()


def test_of_a_name_that_was_given_there_is_one_child(stage):
    sup = run(stage)
    ref = sup.start_child(stage.serve, name="a")
    with pytest.raises(otp.ChildAlreadyStartedError) as caught:
        sup.start_child(stage.serve, name="a")
    assert (caught.value.name, caught.value.ref) == ("a", ref)


def test_a_name_that_is_made_up_is_never_one_that_is_taken(stage):
    sup = run(stage)
    number = int(sup.start_child(stage.serve).name.rpartition("-")[2])
    taken = {f"child-{number + step}" for step in (1, 2, 3)}
    for name in taken:
        sup.start_child(stage.serve, name=name)
    made_up = sup.start_child(stage.serve)
    assert made_up.name not in taken
    assert len(sup.which_children()) == 5


def test_a_supervisor_can_be_a_child_and_is_counted_as_one(stage):
    sup = run(stage)
    ref = sup.start_child(otp.Supervisor({"x": stage.serve}))
    assert type(ref) is otp.SupervisorRef
    assert counts(sup.count_children()) == (1, 1, 1, 0)
    assert [info.type for info in sup.which_children()] == [otp.ChildType.SUPERVISOR]


def test_a_dynamic_supervisor_that_is_restarted_has_no_children(stage):
    sup = run(stage)
    sup.start_child(stage.part("a")())
    stage.system.restart("root.s")
    stage.until_noted("-a")
    stage.healthy()
    assert sup.which_children() == []
