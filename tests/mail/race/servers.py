"""Who is called in a race: servers and plain runnables, in threads and on the event loop, which end in every way there is.

A request carries a token that no other has, and every reply carries that of its request.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import otp

TICK = "tick"
NEVER_RESTARTED_TOO_OFTEN = {"max_restarts": 1_000_000, "max_seconds": 1.0}
_INTERVAL = 0.01
"""Seconds between the ticks at which a server replies to whoever it has put off."""


class Crashed(Exception):  # noqa: N818 - how it ended
    """Raised by whoever is asked to crash."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A request: what is to be done about it, and what the reply has to be."""

    do: str
    token: tuple[str, int]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """A call that another is to reply to."""

    sender: otp.Sender
    token: tuple[str, int]


WEIGHTS = {
    "echo": 60.0,
    "reply": 4.0,
    "twice": 4.0,
    "later": 6.0,
    "outside": 4.0,
    "pass on": 3.0,
    "continue": 3.0,
    "slow": 2.0,
    "never": 0.5,
    "crash": 0.5,
    "stop": 0.3,
    "leave": 0.3,
}
"""What is asked for, and how often which of it."""


@dataclass(slots=True, eq=False)
class House:
    """What all of one race share."""

    never: threading.Event = field(default_factory=threading.Event)
    replies: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    """To be sent by a thread that is nobody's."""
    found: list[str] = field(default_factory=list)
    """What must not be."""

    def reply(self) -> None:
        """That thread; `None` ends it."""
        while (each := self.replies.get()) is not None:
            otp.reply(each.sender, each.token)
            del each


class _Serving:
    """What servers of both kinds do, but for waiting."""

    def _enter(self, house: House, name: str, peer: str) -> None:
        self.house = house
        self.peer = peer
        self.put_off: list[Passed] = []
        try:
            otp.register(name)
        except otp.AlreadyRegisteredError as error:  # whoever had it has ended: this one could not run otherwise
            house.found.append(f"a name outlives its incarnation: {error}")
        self.watched = True
        otp.monitor(otp.ref(peer))
        otp.send_interval(otp.current(), TICK, _INTERVAL)
        otp.send_after(otp.ref(peer), TICK, _INTERVAL)

    def _do(self, ask: Ask, sender: otp.Sender) -> object:  # noqa: C901, PLR0911 - a list of all there is to do
        token = ask.token
        match ask.do:
            case "reply":
                return otp.Reply(token, timeout=_INTERVAL)
            case "twice":
                otp.reply(sender, token)
            case "later":
                self.put_off.append(Passed(sender, token))
                return otp.NoReply()
            case "outside":
                self.house.replies.put(Passed(sender, token))
                return otp.NoReply()
            case "pass on":
                otp.ref(self.peer).send(Passed(sender, token))
                return otp.NoReply()
            case "continue":
                return otp.Continue(reply=token)
            case "never":
                return otp.NoReply()
            case "crash":
                raise Crashed(token)
            case "stop":
                return otp.Stop(reply=token)
            case "leave":
                return otp.Stop("leaving")
            case _:
                pass
        return token

    def _see(self, message: object) -> None:
        match message:
            case Passed():
                otp.reply(message.sender, message.token)
            case otp.Down():
                self.watched = False
            case _:
                self._catch_up()

    def _catch_up(self) -> None:
        if not self.watched:
            self.watched = True
            otp.monitor(otp.ref(self.peer))
        put_off, self.put_off = self.put_off, []
        for each in put_off:
            otp.reply(each.sender, each.token)


class ThreadServer(_Serving, otp.GenServer):
    """Its callbacks are plain."""

    def init(self, house: House, name: str, peer: str) -> None:
        self._enter(house, name, peer)

    def handle_call(self, request: Ask, sender: otp.Sender) -> object:
        if request.do == "slow":
            self.house.never.wait(request.seconds)
        return self._do(request, sender)

    def handle_cast(self, request: object) -> None:
        self._catch_up()

    def handle_info(self, message: object) -> None:
        self._see(message)

    def handle_continue(self, arg: object) -> None:
        self._catch_up()


