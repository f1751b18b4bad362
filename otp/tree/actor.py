r"""The pykka actor type of the tree. The only file that knows pykka's insides.

    address.tell(message) ---> Loop.post ---> Actor.on_receive
    address.ask(message)  -/

What differs from `pykka.ThreadingActor`, and why:

* Actors share a `Loop`, and its thread.
* They are not in `pykka.ActorRegistry`: whoever calls `ActorRegistry.stop_all()` (pykka itself does, when a handler of
  anybody's raises a `BaseException`) does not touch the tree.
* No message is left unanswered: an `ask` that comes too late gets `pykka.ActorDeadError`.
* An actor has neither a UUID nor a `threading.Event`, which take 3 us each to make, and is its own inbox.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import pykka

if TYPE_CHECKING:
    from pykka._actor import ActorInbox
    from pykka._envelope import Envelope

    from otp.tree.loop import Loop

__all__ = ["Actor", "ActorDeadError", "Address"]

ActorDeadError = pykka.ActorDeadError


class Address(pykka.ActorRef[Any]):
    """The ref of an actor of the tree."""

    def __init__(self, actor: Actor) -> None:  # it would copy what is below
        """Of `actor`."""
        self._actor = actor

    @property
    def actor_class(self) -> type[Actor]:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        """As pykka's."""
        return type(self._actor)

    @property
    def actor_urn(self) -> str:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        """As pykka's."""
        return self._actor.actor_urn

    @property
    def actor_inbox(self) -> ActorInbox:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        """As pykka's."""
        return self._actor

    @property
    def _actor_weakref(self) -> weakref.ref[Actor]:  # type: ignore[override] # what pykka makes proxies of
        return weakref.ref(self._actor)

    def is_alive(self) -> bool:
        """Whether the actor handles messages."""
        return not self._actor.gone

    def tell(self, message: object) -> None:
        """Send `message`, without waiting for anything.

        Raises:
            ActorDeadError: the actor has stopped.
        """
        actor = self._actor
        if actor.gone:
            raise self._not_found()
        actor.loop.post(actor, message)

    def tell_and_help(self, message: object) -> None:
        """`tell`, and do in the calling thread what comes of it; see `Loop.post_and_help`.

        Raises:
            ActorDeadError: the actor has stopped.
        """
        actor = self._actor
        if actor.gone:
            raise self._not_found()
        actor.loop.post_and_help(actor, message)

    def _not_found(self) -> ActorDeadError:
        return ActorDeadError(f"{self} not found")


class Actor(pykka.Actor):
    """An actor that runs in a `Loop`. Subclasses implement `on_receive`; started by `start`, as any pykka actor."""

    def __init__(self, loop: Loop) -> None:  # see the module
        """Attach to `loop`."""
        self.loop = loop
        self.gone = False
        """Whether it handles nothing more."""
        self._address = Address(self)

    @classmethod
    def start(
        cls,
        *args: Any,  # noqa: ANN401 - as pykka declares it
        **kwargs: Any,  # noqa: ANN401
    ) -> Address:
        """Create the actor and give its ref; it is not put into `pykka.ActorRegistry`."""
        return cls(*args, **kwargs).actor_ref

    @property
    def actor_ref(self) -> Address:
        """Its ref."""
        return self._address

    @property
    def actor_urn(self) -> str:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        """What pykka tells it from others by."""
        return f"urn:otp:{id(self)}"

    # --- its inbox, where pykka puts what needs an answer ---

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue the envelope; never blocks."""
        self.loop.post(self, envelope.message, envelope.reply_to)

    def get(self) -> Envelope[Any]:
        """Pykka's own loop would call this; this actor type has another one."""
        raise AssertionError

    def empty(self) -> bool:
        """The loop has the messages, the inbox never has one."""
        return True

    # --- what the loop asks of it ---

    def receive(self, message: object) -> object:
        """Handle one message; only the loop calls it."""
        # All of pykka's own messages are named tuples, and none of the tree's is a tuple.
        return self._handle_receive(message) if isinstance(message, tuple) else self.on_receive(message)

    def refuse(self, message: object) -> Exception:
        """`message` came too late. Returns what whoever asked is told."""
        self.refused(message)
        return ActorDeadError(f"{self} has stopped")

    def refused(self, message: object) -> None:
        """`message` came after the end of the loop, and nobody will handle it; from any thread."""
        del message

    @staticmethod
    def _create_actor_inbox() -> ActorInbox:
        raise AssertionError  # pykka asks in the constructor that is not called

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        raise AssertionError  # the same

    def _stop(self) -> None:
        self.gone = True
        self.on_stop()
