"""The key-value store of the example: as a program, and as a tree under virtual time."""

from __future__ import annotations

import signal

import pytest

import otp
from examples import key_value as example
from otp.testing import VirtualClock

MODULE = "examples.key_value"
PATIENCE = 10.0


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def system(otp_harness, clock):
    system = otp_harness.start(example.root, clock.monotonic, clock=clock)
    system.wait_healthy(timeout=PATIENCE)
    return system


@pytest.fixture
def store(system):
    return system.ref(example.STORE, example.KeyValue)


def until(events, kind, dn):
    return next(event for event in events if isinstance(event, kind) and event.dn == dn)


def expired(log):
    """What the janitor says next of what has expired."""
    return next(entry.message for entry in log if "expired" in entry.message)


def apart(store):
    """A key of each partition."""
    keys = {store.partition(key): key for key in map(str, range(1000))}
    assert len(keys) == example.PARTITIONS
    return list(keys.values())


# --- the program ---


def test_it_answers_commands_until_ctrl_c(dialogue):
    program = dialogue(MODULE)
    program.until("type help")

    assert program.ask("set colour green") == "ok"
    assert program.ask("set mood good 3600") == "ok"
    assert program.ask("get colour") == "green"
    assert program.ask("count") == "2"
    assert program.ask("delete colour") == "ok"
    assert program.ask("delete colour") == "(nothing)"
    assert program.ask("get colour") == "(nothing)"
    assert program.ask("get mood") == "good"
    assert program.ask("set mood good soon") == "error: could not convert string to float: 'soon'"
    assert program.ask("help").startswith("commands: ")
    program.process.send_signal(signal.SIGINT)

    assert program.until("stopped") == "stopped"
    assert program.end() == 0


def test_it_ends_when_there_is_no_more_to_read_and_a_crash_is_an_error_to_who_caused_it(dialogue):
    program = dialogue(MODULE)
    program.until("type help")

    assert program.ask("crash colour").startswith("error: root.store.partitions.")
    program.process.stdin.close()

    assert program.hear() == "stopped"
    assert program.end() == 0


# --- the store ---


def test_what_is_put_is_there_until_it_is_deleted(store):
    assert store.get("a") is None
    store.put("a", "1")
    store.put("a", "2")

    assert store.get("a") == "2"
    assert store.count() == 1
    assert store.delete("a") is True
    assert store.delete("a") is False
    assert store.get("a") is None


def test_what_has_expired_is_not_seen_even_before_the_janitor_has_been_there(store, clock):
    store.put("short", "1", 0.5)
    store.put("again", "1", 0.5)
    store.put("again", "2")

    clock.advance(0.5)

    assert store.get("short") is None
    assert store.get("again") == "2"
    assert store.count() == 1
    assert store.delete("short") is False


def test_the_janitor_makes_its_rounds_and_partitions_forget(system, store, clock):
    log = system.logs.stream(example.JANITOR)
    for key in apart(store):
        store.put(key, "1", 10.0)
    store.put("stays", "1", 1000.0)

    clock.advance(9.0)  # nine rounds, and nothing has expired
    clock.advance(1.0)

    assert expired(log) == "4 keys have expired"
    assert store.forget() == 0
    assert store.get("stays") == "1"


def test_a_partition_that_crashes_comes_back_empty_and_the_others_keep_what_they_have(system, store, otp_harness):
    keys = apart(store)
    broken = store.partition(keys[0])
    otp_harness.expect_death(broken.dn, match="no request")
    for key in keys:
        store.put(key, key)
    events = system.events()

    with pytest.raises(otp.ServerExitError):
        broken.call("no request")
    until(events, otp.events.Healthy, broken.dn)

    assert [store.get(key) for key in keys] == [None, *keys[1:]]
    assert system.node(example.JANITOR).incarnation == 1
    assert [system.node(store.partition(key).dn).incarnation for key in keys] == [2, 1, 1, 1]


def test_a_janitor_that_crashes_costs_the_store_nothing_and_the_next_one_makes_rounds(
    system, store, clock, otp_harness
):
    otp_harness.expect_death(example.JANITOR, match="a bug")
    store.put("a", "1", 1.0)
    store.put("b", "2")
    events = system.events()
    log = system.logs.stream(example.JANITOR)

    system.ref(example.JANITOR).exit(RuntimeError("a bug"))
    until(events, otp.events.Healthy, example.JANITOR)
    clock.advance(1.0)

    assert expired(log) == "1 keys have expired"
    assert store.get("b") == "2"


def test_partitions_that_give_up_are_all_started_anew_with_the_janitor_after_them(system, store, otp_harness):
    broken = store.partition("a")
    otp_harness.expect_death(broken.dn, match="no request")
    otp_harness.expect_death(example.STORE)
    store.put("a", "1")
    events = system.events()

    for _ in range(4):  # one more than a supervisor stands within five seconds
        with pytest.raises(otp.ServerExitError):
            broken.call("no request")
        until(events, otp.events.Healthy, broken.dn)
    until(events, otp.events.Healthy, example.JANITOR)

    assert store.count() == 0
    store.put("a", "2")
    assert store.get("a") == "2"
    assert system.node(example.JANITOR).incarnation == 2
