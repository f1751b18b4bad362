"""What happens in a tree, as log lines at the node that it happened to.

Runs in a thread of its own (an `Outlet`), for it calls sinks of the user's. What is not worth a line in a production log
(a start, a signal, a cancel that went well) is left to `System.events()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loguru import logger

from otp.events import Canceled, Died, Removed, Started, Stopped, Stuck

if TYPE_CHECKING:
    from otp.events import Event

__all__ = ["LifecycleLog"]


class LifecycleLog:
    """Writes events as log records."""

    def __init__(self) -> None:
        """Nobody is dead."""
        self._dead: set[str] = set()

    def write(self, event: Event) -> None:
        """The line for `event`, if it is worth one."""
        match event:
            case Died():
                self._dead.add(event.dn)
                again = "" if event.restart_in is None else f"; starts again in {event.restart_in:.2f} s"
                _write("ERROR", event.dn, event.incarnation, f"died: {event.error}{again}", event.traceback)
            case Started(dn=dn, incarnation=incarnation) if dn in self._dead:
                self._dead.discard(dn)
                _write("INFO", dn, incarnation, f"started again, incarnation {incarnation}")
            case Canceled(error=str(error)):
                message = f"raised although it had been canceled: {error}"
                _write("WARNING", event.dn, event.incarnation, message, event.traceback)
            case Removed():
                self._dead.discard(event.dn)
                _write("INFO", event.dn, event.incarnation, "ended for good and was removed: it is TEMPORARY")
            case Stuck():
                _write_stuck(event)
            case Stopped(unstopped=unstopped) if unstopped:
                _write("WARNING", "root", 0, f"stopped, but these still run: {', '.join(unstopped)}")
            case _:
                pass


def _write_stuck(event: Stuck) -> None:
    """One line names all of them, at the node that has them all below it."""
    first, *others = (node.dn.split(".") for node in event.nodes)
    for other in others:
        first = [mine for mine, theirs in zip(first, other, strict=False) if mine == theirs]
    names = ", ".join(node.dn for node in event.nodes)
    stacks = "".join(f"{node.dn}, incarnation {node.incarnation}:\n{node.stack}" for node in event.nodes)
    incarnation = event.nodes[0].incarnation if not others else 0
    _write(
        "WARNING",
        ".".join(first),
        incarnation,
        f"has stuck nodes, canceled and still running after their deadline: {names}",
        stacks,
    )


def _write(level: str, dn: str, incarnation: int, message: str, details: str | None = None) -> None:
    text = f"{dn} {message}" if details is None else f"{dn} {message}\n{details.rstrip()}"
    # As an argument, because braces in the user's text are no format.
    logger.bind(dn=dn, incarnation=incarnation).log(level, "{}", text)