class TaskServer(_Serving, otp.GenServer):
    """They are `async def`."""

    async def init(self, house: House, name: str, peer: str) -> None:
        self._enter(house, name, peer)

    async def handle_call(self, request: Ask, sender: otp.Sender) -> object:
        if request.do == "slow":
            await asyncio.sleep(request.seconds)
        return self._do(request, sender)

    async def handle_cast(self, request: object) -> None:
        self._catch_up()

    async def handle_info(self, message: object) -> None:
        self._see(message)

    async def handle_continue(self, arg: object) -> None:
        self._catch_up()


class _Plain(_Serving):
    """A runnable that takes its mail itself."""

    def take(self, letter: object) -> bool:
        """Whether to go on."""
        match letter:
            case otp.CallMessage(request=Ask() as ask):
                said = self._do(ask, letter.sender)
                if isinstance(said, otp.Stop):
                    if ask.do == "stop":
                        otp.reply(letter.sender, ask.token)
                    return False
                if not isinstance(said, otp.NoReply):
                    otp.reply(letter.sender, ask.token)
            case otp.CallMessage():  # of `Ref.stop`, which is for behaviours
                return False
            case _:
                self._see(letter)
        return True


def plain(house: House, name: str, peer: str) -> None:
    """In a thread; it ends by a return, which is a death."""
    self = _Plain()
    self._enter(house, name, peer)
    otp.signal(otp.Signal.HEALTHY)
    while self.take(otp.receive()):
        pass


async def aplain(house: House, name: str, peer: str) -> None:
    """As a task."""
    self = _Plain()
    self._enter(house, name, peer)
    otp.signal(otp.Signal.HEALTHY)
    while self.take(await otp.areceive()):
        pass


@dataclass(frozen=True, slots=True)
class Cast:
    """The tree of a race, below a root that is a plain runnable."""

    house: House
    backoff: otp.Backoff = field(default_factory=lambda: otp.Backoff(initial=0.001, maximum=0.005, jitter=0.5))

    NAMES = ("s-thread", "s-task", "s-plain", "s-aplain", "g-thread", "g-task", "r-plain", "r-aplain", "b-thread")
    """What those who are called are registered as."""
    DNS = (
        "root.s.thread",
        "root.s.task",
        "root.s.plain",
        "root.s.aplain",
        "root.g.thread",
        "root.g.deep.task",
        "root.plain",
        "root.aplain",
        "root.s.bounded",
        "root.nobody",
    )
    """Who is called by DN; nobody lives at the last one."""
    SUPERVISED = {  # noqa: RUF012 - read only
        "root.s": ("thread", "task", "plain", "aplain", "bounded"),
        "root.g": ("thread", "deep"),
        "root.g.deep": ("task",),
    }

    def supervisors(self) -> dict[str, otp.Supervisor]:
        """One whose children live and die alone, one whose children do so together."""
        return {
            "s": otp.Supervisor(
                {
                    "thread": otp.Child(ThreadServer, self.house, "s-thread", "s-task"),
                    "task": otp.Child(TaskServer, self.house, "s-task", "s-thread"),
                    "plain": otp.Child(plain, self.house, "s-plain", "s-aplain"),
                    "aplain": otp.Child(aplain, self.house, "s-aplain", "g-task"),
                    "bounded": otp.Child(ThreadServer, self.house, "b-thread", "r-plain", mailbox=otp.MailboxLimit(2)),
                    "deaf": otp.Supervisor({}),
                },
                **NEVER_RESTARTED_TOO_OFTEN,
            ),
            "g": otp.Supervisor(
                {
                    "thread": otp.Child(ThreadServer, self.house, "g-thread", "g-task"),
                    "deep": otp.Supervisor(
                        {"task": otp.Child(TaskServer, self.house, "g-task", "s-plain")}, **NEVER_RESTARTED_TOO_OFTEN
                    ),
                },
                strategy=otp.Strategy.ONE_FOR_ALL,
                **NEVER_RESTARTED_TOO_OFTEN,
            ),
            "d": otp.DynamicSupervisor(**NEVER_RESTARTED_TOO_OFTEN),
        }

    def plain(self) -> dict[str, otp.Child]:
        """Those below a plain runnable, with its backoff; one dies without the other."""
        return {
            "plain": otp.Child(plain, self.house, "r-plain", "r-aplain", backoff=self.backoff),
            "aplain": otp.Child(aplain, self.house, "r-aplain", "r-plain", backoff=self.backoff),
        }
