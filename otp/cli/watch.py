"""What `otp run` shows of a running tree: the tree when it has changed and come to rest, and its stop.

Driven by the events of the system alone: while nothing happens, nothing wakes up. What happens in between is in the log.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from otp.cli.show import show
from otp.events import Stopped, Stopping
from otp.tree.decision.model import NodeState

if TYPE_CHECKING:
    from otp.streams import EventStream
    from otp.system import System
    from otp.tree.snapshot import NodeSnapshot

__all__ = ["watch"]

_REST: Final = 1.0
"""Seconds without a change that count as rest: longer than a first backoff, so that a restart is shown once it is over."""
_PATIENCE: Final = 5.0
"""Seconds after which a tree that finds no rest is shown nevertheless."""


def watch(system: System, events: EventStream) -> None:
    """Show `system` until its `events` end. For a thread of its own."""
    with suppress(OSError):  # nobody reads standard error any more
        asyncio.run(_watch(system, events))


async def _watch(system: System, events: EventStream) -> None:
    now = asyncio.get_running_loop().time
    shown: set[object] = set()
    first_change: float | None = None
    due: float | None = None
    stopping = False
    while True:
        try:
            async with asyncio.timeout_at(due):
                event = await anext(events)
        except StopAsyncIteration:
            return
        except TimeoutError:
            root = system.tree()
            picture = {_look(node) for node in root.walk()}
            if picture != shown:
                _print(show(root))
            shown, first_change, due = picture, None, None
            continue
        match event:
            case Stopping():
                stopping, due = True, None
                _print("otp: stopping in order; a second signal stops at once\n")
            case Stopped(unstopped=()):
                _print("otp: stopped\n")
            case _ if not stopping:
                first_change = now() if first_change is None else first_change
                due = min(now() + _REST, first_change + _PATIENCE)
            case _:
                pass


def _look(node: NodeSnapshot) -> object:
    """What has to differ for a node to be shown again; that it died once more is no news while it stays dead."""
    return node.dn, node.state, node.stuck, node.incarnation if node.state is not NodeState.DEAD else None


def _print(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
