"""`run` and `run_group`: names, order, and all or nothing (R1)."""

from __future__ import annotations

import threading

import pytest

import otp


def idle():
    otp.wait_canceled()


def names_below_root(inside):
    return [node.name for node in inside.system.tree().children]


def test_run_gives_the_address_of_the_child(inside):
    ref = inside(lambda: otp.run("a", idle))
    assert (ref.dn, ref.name, repr(ref)) == ("root.a", "a", "<Ref root.a>")


def test_refs_are_equal_by_address_whoever_gave_them(inside):
    def call():
        refs = []

        def child():
            refs.append(otp.current())
            otp.signal(otp.Signal.HEALTHY)
            otp.wait_canceled()

        return otp.run("a", child), refs

    ref, refs = inside(call)
    inside.system.restart("root.a")
    other = inside(lambda: otp.run("a", idle))
    assert all(ref == found and hash(ref) == hash(found) for found in refs)
    assert ref != other, "the same DN in another system"
    assert ref != "root.a"


@pytest.mark.parametrize("name", ["a", "A-b_9", "0", "-", "_", "x" * 64])
def test_names_that_are_legal(inside, name):
    assert inside(lambda: otp.run(name, idle).name) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a.b", "a b", "a\n", "ä", "٣", "a/b", "root.a", "\x00"])
def test_names_that_are_not(inside, name):
    with pytest.raises(otp.InvalidNameError) as caught:
        inside(lambda: otp.run(name, idle))
    assert repr(name[:80]) in str(caught.value)
    assert str(caught.value).startswith("root cannot have a child")
    assert "1 to 64 of A-Z, a-z, 0-9, _ and -" in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert names_below_root(inside) == []


@pytest.mark.parametrize("name", [None, 7, b"a", ("a",)])
def test_what_is_no_str_is_no_name(inside, name):
    with pytest.raises(otp.InvalidNameError, match=f"named by a {type(name).__name__}"):
        inside(lambda: otp.run(name, idle))


def test_a_str_of_a_subclass_is_no_name(inside):
    """Its methods are the user's code, which the engine never runs."""

    class Name(str):
        __slots__ = ()

    with pytest.raises(otp.InvalidNameError, match="named by a Name"):
        inside(lambda: otp.run(Name("a"), idle))


def test_a_name_is_given_once(inside):
    def call():
        otp.run("a", idle)
        otp.run("a", idle)

    with pytest.raises(otp.DuplicateNameError, match=r"root has a child 'a' already"):
        inside(call)
    assert names_below_root(inside) == ["a"]


def test_a_name_may_serve_again_in_another_place(inside):
    def child():
        otp.run("a", idle)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    def call():
        otp.run("a", child)
        otp.signal(otp.Signal.HEALTHY)

    inside(call)
    inside.system.wait_settled(timeout=30)
    with pytest.raises(TimeoutError, match=r"root\.a\.a is NEW"):
        inside.system.wait_healthy(timeout=0.05)


@pytest.mark.parametrize(
    ("group", "error"),
    [
        ({"a": idle, "b.c": idle}, otp.InvalidNameError),
        ({"a": idle, "taken": idle}, otp.DuplicateNameError),
        ({"a": idle, "b": None}, TypeError),
        ({"a": idle, "b": "not callable"}, TypeError),
    ],
)
def test_a_group_starts_as_a_whole_or_not_at_all(inside, group, error):
    def call():
        otp.run("taken", idle)
        otp.run_group(group)

    with pytest.raises(error):
        inside(call)
    assert names_below_root(inside) == ["taken"]


def test_after_a_group_that_failed_its_names_are_free(inside):
    def call():
        with pytest.raises(otp.InvalidNameError):
            otp.run_group({"a": idle, "b.c": idle})
        return list(otp.run_group({"a": idle, "b": idle}))

    assert inside(call) == ["a", "b"]
    assert names_below_root(inside) == ["a", "b"]


def test_a_group_is_in_declared_order(inside):
    refs = inside(lambda: otp.run_group(dict.fromkeys(("z", "a", "m"), idle)))
    assert list(refs) == ["z", "a", "m"]
    assert names_below_root(inside) == ["z", "a", "m"]


def test_an_empty_group_is_a_group(inside):
    assert inside(lambda: otp.run_group({})) == {}
    assert names_below_root(inside) == []


def test_a_group_takes_children_with_options_and_plain_callables(inside):
    inside(lambda: otp.run_group({"a": idle, "b": otp.Child(idle, restart=otp.Restart.TEMPORARY)}))
    assert names_below_root(inside) == ["a", "b"]


@pytest.mark.parametrize("strategy", ["rest_for_one", otp.Strategy.ONE_FOR_ONE])
def test_a_strategy_may_be_given_by_its_value(inside, strategy):
    assert list(inside(lambda: otp.run_group({"a": idle}, strategy=strategy))) == ["a"]


def test_an_unknown_strategy_starts_nothing(inside):
    with pytest.raises(ValueError, match="one_for_none"):
        inside(lambda: otp.run_group({"a": idle}, strategy="one_for_none"))
    assert names_below_root(inside) == []


@pytest.mark.parametrize("signals", [[otp.Signal.HEALTHY], [otp.Signal.HEALTHY, otp.Signal.DONE]])
def test_children_are_started_while_the_node_is_new(inside, signals):
    def call():
        for signal in signals:
            otp.signal(signal)
        otp.run("late", idle)

    with pytest.raises(otp.NotNewError) as caught:
        inside(call)
    assert str(caught.value) == f"root has signaled {signals[-1].upper()}: children are started before that"
    assert isinstance(caught.value, RuntimeError)
    assert names_below_root(inside) == []


def test_an_unknown_signal_is_an_error_where_it_is_written(inside):
    with pytest.raises(ValueError, match="unhealthy"):
        inside(lambda: otp.signal("unhealthy"))
    assert inside.system.tree().state is otp.NodeState.NEW


def test_children_of_a_canceled_node_are_never_started(inside):
    ran = []
    began = threading.Event()

    def root():
        began.set()
        otp.wait_canceled()
        otp.run("late", lambda: ran.append(1))

    system = inside.start(root)
    assert began.wait(timeout=30)
    system.stop()
    late = system.node("root.late")
    assert (late.state, late.incarnation) == (otp.NodeState.CANCELED, 0)
    assert ran == []
