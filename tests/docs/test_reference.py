"""The reference has every public name, and no other."""

from __future__ import annotations

import inspect
import re

import otp.testing
from otp import exports

from .test_pages import ROOT

PUBLIC = {
    f"otp.{name}" for name in re.findall(r"^from .* import .* as (\w+)$", inspect.getsource(exports), re.MULTILINE)
}
TESTING = {f"otp.testing.{name}" for name in otp.testing.__all__} | {"otp.testing.plugin.otp_harness"}


def test_the_reference_has_every_public_name_once_and_no_other():
    named: list[str] = []
    for page in (ROOT / "reference").glob("*.md"):
        named += re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(named) == sorted(PUBLIC | TESTING)
    assert {"otp.run", "otp.System", "otp.events"} <= PUBLIC
