"""A program that is a tree (R13): what ends a runnable does not end the program, and a signal stops it in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import asyncio, sys, threading
    import otp

    said = threading.Lock()

    def say(text):
        with said:
            print(text, flush=True)

    def ends(kind):
        if otp.current().incarnation == 1:
            raise kind(3)
        serve()

    async def ends_too(kind):
        if otp.current().incarnation == 1:
            raise kind(3)
        otp.signal(otp.Signal.HEALTHY)
        try:
            await asyncio.Event().wait()
        finally:
            say(f"{otp.current().dn} ends")

    def serve():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        say(f"{otp.current().dn} ends")

    def root():
        soon = otp.Backoff(initial=0.0)
        otp.run("exits", ends, SystemExit, backoff=soon)
        otp.run("interrupted", ends, KeyboardInterrupt, backoff=soon)
        otp.run("coroutine", ends_too, SystemExit, backoff=soon)
        otp.run("last", last)
        serve()

    def last():
        otp.signal(otp.Signal.HEALTHY)
        watch = threading.Thread(target=otp.bind(tell), daemon=True)
        watch.start()
        otp.wait_canceled()
        say(f"{otp.current().dn} ends")

    def tell():
        for event in events:
            if isinstance(event, otp.events.Healthy):
                healthy.add(event.dn)
            if len(healthy) == 5:
                say("all healthy")
                return

    from otp.program import run_system
    healthy = set()
    system = otp.System(root)
    events = system.events()
    sys.exit(run_system(system))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exits_of_runnables_are_deaths_and_a_signal_stops_the_program_in_order(tmp_path, number):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "all healthy\n"
        program.send_signal(number)
        output, errors = program.communicate(timeout=30)
    assert program.returncode == 0, errors
    order = ["root.last", "root.coroutine", "root.interrupted", "root.exits", "root"]
    assert output.splitlines() == [f"{dn} ends" for dn in order]
    assert "root.exits died: SystemExit: 3" in errors
    assert "root.interrupted died: KeyboardInterrupt: 3" in errors
    assert "root.coroutine died: SystemExit: 3" in errors


def test_a_system_that_was_never_stopped_is_warned_of_and_stopped_at_exit(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        textwrap.dedent(
            """
            import otp

            def root():
                otp.signal(otp.Signal.HEALTHY)
                otp.wait_canceled()
                print("stopped in order", flush=True)

            system = otp.System(root)
            system.start()
            system.wait_healthy(timeout=30)
            """
        ),
        encoding="utf-8",
    )
    command = [sys.executable, "-W", "always", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "stopped in order\n")
    assert "ResourceWarning: an otp.System was never stopped; use `with`, or stop()" in done.stderr


def test_a_runnable_that_never_ends_does_not_hold_up_the_exit_of_the_interpreter(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        textwrap.dedent(
            """
            import asyncio, threading
            import otp

            def deaf():
                otp.signal(otp.Signal.HEALTHY)
                threading.Event().wait()

            async def deaf_in_executor():
                otp.signal(otp.Signal.HEALTHY)
                await asyncio.to_thread(deaf_call)

            def deaf_call():
                in_executor.set()
                threading.Event().wait()

            def root():
                otp.run("deaf", deaf)
                otp.run("executor", deaf_in_executor)
                otp.signal(otp.Signal.HEALTHY)
                otp.wait_canceled()

            in_executor = threading.Event()
            system = otp.System(root)
            system.start()
            system.wait_healthy(timeout=30)
            in_executor.wait()
            print("main is over", flush=True)
            """
        ),
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "main is over\n")
