"""How many children there are, and what many of them cost; supervisor_SUITE 39, 40 and 44."""

from __future__ import annotations

import gc
from sys import setprofile as sys_setprofile

import pytest

import otp
from otp.tree.loop import Loop

from .stage import counts, crash, states


async def serve() -> None:
    """A coroutine, for thousands of threads are no help here."""
    otp.signal(otp.Signal.HEALTHY)
    await otp.areceive()


def test_count_children_of_a_thousand_and_of_two_thousand(threads):
    sup = threads.run(otp.DynamicSupervisor()).ref
    assert counts(sup.count_children()) == (0, 0, 0, 0)
    refs = [sup.start_child(serve) for _ in range(1000)]
    assert counts(sup.count_children()) == (1000, 1000, 0, 1000)
    refs += [sup.start_child(serve) for _ in range(1000)]
    assert counts(sup.count_children()) == (2000, 2000, 0, 2000)
    assert [info.ref for info in sup.which_children()] == refs
    for ref in refs[:1000]:
        sup.terminate_child(ref)
    assert counts(sup.count_children()) == (1000, 1000, 0, 1000)


def test_count_children_supervisor_counts_both_kinds(stage):
    children = {f"s{number}": otp.Supervisor() for number in range(100)}
    children |= {f"w{number}": otp.Child(serve) for number in range(200)}
    sup = stage.run(otp.Supervisor(children))
    assert counts(sup.count_children()) == (300, 300, 100, 200)
    sup.terminate_child("s0")
    sup.terminate_child("w0")
    assert counts(sup.count_children()) == (300, 298, 100, 200)
    sup.delete_child("s0")
    sup.delete_child("w0")
    assert counts(sup.count_children()) == (298, 298, 99, 199)


def test_count_restarting_children_are_workers_and_not_active(stage):
    sup = stage.run(otp.Supervisor(max_restarts=10**9))
    parts = stage.parts("abcd")
    for part in parts:
        sup.start_child(part.name, part())
    for number, part in enumerate(parts, 1):
        part.always = crash
        stage.ref(f"root.s.{part.name}").send(crash)
        stage.until_noted(f"+{part.name}", 3)
        assert list(states(sup.which_children()).values()) == ["restarting"] * number + ["running"] * (4 - number)
        assert counts(sup.count_children())[2:] == (0, 4)
        assert sup.count_children().active in {4 - number, 4 - number + 1}  # one of them may be at its next try
    for number, part in enumerate(parts, 1):
        sup.terminate_child(part.name)
        assert states(sup.which_children())[part.name] == "stopped"
        assert sup.count_children().specs == 4
        if number == 4:
            assert sup.count_children().active == 0


def test_count_restarting_children_of_a_dynamic_supervisor(stage):
    sup = stage.run(otp.DynamicSupervisor(max_restarts=10**9))
    parts = stage.parts("ab")
    refs = [sup.start_child(part(), name=part.name) for part in parts]
    parts[0].always = crash
    refs[0].send(crash)
    stage.until_noted("+a", 3)
    assert counts(sup.count_children())[2:] == (0, 2)
    sup.terminate_child(refs[0])
    assert counts(sup.count_children()) == (1, 1, 0, 1)


@pytest.mark.parametrize("kind", [otp.Supervisor, otp.DynamicSupervisor])
def test_scale_start_stop_many_children_takes_work_in_proportion_to_their_number(monkeypatch, kind):
    small, large = (_work_of(monkeypatch, kind, number) for number in (100, 800))
    assert large < small * 8 * 1.5


def _work_of(monkeypatch, kind, number: int) -> int:
    """How many functions of otp the loop of the tree has called, to start so many children and to stop them."""
    calls = 0

    def count(frame, event, argument) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    work = Loop._work

    def counted(self, most):
        sys_setprofile(count)
        try:
            work(self, most)
        finally:
            sys_setprofile(None)

    monkeypatch.setattr(Loop, "_work", counted)
    gc.collect()
    if kind is otp.Supervisor:
        system = otp.System(kind({f"c{each}": serve for each in range(number)}))
        with system:
            system.wait_healthy(30)
    else:
        with otp.System(kind()) as system:
            ref = otp.DynamicSupervisorRef("root", system)
            for _ in range(number):
                ref.start_child(serve)
    return calls
