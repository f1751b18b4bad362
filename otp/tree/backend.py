"""What runs runnables: the protocol that threads, coroutines, processes and cluster workers are written to.

The node actor calls `Backend.start` and the methods of the `Handle` it gets, always from the loop of the tree: none of
them may block, wait or run code of the user's. The backend calls `Incarnation.end`, exactly once per successful `start`,
when the runnable certainly runs no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from otp.tree.administration import Administer, Inspect
    from otp.tree.clock import Clock
    from otp.tree.decision.policy import Backoff
    from otp.tree.directory import Directory
    from otp.tree.dismissal import Dismiss
    from otp.tree.incarnation import Incarnation
    from otp.tree.mailbox import Mailbox

__all__ = ["Backend", "Handle", "Host", "Job"]


@dataclass(slots=True, eq=False)
class Job:
    """The user's own: what to run, and with what."""

    runnable: Any
    """Called by the backend; of a behaviour supervisor, its children."""
    args: tuple[Any, ...]
    origin: object = None
    """What the user wrote."""

    def call_first_with(self, extra: tuple[Any, ...]) -> None:
        """Before it is run: these arguments come first."""
        self.args = (*extra, *self.args)


class Handle(Protocol):
    """One incarnation at work."""

    def cancel(self) -> None:
        """The cancel token has been set; wake the runnable, where the token alone does not."""
        ...

    def kill(self) -> None:
        """End it by force. Only called where the backend is `killable`."""
        ...

    def stack(self) -> str:
        """Where it is right now, as text. Not called from the loop of the tree: it may take its time."""
        ...


class Backend(Protocol):
    """A way to run runnables."""

    name: ClassVar[str]
    """What snapshots call it."""
    killable: ClassVar[bool]
    """Whether `Handle.kill` ends a runnable that does not listen."""

    @property
    def makes_thread(self) -> bool:
        """Whether the next `start` makes a thread, which inherits signal mask, affinity and priority of its maker's."""
        ...

    def start(self, incarnation: Incarnation, job: Job) -> Handle:
        """Start the runnable, with `incarnation` as its context; without waiting until it runs.

        Raises:
            Exception: it could not be started, which counts as its death.
        """
        ...

    def mailbox(self, dn: str) -> Mailbox:
        """For the mail of the next incarnation at `dn`; from any thread."""
        ...

    def close(self) -> None:
        """The tree has ended and so have all runnables; give back what is held. Called once, from the loop."""
        ...

    def join(self, timeout: float) -> None:
        """Wait for that, for at most `timeout` seconds; from any thread."""
        ...


class Host(Protocol):
    """What a system gives to those of its runnables that start children."""

    directory: Directory
    """Who lives where."""
    clock: Clock
    """What all in the tree wait by."""

    @property
    def backoff(self) -> Backoff:
        """For children that have none of their own."""
        ...

    def administer(self, request: Administer | Inspect | Dismiss) -> None:
        """Pass on what is asked of a behaviour supervisor; it is answered in any case."""
        ...

    def next_node(self) -> int:
        """The id of a node to be; from any thread."""
        ...

    def backend_for(self, runnable: Callable[..., object]) -> Backend:
        """What runs `runnable`."""
        ...
