"""The rings of the log tree, and its streams, without a system."""

from __future__ import annotations

import asyncio
import threading

import pytest

from otp.logs.tree import LogTree

from .records import entry


def texts(entries) -> list[str]:
    return [each.message for each in entries]


def test_records_come_back_in_the_order_in_which_they_were_written_whosever_they_are():
    tree = LogTree()
    for number in range(6):
        tree.write(entry(f"root.{'ab'[number % 2]}", str(number)))

    assert texts(tree.read()) == ["0", "1", "2", "3", "4", "5"]
    assert texts(tree.read("root.a")) == ["0", "2", "4"]
    assert texts(tree.read("root.a", last=2)) == ["2", "4"]
    assert texts(tree.read("root.a", last=0)) == []
    assert texts(tree.read(last=100)) == ["0", "1", "2", "3", "4", "5"]


def test_a_node_is_read_with_those_below_it_or_alone():
    tree = LogTree()
    for dn in ("root", "root.a", "root.a.b", "root.ab"):
        tree.write(entry(dn, dn))

    assert texts(tree.read("root.a")) == ["root.a", "root.a.b"]
    assert texts(tree.read("root.a", below=False)) == ["root.a"]
    assert texts(tree.read("root.nobody")) == []


def test_only_what_is_severe_enough_is_read():
    tree = LogTree()
    tree.write(entry(message="fine"))
    tree.write(entry(message="bad", level="ERROR", severity=40))

    assert texts(tree.read(level="warning")) == ["bad"]
    with tree.stream(backlog=None, level="ERROR") as stream:
        assert next(stream).message == "bad"


def test_a_node_that_writes_much_loses_its_own_oldest_records_only():
    tree = LogTree(per_node=3)
    tree.write(entry("root.calm", "calm"))
    for number in range(10):
        tree.write(entry("root.loud", str(number)))

    assert texts(tree.read()) == ["calm", "7", "8", "9"]


def test_above_the_bound_for_all_the_oldest_go_whosever_they_are():
    tree = LogTree(in_all=4)
    for number in range(6):
        tree.write(entry(f"root.n{number}", str(number)))

    assert texts(tree.read()) == ["2", "3", "4", "5"]
    assert set(tree._rings) == {"root.n2", "root.n3", "root.n4", "root.n5"}
    assert len(tree._order) == 4


def test_a_node_that_has_the_oldest_record_of_all_keeps_its_newest():
    tree = LogTree(in_all=1)
    for number in range(3):
        tree.write(entry("root.a", str(number)))

    assert texts(tree.read()) == ["2"]


def test_the_first_cause_stays_when_the_ring_has_lost_it():
    tree = LogTree(per_node=2)
    tree.write(entry("root.a", "the cause", first_cause=True))
    for number in range(5):
        tree.write(entry("root.a", str(number)))

    assert texts(tree.read("root.a")) == ["the cause", "3", "4"]


def test_the_first_cause_is_not_shown_twice_while_the_ring_has_it():
    tree = LogTree()
    tree.write(entry("root.a", "before"))
    tree.write(entry("root.a", "the cause", first_cause=True))

    assert texts(tree.read("root.a")) == ["before", "the cause"]


def test_first_causes_are_kept_of_so_many_nodes_only(monkeypatch):
    monkeypatch.setattr("otp.logs.tree._CAUSES", 2)
    tree = LogTree(in_all=1)
    for number in range(4):
        tree.write(entry(f"root.n{number}", str(number), first_cause=True))
    tree.write(entry("root.last", "last"))

    assert texts(tree.read()) == ["2", "3", "last"]


def test_a_stream_gives_what_is_kept_and_then_what_comes_without_a_gap():
    tree = LogTree()
    for number in range(5):
        tree.write(entry(message=str(number)))
    with tree.stream(backlog=2) as stream, tree.stream() as fresh:
        tree.write(entry(message="5"))
        tree.write(entry("elsewhere", "not ours"))
        tree.end()

        assert texts(stream) == ["3", "4", "5"]
        assert texts(fresh) == ["5"]


def test_a_reader_that_stands_still_misses_the_oldest_and_is_told_how_many():
    tree = LogTree()
    stream = tree.stream(bound=3)
    for number in range(10):
        tree.write(entry(message=str(number)))
    tree.end()

    assert stream.missed == 7
    assert texts(stream) == ["7", "8", "9"]


def test_a_stream_can_be_read_on_an_event_loop():
    tree = LogTree()
    stream = tree.stream()

    async def read() -> list[str]:
        return [each.message async for each in stream]

    reader: list[str] = []
    thread = threading.Thread(target=lambda: reader.extend(asyncio.run(read())))
    thread.start()
    tree.write(entry(message="one"))
    tree.write(entry(message="two"))
    tree.end()
    thread.join(timeout=10)

    assert reader == ["one", "two"]


def test_a_closed_stream_costs_nothing_any_more():
    tree = LogTree()
    tree.stream().close()
    tree.stream()

    assert len(tree._streams) == 1


def test_a_tree_that_has_ended_can_still_be_read():
    tree = LogTree()
    tree.write(entry(message="kept"))
    tree.end()

    assert texts(tree.stream(backlog=None)) == ["kept"]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda tree: tree.read(level="LOUD"), "no level 'LOUD'"),
        (lambda tree: tree.read(last=-1), "negative"),
        (lambda tree: tree.stream(backlog=-1), "backlog"),
        (lambda tree: tree.stream(bound=0), "bound"),
    ],
)
def test_what_makes_no_sense_is_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call(LogTree())
