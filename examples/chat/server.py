"""The server: rooms, connections, and who takes new ones."""

from __future__ import annotations

import asyncio
import socket

import otp
from examples.chat.connection import MAILBOX, connection

HOST = "127.0.0.1"
PORT = 4749
CONNECTIONS = 1000


def root(port: int = PORT) -> None:
    """The top of the tree. The last to start is the first to be stopped: nobody new, then nobody, then no rooms."""
    rooms = otp.run("rooms", otp.DynamicSupervisor(max_restarts=10))
    connections = otp.run("connections", otp.DynamicSupervisor(max_children=CONNECTIONS))
    otp.run("acceptor", acceptor, port, rooms, connections)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


async def acceptor(port: int, rooms: otp.DynamicSupervisorRef, connections: otp.DynamicSupervisorRef) -> None:
    """Takes connections, and has a child started for each."""
    loop = asyncio.get_running_loop()
    with socket.create_server((HOST, port)) as listener:
        listener.setblocking(False)  # noqa: FBT003 - as it is declared
        otp.logger().info("listening on {}:{}", *listener.getsockname())
        otp.signal(otp.Signal.HEALTHY)
        while True:
            peer, _ = await loop.sock_accept(listener)
            child = otp.Child(connection, peer, rooms, restart=otp.Restart.TEMPORARY, mailbox=MAILBOX)
            try:
                await connections.astart_child(child)
            except otp.ChildError as error:  # there are too many, or the client has hung up already
                otp.logger().warning("a connection is refused: {}", error)
                peer.close()
            except BaseException:
                peer.close()
                raise


def main(port: int = PORT) -> int:
    """Serve until Ctrl-C; the exit status."""
    return otp.main(root, port)
