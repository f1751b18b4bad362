"""A chat server over TCP, and a client for the terminal.

    python -m examples.chat [PORT]
    python -m examples.chat.client [--port PORT] [NAME] [ROOM]     # in other terminals; `nc` will do too

What is typed goes to all others in the same room. Lines that begin with a slash are commands; `/help` lists them. Ctrl-C
stops the server, and closes all connections. What it shows:

- a dynamic supervisor with a child for each connection: one that crashes (`/crash`) dies alone;
- rooms: servers with registered names, which are started when somebody joins and end when the last one has left. Members
  monitor their room; when it crashes (`/crash room`), they are told, and join the next incarnation;
- bounded mailboxes: who does not read is thrown out, and holds up nobody.

    root
    ├─ rooms              a dynamic supervisor
    │  ├─ lobby           a server in a thread (room.py)
    │  └─ ...
    ├─ connections        a dynamic supervisor
    │  ├─ child-1         a coroutine with a socket (connection.py)
    │  └─ ...
    └─ acceptor           a coroutine that takes connections (server.py)

Nothing here has to be started again because something else was: an address stays right, whoever lives there.
"""
