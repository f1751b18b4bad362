"""Programs that the tests of `command` run."""

from __future__ import annotations

import sys


def python(script: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a script: without site packages, so it starts fast, and unbuffered."""
    return (sys.executable, "-ISuc", script, *arguments)


SERVES = ("sh", "-c", "echo $$; exec tail -f /dev/null")
"""Says its pid, and runs until a signal ends it."""

DEAF = ("sh", "-c", "trap '' TERM; echo $$; exec tail -f /dev/null")
"""The same, and SIGTERM does not."""

NAMES_SIGNALS = python("""
import signal

heard = [signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT]
signal.pthread_sigmask(signal.SIG_BLOCK, heard)
print("ready")
number = signal.SIGHUP
while number == signal.SIGHUP:
    number = signal.Signals(signal.sigwait(heard))
    print(number.name)
""")
"""Says which signal it gets; ends at each but SIGHUP."""

_ESCAPE = """
import os, signal, sys

status, then = int(sys.argv[1]), sys.argv[2:]
reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    os.setsid()
    os.write(writer, b"escaped")
    if then:
        os.execvp(then[0], then)
    signal.pause()
os.read(reader, 1)
os.write(1, b"%d\\n" % pid)  # in one piece, whatever the other one says meanwhile
os._exit(status)
"""


def lets_escape(*then: str, status: int) -> tuple[str, ...]:
    """Says the pid of a child that runs `then`, in a session of its own and with the same output, and exits.

    Without `then` it does nothing. (`tail -f` would: it ends when nobody reads its output any more.)
    """
    return python(_ESCAPE, str(status), *then)
