"""`PartitionSupervisor`, as Elixir's: the same child many times, found by a key."""

from __future__ import annotations

import asyncio
import enum
import os
import subprocess
import sys
from collections import Counter as Tally
from uuid import UUID

import pytest

import otp

from .stage import counts, crash


class CountRef(otp.Ref):
    __slots__ = ()


class Count(otp.GenServer):
    ref_type = CountRef

    def init(self, *args):
        self.args = args

    def handle_call(self, request, sender):
        return self.args


class Color(enum.Enum):
    RED = 1


class Name(enum.StrEnum):
    ANN = "ann"


KEYS = [
    "user 17",
    "",
    "\ud800",
    b"bytes",
    None,
    1.5,
    float("nan"),
    Color.RED,
    UUID(int=77),
    ("user", 17, None),
    frozenset({"a", "b", "c"}),
]


def test_partitions_are_called_by_their_numbers_and_an_int_leads_to_its_remainder(stage):
    sup = stage.run(otp.PartitionSupervisor(stage.serve, partitions=3))
    assert sup.ref.partitions == 3
    for key, number in {0: 0, 1: 1, 2: 2, 3: 0, 4: 1, -1: 1, -5: 2, 10**30: 10**30 % 3}.items():
        assert sup.ref.partition(key) == stage.ref(f"root.s.{number}")
    assert [node.name for node in stage.system.node("root.s").children] == ["0", "1", "2"]
    assert counts(sup.count_children()) == (3, 3, 0, 3)


def test_the_example_of_elixir_key_3_of_2_partitions_is_partition_1(threads):
    assert threads.run(otp.PartitionSupervisor(threads.serve, partitions=2)).ref.partition(3).name == "1"


