"""The pytest plugin, in runs of pytest that fail as they should."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEADER = """
import threading
import pytest
import otp
from otp.testing import VirtualClock

def serve():
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()

def dies():
    raise ValueError("boom")

def family(child):
    def root():
        otp.run("a", child)
        serve()
    return root

def await_death(system):
    events = system.events()
    dead = [node for node in system.tree().walk() if node.state is otp.NodeState.DEAD]
    assert dead or any(isinstance(event, otp.events.Died) for event in events)
"""


@pytest.fixture
def run(pytester):
    """Run pytest over a file with `HEADER` and these tests."""

    def run(tests, *options):
        pytester.makepyfile(HEADER + tests)
        loaded = [] if has_entry_point() else ["-p", "otp.testing.plugin"]
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *loaded, *options)

    return run


def has_entry_point():
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and needed here only

    return any(point.value == "otp.testing.plugin" for point in entry_points(group="pytest11"))


def test_a_test_in_whose_tree_nothing_goes_wrong_passes(run):
    result = run(
        """
def test_well(otp_harness):
    system = otp_harness.start(family(serve))
    system.wait_healthy(timeout=30)
"""
    )
    result.assert_outcomes(passed=1)
    assert result.ret == 0


def test_a_death_that_was_not_declared_fails_the_test(run):
    result = run(
        """
def test_bad(otp_harness):
    await_death(otp_harness.start(family(dies), clock=VirtualClock()))
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*root.a, incarnation 1, died, which the test has not declared:*", "*ValueError: boom*"]
    )


def test_a_death_that_was_declared_does_not_and_one_that_did_not_happen_does(run):
    result = run(
        """
def test_declared(otp_harness):
    otp_harness.expect_death("root.a", match="boom")
    await_death(otp_harness.start(family(dies), clock=VirtualClock()))

def test_missing(otp_harness):
    otp_harness.expect_death("root.a", match="boom")
    otp_harness.start(family(serve)).wait_healthy(timeout=30)
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["declared, but it did not happen: the death of root.a by an error that matches 'boom'"]
    )


def test_a_hang_fails_the_test_and_shows_where_it_hangs(run, monkeypatch):
    monkeypatch.setattr("otp.testing.harness._STOP", 0.1)
    result = run(
        """
gate = threading.Event()

def deaf():
    otp.signal(otp.Signal.HEALTHY)
    gate.wait()

def test_hang(otp_harness):
    otp_harness.start(family(deaf)).wait_healthy(timeout=30)

def test_after_it():
    gate.set()
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["did not end within 0.1 s*", "root.a, incarnation 1:", "*in deaf", "*gate.wait()"])


def test_a_leak_fails_the_test(run, monkeypatch):
    monkeypatch.setattr("otp.testing.leaks._PATIENCE", 0.05)
    result = run(
        """
gate = threading.Event()

def leaks():
    threading.Thread(target=gate.wait, name="straggler", daemon=True).start()
    serve()

def test_leak(otp_harness):
    otp_harness.start(family(leaks)).wait_healthy(timeout=30)

def test_after_it():
    gate.set()
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["left behind: thread 'straggler':"])


def test_a_test_that_fails_by_itself_shows_its_own_failure_and_the_trees_beside_it(run):
    result = run(
        """
def test_bad(otp_harness):
    await_death(otp_harness.start(family(dies), clock=VirtualClock()))
    assert "mine" == "failure"
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 'mine' == 'failure'*", "*Captured otp call*", "root.a, incarnation 1, died*"])


def test_a_test_that_fails_by_itself_in_a_good_tree_shows_nothing_of_it(run):
    result = run(
        """
def test_bad(otp_harness):
    otp_harness.start(serve).wait_healthy(timeout=30)
    assert "mine" == "failure"
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*otp call*")


def test_the_tree_is_stopped_before_other_fixtures_are_torn_down(run):
    result = run(
        """
@pytest.fixture
def resource():
    resource = ["open"]
    yield resource
    resource.clear()

def test_order(otp_harness, resource):
    def uses():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        resource[0]
    otp_harness.start(family(uses)).wait_healthy(timeout=30)
"""
    )
    result.assert_outcomes(passed=1)


def test_the_harness_of_a_fixture_is_stopped_as_well(run):
    result = run(
        """
@pytest.fixture
def service(otp_harness):
    await_death(otp_harness.start(family(dies), clock=VirtualClock()))

def test_indirect(service):
    pass
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["root.a, incarnation 1, died*"])


def test_where_a_fixture_fails_after_the_start_the_tree_is_stopped_in_its_turn(run):
    result = run(
        """
systems = []

@pytest.fixture
def broken(otp_harness):
    otp_harness.expect_death("root.a")
    systems.append(otp_harness.start(family(serve)))
    raise LookupError("of the fixture")

def test_never_runs(broken):
    pass

def test_after_it():
    assert systems[0].tree().state is otp.NodeState.CANCELED
"""
    )
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*HarnessError: declared, but it did not happen: the death of root.a"])


def test_tests_that_do_not_use_it_import_nothing_of_it(pytester):
    """In a process of its own, for here everything has been imported long ago."""
    pytester.makepyfile(
        """
        import sys

        def test_plain():
            heavy = [name for name in sys.modules if name.partition(".")[0] in {"pykka", "loguru", "asyncio", "otp"}]
            assert sorted(heavy) == ["otp", "otp.testing", "otp.testing.plugin"]
        """
    )
    loaded = [] if has_entry_point() else ["-p", "otp.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:asyncio", *loaded]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_otp_itself_needs_no_pytest():
    code = (
        "import sys, otp, otp.testing.harness; assert otp.run and otp.testing.Harness and 'pytest' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_test_kit_has_what_it_says_and_nothing_else():
    import otp.testing  # noqa: PLC0415 - what is tested is this import

    for name in otp.testing.__all__:
        assert getattr(otp.testing, name).__name__ == name
    with pytest.raises(AttributeError, match=r"module 'otp\.testing' has no attribute 'Missing'"):
        otp.testing.Missing  # noqa: B018 - it is the attribute that raises
