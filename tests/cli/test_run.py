"""`otp run`, as a process: it starts a tree, shows it, and stops it in order."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

SERVICE = """
    import otp


    def child() -> None:
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        print(f"the end of {otp.current().dn}\\n", end="", flush=True)


    def root() -> None:
        otp.run("first", child)
        otp.run("second", child)
        child()
"""

MORTAL = """
    import otp


    def mortal() -> None:
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            raise RuntimeError("out of luck")
        otp.logger().info("alive again")
        otp.wait_canceled()


    def root() -> None:
        otp.run("mortal", mortal, backoff=otp.Backoff(initial=0.01))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
"""

DEAF = """
    import threading

    import otp


    def deaf() -> None:
        otp.signal(otp.Signal.HEALTHY)
        print("deaf to all", flush=True)
        threading.Event().wait()


    def root(shutdown: str) -> None:
        otp.run("deaf", deaf, shutdown=float(shutdown))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
"""


def test_a_healthy_tree_is_shown_once(module, otp_run):
    module(SERVICE)
    program = otp_run("service:root")

    program.until("└─ second  HEALTHY   thread")
    program.send(signal.SIGINT)

    assert program.end() == 0
    assert program.lines[:3] == [
        "root       HEALTHY   thread",
        "├─ first   HEALTHY   thread",
        "└─ second  HEALTHY   thread",
    ]
    assert sum("HEALTHY" in line for line in program.lines) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_tree_in_order(module, otp_run, number):
    module(SERVICE)
    program = otp_run("service:root")

    program.until("└─ second")
    program.send(number)

    assert program.end() == 0
    ends = [line for line in program.lines if line.startswith("the end of")]
    assert ends == ["the end of root.second", "the end of root.first", "the end of root"]
    assert "otp: stopping in order; a second signal stops at once" in program.lines
    assert program.lines[-1] == "otp: stopped"


def test_a_death_is_logged_and_the_tree_is_shown_when_it_has_healed(module, otp_run):
    module(MORTAL)
    program = otp_run("service:root")

    death = program.until("ERROR")
    again = program.until("alive again")
    program.until("└─ mortal  HEALTHY   thread, incarnation 2, died of RuntimeError: out of luck")
    program.send(signal.SIGINT)

    assert program.end() == 0
    assert "root.mortal died: RuntimeError: out of luck" in death
    assert "root.mortal root.mortal" not in death  # the place is told once
    assert "INFO     root.mortal alive again" in again


def test_a_second_signal_stops_at_once_and_says_who_did_not_stop(module, otp_run):
    module(DEAF)
    program = otp_run("service:root", "1000")

    program.until("└─ deaf")
    program.send(signal.SIGINT)
    program.until("otp: stopping in order")
    program.send(signal.SIGTERM)

    assert program.end() == 1
    assert "otp: root.deaf did not stop" in program.lines
    assert any("stuck" in line for line in program.lines)
    assert any("threading.Event().wait()" in line for line in program.lines), "where it is stuck is not told"


def test_what_is_stuck_does_not_hold_up_the_end(module, otp_run):
    module(DEAF)
    program = otp_run("service:root", "0.05")

    program.until("deaf to all")
    program.until("└─ deaf")
    program.send(signal.SIGTERM)

    assert program.end() == 1
    assert "otp: root.deaf did not stop" in program.lines


def test_a_tree_that_is_done_ends_the_program(module, otp_run):
    module("""
        import otp

        def root() -> None:
            otp.signal(otp.Signal.HEALTHY)
            otp.signal(otp.Signal.DONE)
    """)
    program = otp_run("service:root")

    assert program.end() == 0
    assert program.lines == ["otp: stopped"]


def test_arguments_reach_the_root_as_strings(module, otp_run):
    module("""
        import otp

        def root(*args: str) -> None:
            print(args)
            otp.signal(otp.Signal.HEALTHY)
            otp.signal(otp.Signal.DONE)
    """)
    program = otp_run("service:root", "1", "--port", "2", "-x", "", "--help")

    assert program.end() == 0
    assert "('1', '--port', '2', '-x', '', '--help')" in program.lines


def test_the_root_may_be_an_attribute_of_an_attribute(module, otp_run):
    module("""
        import otp

        class Service:
            @staticmethod
            async def root() -> None:
                print("a coroutine", flush=True)
                otp.signal(otp.Signal.HEALTHY)
                otp.signal(otp.Signal.DONE)
    """)
    program = otp_run("service:Service.root")

    assert program.end() == 0
    assert "a coroutine" in program.lines


@pytest.mark.parametrize("buffered", [True, False])
def test_nobody_listening_to_it_does_not_hold_up_the_program(module, otp_run, monkeypatch, buffered):
    module(MORTAL)
    if not buffered:
        monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    program = otp_run("service:root")

    program.until("alive again")
    program.hang_up()  # before it shows the healed tree
    program.send(signal.SIGINT)

    assert program.end() == 0


def test_the_installed_command_is_the_same(module, start):
    module(SERVICE)
    program = start(str(Path(sys.executable).with_name("otp")), "run", "service:root")

    program.until("└─ second")
    program.send(signal.SIGINT)

    assert program.end() == 0


def test_main_runs_a_tree_as_a_program_without_showing_it(module, start):
    module(
        """
        import os
        import signal
        import threading

        import otp

        begun = threading.Event()


        def child() -> None:
            otp.signal(otp.Signal.HEALTHY)
            begun.set()
            otp.wait_canceled()
            print(f"the end of {otp.current().dn}\\n", end="", flush=True)


        def root() -> None:
            otp.run("child", child)
            otp.signal(otp.Signal.HEALTHY)
            begun.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            otp.wait_canceled()


        raise SystemExit(otp.main(root))
        """
    )
    program = start(sys.executable, "service.py")

    assert program.end() == 0
    assert program.lines == ["the end of root.child"]
