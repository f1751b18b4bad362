"""A room: knows its members, and passes on what they say."""

# A server has its state from `init` on:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

import otp

PREFIX = "room-"
"""What the registered name of a room begins with."""


@dataclass(frozen=True, slots=True)
class Join(otp.Call[list[str] | None]):
    """Have `member` be in the room as `name`, or change its name.

    The reply: the names of all who are there. `None`: somebody else has that name.
    """

    member: otp.Ref
    name: str


@dataclass(frozen=True, slots=True)
class Leave(otp.Call[None]):
    """Have `member` out of it."""

    member: otp.Ref


class Who(otp.Call[list[str]]):
    """The names of all who are there."""


@dataclass(frozen=True, slots=True)
class Say:
    """A cast: pass `text` on to all others."""

    member: otp.Ref
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """What members are sent: a line for their screens."""

    text: str


@dataclass(slots=True)
class Member:
    """One who is there."""

    name: str
    monitor: otp.Monitor


class RoomRef(otp.Ref):
    """How a room is talked to, on an event loop."""

    __slots__ = ()

    async def join(self, member: otp.Ref, name: str) -> list[str] | None:
        """See `Join`."""
        return await self.acall(Join(member, name))

    async def leave(self, member: otp.Ref) -> None:
        """See `Leave`."""
        await self.acall(Leave(member))

    async def who(self) -> list[str]:
        """See `Who`."""
        return await self.acall(Who())

    def say(self, member: otp.Ref, text: str) -> None:
        """See `Say`."""
        self.cast(Say(member, text))


Request: TypeAlias = Join | Leave | Who


class Room(otp.GenServer):
    """The server. It ends when the last member has left."""

    ref_type = RoomRef

    members: dict[otp.Ref, Member]

    def init(self, name: str) -> None:
        """Known by its name for as long as it lives."""
        otp.register(PREFIX + name)
        self.members = {}

    def handle_call(self, request: Request, sender: otp.Sender) -> list[str] | otp.Stop | None:
        """Each request has its own reply."""
        del sender
        match request:
            case Join(member, name):
                return self.join(member, name)
            case Leave(member):
                self.leave(member)
                return None if self.members else otp.Stop(reply=None)
            case Who():
                return self.names()
            case _:
                assert_never(request)

    def handle_cast(self, request: Say) -> None:
        """Who is not in the room is not heard there."""
        match request:
            case Say(member, text) if member in self.members:
                self.tell(f"{self.members[member].name}: {text}", but=member)
            case Say():
                pass
            case _:
                assert_never(request)

    def handle_info(self, message: otp.Down) -> otp.Stop | None:
        """A member has ended without leaving: its connection was closed, or has crashed."""
        self.leave(message.ref)
        return None if self.members else otp.Stop()

    def join(self, member: otp.Ref, name: str) -> list[str] | None:
        """See `Join`."""
        if any(other.name == name for ref, other in self.members.items() if ref != member):
            return None
        known = self.members.get(member)
        if known is None:
            self.members[member] = Member(name, otp.monitor(member))
            self.tell(f"* {name} is here", but=member)
        elif known.name != name:
            self.tell(f"* {known.name} is now called {name}", but=member)
            known.name = name
        return self.names()

    def leave(self, member: otp.Ref) -> None:
        """See `Leave`; who is not there need not."""
        gone = self.members.pop(member, None)
        if gone is not None:
            otp.demonitor(gone.monitor)
            self.tell(f"* {gone.name} has left", but=member)

    def tell(self, text: str, but: otp.Ref) -> None:
        """Send a line to all others. This waits for nobody: who has not read so many before is thrown out."""
        for member in self.members:
            if member != but:
                try:
                    member.send(Line(text))
                except otp.MailboxFullError:
                    member.exit(otp.Shutdown("it does not read"))

    def names(self) -> list[str]:
        """Of all members."""
        return sorted(member.name for member in self.members.values())
