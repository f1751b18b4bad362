"""What `otp run` cannot run: one line that says why, and status 2."""

from __future__ import annotations

import subprocess
import sys

import pytest

import otp
from otp.cli.target import TargetError, resolve

MODULES = {
    "sound": """
        import otp

        number = 3

        def root(port: int = 1) -> None:
            pass

        class Service:
            pass

        class Server(otp.GenServer):
            def init(self, port: str) -> None:
                pass

        supervisor = otp.Supervisor({"server": otp.Child(Server, "1")})
    """,
    "imports_nothing": "import nowhere_to_be_found\n",
    "imports_too_much": "from json import nowhere_to_be_found\n",
    "raises": """
        def load():
            raise ValueError("no such\\nfile")

        load()
    """,
    "exits": "raise SystemExit('go away')\n",
    "broken": "def root(:\n",
}

CASES = {
    "sound": "'sound' names no runnable; write MODULE:ROOT, as in examples.quickstart:root",
    ":root": "':root' names no runnable; write MODULE:ROOT, as in examples.quickstart:root",
    "sound:": "'sound:' names no runnable; write MODULE:ROOT, as in examples.quickstart:root",
    "absent:root": "there is no module 'absent' here ({here}) or among what is installed",
    "sound.below:root": "there is no module 'sound.below' here ({here}) or among what is installed",
    "imports_nothing:root": "imports_nothing cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found' "
    "({here}/imports_nothing.py, line 1)",
    "raises:root": "raises cannot be imported: ValueError: no such file ({here}/raises.py, line 3)",
    "exits:root": "exits cannot be imported: SystemExit: go away ({here}/exits.py, line 1)",
    "broken:root": "broken cannot be imported: SyntaxError: invalid syntax (broken.py, line 1)",
    "sound:absent": "sound has no 'absent'",
    "sound:root.absent": "sound has no 'root.absent'",
    "sound:number": "sound:number is no runnable: it is not callable, but of type int",
}


@pytest.fixture
def here(tmp_path, module, monkeypatch):
    """A directory of modules; what is imported from it is forgotten."""
    for name, source in MODULES.items():
        module(source, name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.mark.parametrize(("target", "problem"), CASES.items(), ids=CASES)
def test_what_cannot_be_run_is_told_in_one_line(here, target, problem):
    with pytest.raises(TargetError) as error:
        resolve(target, ())

    assert str(error.value) == problem.format(here=here)


def test_a_name_that_a_module_fails_to_import_is_told(here):
    with pytest.raises(
        TargetError, match=r"cannot import name 'nowhere_to_be_found' from 'json' .*imports_too_much.py, line 1"
    ):
        resolve("imports_too_much:root", ())


def test_arguments_that_do_not_fit_are_told(here):
    with pytest.raises(TargetError, match="sound:root cannot be run with 2 arguments: too many positional arguments"):
        resolve("sound:root", ("1", "2"))
    with pytest.raises(TargetError, match="sound:Service cannot be run with 1 argument: too many positional arguments"):
        resolve("sound:Service", ("1",))


def test_what_does_not_tell_its_parameters_is_taken_at_its_word(here):
    assert resolve("builtins:dict", ("1",)) is dict


def test_a_module_of_the_current_directory_goes_before_an_installed_one(here, module):
    module("def root() -> None: pass", "colorsys")

    assert resolve("colorsys:root", ()).__module__ == "colorsys"


def test_ctrl_c_while_the_module_is_imported_is_no_error_of_the_module(here, module):
    module("raise KeyboardInterrupt", "long_to_import")

    with pytest.raises(KeyboardInterrupt):
        resolve("long_to_import:root", ())


@pytest.mark.parametrize("arguments", [("absent:root",), ("raises:root",), ("sound:root", "1", "2")])
def test_the_command_says_so_on_standard_error_and_exits_with_status_2(here, arguments):
    done = subprocess.run(
        [sys.executable, "-m", "otp", "run", *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("otp: ")
    assert done.stderr.count("\n") == 1


def test_a_command_without_what_it_needs_exits_with_status_2(here):
    done = subprocess.run(
        [sys.executable, "-m", "otp", "run"], cwd=here, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 2
    assert "Missing argument" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_is_given_the_arguments_of_its_init(here):
    assert resolve("sound:Server", ("1",)).__name__ == "Server"
    with pytest.raises(
        TargetError, match="sound:Server cannot be run with 0 arguments: missing a required argument: 'port'"
    ):
        resolve("sound:Server", ())


def test_a_supervisor_can_be_run_and_takes_no_arguments(here):
    assert isinstance(resolve("sound:supervisor", ()), otp.Supervisor)
    with pytest.raises(
        TargetError, match="sound:supervisor cannot be run with 1 argument: too many positional arguments"
    ):
        resolve("sound:supervisor", ("1",))
