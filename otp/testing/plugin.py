"""The pytest plugin: the fixture `otp_harness`. pytest loads it by its entry point.

That happens in every run of pytest beside which otp is installed, so nothing is imported and nothing done here before a
test asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from otp.testing.harness import Harness

__all__ = ["otp_harness", "pytest_runtest_call"]

_harness = pytest.StashKey["Harness"]()


@pytest.fixture
def otp_harness(request: pytest.FixtureRequest) -> Generator[Harness]:
    """Runs a tree, and fails the test on a death that it has not declared, on a hang and on a leak.

    See `otp.testing.Harness`; the tree is stopped when the test function has returned, before any fixture is torn down.
    """
    from otp.testing.harness import Harness  # noqa: PLC0415 - see the module

    harness = Harness()
    request.node.stash[_harness] = harness
    yield harness
    harness.stop()  # where the test function was never called


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Stop the tree as part of the test, so that what went wrong in it is a failure of the test."""
    try:
        result = yield
    except BaseException:
        problems = _stop(item)
        if problems:
            item.add_report_section("call", "otp", problems)
        raise
    problems = _stop(item)
    if problems:
        pytest.fail(problems, pytrace=False)
    return result


def _stop(item: pytest.Item) -> str | None:
    harness = item.stash.get(_harness, None)
    if harness is None:
        return None
    try:
        harness.stop()
    except AssertionError as error:  # `HarnessError`, which is not imported here
        return str(error)
    return None