def test_a_key_leads_to_the_same_partition_whatever_the_hash_seed_of_the_program():
    code = """
import otp, tests.behaviours.supervisor.test_partition_supervisor as here
with otp.System(otp.PartitionSupervisor(here.Count, partitions=1000)) as system:
    system.wait_healthy()
    print([otp.PartitionSupervisorRef("root", system).partition(key).name for key in here.KEYS])
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=50,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(set(next(iter(found)).split(","))) > 5


def test_equal_keys_lead_to_the_same_partition(threads):
    ref = threads.run(otp.PartitionSupervisor(threads.serve, partitions=97)).ref
    for one, other in [
        (5, 5.0),
        (-7, -7.0),
        (1, True),
        ("ann", Name.ANN),
        ((1, "a"), (1.0, "a")),
        (frozenset({"a", "b", "c"}), frozenset({"c", "b", "a"})),
        (otp.Ref("root.a", threads.system), CountRef("root.a", threads.system)),
    ]:
        assert one == other
        assert ref.partition(one) == ref.partition(other)


def test_keys_are_spread_over_the_partitions(threads):
    ref = threads.run(otp.PartitionSupervisor(threads.serve, partitions=8)).ref
    for keys in (
        [f"user-{number}" for number in range(800)],
        [("user", number) for number in range(800)],
        [str(number) for number in range(800)],
    ):
        tally = Tally(ref.partition(key).name for key in keys)
        assert len(tally) == 8
        assert min(tally.values()) > 50


@pytest.mark.parametrize("key", [object(), len, [], {}, (object(),)])
def test_a_key_that_has_no_hash_that_stays_is_refused(threads, key):
    ref = threads.run(otp.PartitionSupervisor(threads.serve, partitions=2)).ref
    with pytest.raises(TypeError, match="hash"):
        ref.partition(key)


def test_there_are_as_many_as_cpus_unless_something_else_is_asked_for():
    assert len(otp.PartitionSupervisor(Count).children) == os.cpu_count()


def test_with_arguments_gives_each_partition_its_own(stage):
    child = otp.Child(Count, "x", shutdown=1.0, restart=otp.Restart.TRANSIENT)
    supervisor = otp.PartitionSupervisor(child, partitions=3, with_arguments=lambda args, number: (*args, number))
    assert child.args == ("x",)
    assert {(each.shutdown, each.restart) for each in supervisor.children.values()} == {(1.0, otp.Restart.TRANSIENT)}
    ref = stage.run(supervisor).ref
    assert [ref.partition(number).call("what", None) for number in range(3)] == [("x", 0), ("x", 1), ("x", 2)]


def test_partitions_are_restarted_as_the_children_of_a_supervisor_are(stage):
    a = stage.part("a")
    sup = stage.run(otp.PartitionSupervisor(a(), partitions=2, max_restarts=1))
    stage.crash("root.s.0")
    assert counts(sup.count_children()) == (2, 2, 0, 2)
    assert sorted(a.incarnations) == [1, 1, 2]
    stage.end("root.s.1", crash)
    stage.gone("root.s")
    with pytest.raises(otp.NoProcessError):
        sup.count_children()


def test_the_strategy_is_that_of_a_supervisor(stage):
    a = stage.part("a")
    stage.run(otp.PartitionSupervisor(a(), partitions=3, strategy=otp.Strategy.ONE_FOR_ALL))
    stage.crash("root.s.1")
    assert sorted(a.incarnations) == [1, 1, 1, 2, 2, 2]


def test_refs_of_partitions_are_of_the_kind_that_the_child_wants(threads):
    ref = threads.run(otp.PartitionSupervisor(Count, partitions=2)).ref
    assert type(ref.partition("a")) is CountRef
    assert type(otp.PartitionSupervisorRef("root.s", threads.system).partition("a")) is CountRef


def test_it_is_known_at_once_how_many_there_will_be(threads):
    told = []

    def root() -> None:
        ref = otp.run("p", otp.PartitionSupervisor(Count, partitions=5))
        told.append((ref.partitions, ref.partition(7)))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    with otp.System(root) as system:
        system.wait_healthy(10)
        assert told == [(5, otp.Ref("root.p.2", system))]
        assert isinstance(told[0][1], CountRef)


def test_a_ref_that_does_not_come_from_its_start_asks_where_it_lives(threads):
    ref = otp.PartitionSupervisorRef
    threads.run(otp.PartitionSupervisor(threads.serve, partitions=4))
    assert ref("root.s", threads.system).partitions == 4
    for dn in ("root", "root.nobody", "root.s.0"):
        with pytest.raises(otp.NoProcessError) as caught:
            _ = ref(dn, threads.system).partitions
        assert caught.value.ref.dn == dn
        with pytest.raises(otp.NoProcessError):
            ref(dn, threads.system).partition("a")
        with pytest.raises(otp.NoProcessError):
            ref(dn, threads.system).count_children()
    threads.stop()
    with pytest.raises(otp.NoProcessError):
        ref("root.s", threads.system).partition("a")


def test_a_ref_follows_one_that_was_put_in_the_place_of_another(threads):
    sup = threads.run(otp.Supervisor()).ref
    ref = sup.start_child("p", otp.PartitionSupervisor(threads.serve, partitions=2))
    sup.terminate_child("p")
    assert ref.partitions == 2
    sup.delete_child("p")
    sup.start_child("p", otp.PartitionSupervisor(threads.serve, partitions=3))
    assert ref.partitions == 3


def test_a_partition_may_be_a_dynamic_supervisor(stage):
    sup = stage.run(otp.PartitionSupervisor(otp.DynamicSupervisor(), partitions=2))
    inner = stage.asking(sup.ref.partition("a").dn, otp.DynamicSupervisorRef)
    assert type(sup.ref.partition("a")) is otp.DynamicSupervisorRef
    child = inner.start_child(stage.serve)
    assert child.is_alive()
    assert counts(sup.count_children()) == (2, 2, 2, 0)


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ({"partitions": 0}, ValueError),
        ({"partitions": -1}, ValueError),
        ({"partitions": 1.0}, TypeError),
        ({"partitions": True}, TypeError),
        ({"partitions": 1, "with_arguments": lambda args, number: [number]}, TypeError),
        ({"strategy": "one_for_one"}, TypeError),
        ({"max_restarts": -1}, ValueError),
        ({"max_seconds": 0}, ValueError),
        ({"auto_shutdown": otp.AutoShutdown.NEVER}, TypeError),
    ],
)
def test_what_no_partition_supervisor_can_be_is_refused_where_it_is_written(flags, error):
    with pytest.raises(error):
        otp.PartitionSupervisor(Count, **flags)


def test_a_child_that_is_none_or_significant_is_refused():
    with pytest.raises(TypeError, match="callable"):
        otp.PartitionSupervisor(None, partitions=1)
    with pytest.raises(ValueError, match="significant"):
        otp.PartitionSupervisor(otp.Child(Count, restart=otp.Restart.TRANSIENT, significant=True), partitions=1)


def test_its_blocking_form_refuses_to_block_an_event_loop(threads):
    ref = threads.run(otp.PartitionSupervisor(threads.serve, partitions=2)).ref

    async def ask() -> None:
        with pytest.raises(otp.BlockingCallError, match="acount_children"):
            ref.count_children()
        assert ref.partition(1).name == "1"  # waits for nothing
        assert (await ref.acount_children()).active == 2

    asyncio.run(ask())
