"""The package itself: what `import otp` gives, and that it costs nothing until the first name is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import otp
from otp import exports


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_every_name_of_the_list_is_there():
    names = [name for name in vars(exports) if not name.startswith("_")]
    assert len(names) > 40
    assert all(getattr(otp, name) is getattr(exports, name) for name in names)
    assert set(names) <= set(dir(otp))


def test_what_is_not_there_is_said_so():
    with pytest.raises(AttributeError, match="module 'otp' has no attribute 'missing'"):
        otp.missing  # noqa: B018 - it is the attribute that raises
    with pytest.raises(ImportError, match="cannot import name 'missing' from 'otp'"):
        from otp import missing  # noqa: F401, PLC0415 - it is the import that raises


def test_the_import_alone_imports_nothing_else():
    code = """
import sys, otp
hasattr(otp, "__wrapped__")
print(sorted(name for name in sys.modules if name.partition(".")[0] in {"otp", "pykka", "loguru", "grpc", "asyncio"}))
otp.run
print("pykka" in sys.modules)
"""
    done = python(code)
    assert (done.stdout, done.stderr) == ("['otp']\nTrue\n", "")


def test_from_otp_import_works_at_first_sight():
    done = python("from otp import Restart, System, events, run; print(Restart.PERMANENT, events.Died.__name__)")
    assert (done.stdout, done.stderr) == ("permanent Died\n", "")
