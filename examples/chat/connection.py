"""A connection: what its client types goes to a room, what comes from there goes to its client.

It is a coroutine with two tasks. One waits for the socket, the other for mail; both may be canceled wherever they wait.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import otp
from examples.chat.room import PREFIX, Line, Room, RoomRef

if TYPE_CHECKING:
    import socket

LOBBY = "lobby"
HELP = "* /join ROOM, /nick NAME, /who, /rooms, /quit; bugs to try out: /crash, /crash room"
MAILBOX = otp.MailboxLimit(100, otp.Overflow.FAIL)
"""So many lines wait for a client that does not read them. What the operating system holds for it comes on top of that."""
RETRIES = 100
PAUSE = 0.05
"""Seconds until the next attempt to join a room that is just ending or starting."""


async def connection(peer: socket.socket, rooms: otp.DynamicSupervisorRef) -> None:
    """Serve one client, until it hangs up."""
    reader, writer = await asyncio.open_connection(sock=peer)
    try:
        otp.signal(otp.Signal.HEALTHY)
        with suppress(ConnectionError):
            await Session(reader, writer, rooms).run()
            writer.close()
            await writer.wait_closed()  # what it has been told on the way out arrives
    finally:
        writer.transport.abort()  # canceled or crashed: nobody waits for a client that may not read


class Session:
    """A client, and where it is."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rooms: otp.DynamicSupervisorRef
    ) -> None:
        """Of the calling runnable."""
        self.reader = reader
        self.writer = writer
        self.rooms = rooms
        self.me = otp.current()
        self.name = f"guest-{self.me.name.rpartition('-')[2]}"
        self.room: RoomRef | None = None
        self.monitor: otp.Monitor | None = None
        """Of the incarnation of the room that it is in."""
        self.moving = asyncio.Lock()
        """Both tasks may have it join a room."""

    async def run(self) -> None:
        """Until the client has had enough, or one of the tasks has failed."""
        self.write(f"* welcome; you are {self.name}, /help tells more")
        await self.enter(LOBBY)
        tasks = {asyncio.create_task(self.read_lines()), asyncio.create_task(self.read_mail())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    # --- from the client ---

    async def read_lines(self) -> None:
        """What the client types, until it hangs up or quits."""
        while True:
            try:
                line = await self.reader.readline()
            except ValueError:
                self.write("* that line is too long")
                return
            text = line.decode(errors="replace").strip()
            if not line or text == "/quit":
                return
            if text.startswith("/"):
                await self.obey(text.split())
            elif text and self.room is None:
                self.write("* you are in no room")
            elif text and self.room is not None:
                self.room.say(self.me, text)
            await self.writer.drain()

    async def obey(self, words: list[str]) -> None:
        """A command."""
        match words:
            case ["/join", name] if is_name(name):
                await self.enter(name)
            case ["/nick", name] if is_name(name):
                await self.rename(name)
            case ["/who"] if self.room is not None:
                with suppress(otp.CallError):  # the room has just crashed, which is said elsewhere
                    self.write(f"* here: {', '.join(await self.room.who())}")
            case ["/rooms"]:
                names = sorted(name.removeprefix(PREFIX) for name in otp.registered() if name.startswith(PREFIX))
                self.write(f"* rooms: {', '.join(names)}")
            case ["/crash"]:
                msg = "a bug in the connection"
                raise RuntimeError(msg)
            case ["/crash", "room"] if self.room is not None:
                self.room.cast("what no room understands")
            case _:
                self.write(HELP)

    # --- to the client ---

    async def read_mail(self) -> None:
        """What the room has to say, and that it has crashed."""
        while True:
            match await otp.areceive():
                case Line(text):
                    self.write(text)
                case otp.Down(monitor=monitor) if monitor is self.monitor and self.room is not None:
                    name = self.room.name.removeprefix(PREFIX)
                    self.write(f"* {name} has crashed; you are joining it again")
                    await self.enter(name)
                case _:
                    pass
            await self.writer.drain()

    def write(self, text: str) -> None:
        """Have a line sent."""
        self.writer.write(f"{text}\n".encode())

    # --- rooms ---

    async def enter(self, name: str) -> None:
        """Be in that room, and in no other."""
        async with self.moving:
            room = otp.ref(PREFIX + name, RoomRef)
            if self.room is not None and self.room != room:
                with suppress(otp.CallError):
                    await self.room.leave(self.me)
            self.forget_room()
            self.write(await self.join(name, room))

    async def rename(self, name: str) -> None:
        """Be called something else."""
        async with self.moving:
            old, self.name = self.name, name
            with suppress(otp.CallError):  # as in `obey`: it joins again, under its new name
                if self.room is not None and await self.room.join(self.me, name) is None:
                    self.name = old
            self.write(f"* you are {self.name}" if self.name == name else f"* {name} is somebody else")

    async def join(self, name: str, room: RoomRef) -> str:
        """Join a room, and start it if it does not run; what to tell the client."""
        for _ in range(RETRIES):
            monitor = otp.monitor(room)  # before it joins: else it could be in a room whose end it does not hear of
            try:
                names = await room.join(self.me, self.name)
            except otp.CallError:  # there is no such room now, or it has ended in this moment
                otp.demonitor(monitor)
                await self.start(name)
                continue
            if names is None:
                otp.demonitor(monitor)
                return f"* there is somebody called {self.name} in {name}; /nick NAME, then /join {name}"
            self.room, self.monitor = room, monitor
            return f"* you are in {name}, with: {', '.join(names)}"
        return f"* {name} cannot be joined; try again later"

    async def start(self, name: str) -> None:
        """Have a room started. If somebody else is about to do that, or its supervisor is not there, wait a bit."""
        try:
            await self.rooms.astart_child(otp.Child(Room, name, restart=otp.Restart.TRANSIENT), name=name)
        except (otp.ChildError, otp.NoProcessError):
            await asyncio.sleep(PAUSE)

    def forget_room(self) -> None:
        """It is in none."""
        if self.monitor is not None:
            otp.demonitor(self.monitor)
        self.room = self.monitor = None


def is_name(text: str) -> bool:
    """Whether a room or a member can be called that."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,32}", text) is not None
