"""The exchange of the example: as a program, and its server by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import otp
from examples import channel_allocator as example

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 10.0


@pytest.fixture
def exchange(otp_harness):
    """The system, the server and the supervisor of the calls."""
    system = otp_harness.start(example.root)
    system.wait_healthy(timeout=PATIENCE)
    return (
        system,
        system.ref(f"{example.EXCHANGE}.channels", example.Channels),
        system.ref(f"{example.EXCHANGE}.calls", otp.DynamicSupervisorRef),
    )


def dial(calls, channels, name):
    child = otp.Child(example.PhoneCall, channels, restart=otp.Restart.TEMPORARY)
    return calls.start_child(child, name=name)


def test_its_story_comes_out_as_it_is_told():
    program = subprocess.run(
        [sys.executable, "-m", "examples.channel_allocator"],
        cwd=CHECKOUT,
        capture_output=True,  # one pipe each: a line of the log may come in the middle of one of the story
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )

    assert program.returncode == 0
    assert program.stdout.splitlines() == [
        "the exchange is open                                     free: [1, 2]",
        "anna and bert are on the phone                           free: []",
        "carl is not: all channels are taken                      free: []",
        "anna hangs up                                            free: [1]",
        "bert is cut off, and cannot hang up any more             free: [1, 2]",
        "dora is on the phone                                     free: [2]",
        "the server has crashed, and dora's call ended with it    free: [1, 2]",
        "calls: 0",
    ]
    assert "root.exchange.channels died: KeyError: 99" in program.stderr
    assert "root.exchange.channels started again, incarnation 2" in program.stderr


def test_a_call_that_is_to_start_when_all_channels_are_taken_does_not(exchange, otp_harness):
    otp_harness.expect_death("root.exchange.calls.three", match="all channels are taken")
    _, channels, calls = exchange
    dial(calls, channels, "one")
    dial(calls, channels, "two")

    with pytest.raises(otp.ChildStartError) as caught:
        dial(calls, channels, "three")

    assert isinstance(caught.value.reason, example.BusyError)
    assert channels.available() == []
    assert calls.count_children().active == 2


def test_who_hangs_up_gives_its_channel_back_once(exchange):
    _, channels, calls = exchange
    one, two = (dial(calls, channels, name) for name in ("one", "two"))

    one.hang_up()

    assert channels.available() == [1]
    dial(calls, channels, "three")
    two.hang_up()
    assert channels.available() == [2]  # and no monitor of the first call's has freed the third one's


def test_the_channel_of_a_call_that_crashes_is_free_again(exchange, otp_harness):
    otp_harness.expect_death("root.exchange.calls.one")
    system, channels, calls = exchange
    events = system.events()
    one = dial(calls, channels, "one")

    one.cast("a message that it does not know")
    example.wait_for(otp.events.Died, one.dn, events)

    assert channels.available() == [1, 2]


def test_a_crash_of_the_server_ends_the_calls_and_begins_with_all_channels(exchange, otp_harness):
    otp_harness.expect_death("root.exchange.channels", match="KeyError: 7")
    system, channels, calls = exchange
    one = dial(calls, channels, "one")
    events = system.events()

    channels.free(7)
    example.wait_for(otp.events.Healthy, calls.dn, events)

    assert not one.is_alive()
    assert channels.available() == [1, 2]
    assert system.node(channels.dn).incarnation == 2
    assert system.tree().incarnation == 1
