"""The directory of a system: who lives where, and under what name; and what else a system has one of."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from weakref import WeakSet

from otp.tree.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.reasons import ExitReason
    from otp.tree.clock import Clock
    from otp.tree.mailbox import Mailbox

__all__ = ["Directory", "Service"]

S = TypeVar("S", bound="Service")


class Service(Protocol):
    """What a system has one of, made when it is first needed."""

    def close(self) -> None:
        """The system has stopped. Never blocks."""
        ...

    def join(self, timeout: float) -> None:
        """Wait until nothing of it runs any more, for at most `timeout` seconds."""
        ...


class Directory:
    """Who lives where, and what names they have. Reading takes no lock."""

    def __init__(self, clock: Clock) -> None:
        """Nobody. Who waits for somebody here does so by `clock`."""
        self.homes: dict[str, Mailbox] = {}
        """By DN, and by registered name: of who runs, or is about to."""
        self.names: dict[str, Mailbox] = {}
        """By registered name."""
        self.naming = threading.RLock()  # a `__del__` that names something may come in between
        self.patience = Patience(clock)
        """Of who calls."""
        self._services: dict[type, Service] = {}
        self._closed = False
        _directories.add(self)

    def leave(self, mailbox: Mailbox, reason: ExitReason) -> None:
        """The incarnation has ended: its names are free before anybody is told."""
        if self.homes.get(mailbox.dn) is mailbox:
            del self.homes[mailbox.dn]
        with self.naming:  # whoever gives it a name meanwhile looks into `homes` under this lock
            for name in mailbox.names:
                del self.names[name]
                del self.homes[name]
            mailbox.names = ()
        mailbox.close(reason)
        self.patience.forget(mailbox)

    def service(self, kind: type[S], make: Callable[[], S]) -> S:
        """The one of that kind."""
        with self.naming:
            found = self._services.get(kind)
            if isinstance(found, kind):
                return found
            made = self._services[kind] = make()
            if self._closed:
                made.close()
            return made

    def close(self) -> None:
        """The system has stopped. Never blocks for long."""
        with self.naming:
            self._closed = True
            services = tuple(self._services.values())
        self.patience.close()
        for service in services:
            service.close()

    def join(self, timeout: float) -> None:
        """Wait for the ends of all services."""
        self.patience.join(timeout)
        for service in tuple(self._services.values()):
            service.join(timeout)


def _nobody_lives_here() -> None:
    for directory in tuple(_directories):
        directory.homes.clear()
        directory.names.clear()
        directory.patience.forked()


_directories: Final[WeakSet[Directory]] = WeakSet()
if hasattr(os, "register_at_fork"):  # who reads the mail is in the parent: who calls in the child would wait for ever
    os.register_at_fork(after_in_child=_nobody_lives_here)
