"""A client of the chat server, for the terminal.

    python -m examples.chat.client [--host HOST] [--port PORT] [NAME] [ROOM]

What you type goes to the others in the room, what they type appears. `/help` lists the commands; Ctrl-C or Ctrl-D ends it.
It waits for the socket and the keyboard at once, so it needs a system that can wait for a keyboard: not Windows.
"""

from __future__ import annotations

import argparse
import codecs
import os
import select
import socket
import sys

from examples.chat.server import HOST, PORT

CHUNK = 65536


def main(arguments: list[str] | None = None) -> int:
    """Talk until either side ends; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.chat.client")
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("name", nargs="?", help="what you want to be called")
    parser.add_argument("room", nargs="?", help="where you want to be")
    options = parser.parse_args(arguments)
    host: str = options.host
    port: int = options.port
    try:
        server = socket.create_connection((host, port))
    except OSError as error:
        print(f"no chat at {host}:{port}: {error}", file=sys.stderr)
        return 1
    with server:
        try:
            for command, word in (("/nick", options.name), ("/join", options.room)):
                if word is not None:
                    server.sendall(f"{command} {word}\n".encode())
            talk(server, sys.stdin.fileno())
        except KeyboardInterrupt:
            print()
        except ConnectionError as error:
            print(f"the connection was cut: {error}", file=sys.stderr)
        else:
            print("the connection was closed", file=sys.stderr)
    return 0


def talk(server: socket.socket, keyboard: int) -> None:
    """Pass on what is typed and show what comes, until the server closes the connection."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    sources: list[socket.socket | int] = [server, keyboard]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if server in ready:
            data = server.recv(CHUNK)
            if not data:
                return
            print(decoder.decode(data), end="", flush=True)
        if keyboard in ready:
            typed = os.read(keyboard, CHUNK)
            if typed:
                server.sendall(typed)
            else:  # no more; what is on its way is still shown
                server.shutdown(socket.SHUT_WR)
                sources.remove(keyboard)


if __name__ == "__main__":
    sys.exit(main())
