"""Programs that end without having stopped their system: they are told, and end all the same."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PATIENCE = 60.0
"""Seconds for a whole program, which takes 1 to 3."""
WARNING = "ResourceWarning: an otp.System was never stopped; use `with`, or stop()"

PRELUDE = """
import sys, threading, otp

def serve():
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()
    print("ended in order", flush=True)

def never_listens():
    otp.signal(otp.Signal.HEALTHY)
    threading.Event().wait()

def never_ends():
    # What measures coverage writes its file beside this thread, and waits the interval at each of thousands of steps:
    # 71 s with Python's 5 ms, 3.6 s with this.
    sys.setswitchinterval(1e-4)
    otp.signal(otp.Signal.HEALTHY)
    while True:
        pass

def root(child):
    otp.run("child", child)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()
"""


def run(program, *options):
    """Runs it to its end, and fails if it does not end: exit status, output, what it said on standard error."""
    done = subprocess.run(
        [sys.executable, *options, "-c", PRELUDE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


FORGETFUL = """
    system = otp.System(root, {})
    system.start()
    system.wait_healthy(5)
"""


@pytest.mark.parametrize("child", ["serve", "never_listens", "never_ends"])
@pytest.mark.parametrize("option", ["always", "error"])
def test_a_system_that_was_never_stopped_is_stopped_at_exit_with_a_warning(child, option):
    status, output, said = run(FORGETFUL.format(child), "-W", f"{option}::ResourceWarning")

    assert status == 0
    # Without its category: threads of the dying interpreter write between the pieces that it is printed in.
    assert WARNING.removeprefix("ResourceWarning: ") in said
    assert output == ("ended in order\n" if child == "serve" else "")


def test_the_warning_is_one_that_python_does_not_show_unless_it_is_asked_to():
    status, _, said = run(FORGETFUL.format("serve"))

    assert (status, said) == (0, "")


@pytest.mark.parametrize("leaving", ["sys.exit(7)", "raise SystemExit(7)"])
def test_the_exit_status_is_the_programs_own(leaving):
    status, output, said = run(FORGETFUL.format("serve") + f"    {leaving}\n", "-W", "always::ResourceWarning")

    assert status == 7
    assert WARNING in said
    assert output == "ended in order\n"


def test_a_program_that_dies_of_an_exception_says_so_and_stops_its_system():
    status, output, said = run(FORGETFUL.format("never_listens") + "    raise ValueError('boom')\n")

    assert status == 1
    assert "ValueError: boom" in said
    assert output == ""


def test_a_system_that_was_stopped_is_not_complained_about():
    program = """
        with otp.System(root, serve) as system:
            system.wait_healthy(5)
    """
    status, output, said = run(program, "-W", "error::ResourceWarning")

    assert (status, output, said) == (0, "ended in order\n", "")


def test_a_system_that_was_never_started_is_not_complained_about():
    status, _, said = run("system = otp.System(root, serve)", "-W", "error::ResourceWarning")

    assert (status, said) == (0, "")


def test_a_system_that_was_stopped_although_something_is_stuck_is_not_complained_about():
    program = """
        import loguru; loguru.logger.remove()

        system = otp.System(root, never_listens)
        system.start()
        system.wait_healthy(5)
        print(system.stop(0).unstopped)
    """
    status, output, said = run(program, "-W", "always::ResourceWarning")

    assert (status, output, said) == (0, "('root.child',)\n", "")


def test_coroutines_are_stopped_at_exit_too():
    program = """
        import asyncio

        async def serves():
            otp.signal(otp.Signal.HEALTHY)
            try:
                await asyncio.sleep(3600)
            finally:
                print("ended in order", flush=True)

        system = otp.System(serves)
        system.start()
        system.wait_healthy(5)
    """
    status, output, said = run(program, "-W", "always::ResourceWarning")

    assert status == 0
    assert output == "ended in order\n"
    assert WARNING in said


def test_a_runnable_that_dies_over_and_over_does_not_keep_the_program():
    program = """
        import loguru; loguru.logger.remove()

        def dies():
            raise ValueError

        system = otp.System(root, dies, backoff=otp.Backoff(initial=0))
        events = system.events()
        system.start()
        for event in events:
            if isinstance(event, otp.events.Died) and event.incarnation >= 10:  # some may be missed, by one who reads slowly
                break
    """
    status, _, said = run(program, "-W", "always::ResourceWarning")

    assert status == 0
    assert WARNING in said


def test_two_systems_that_were_never_stopped_are_both_stopped():
    program = FORGETFUL.format("serve") + FORGETFUL.format("serve").replace("system", "second")
    status, output, said = run(program, "-W", "always::ResourceWarning")

    assert status == 0
    assert output == "ended in order\n" * 2
    assert said.count(WARNING) == 2
