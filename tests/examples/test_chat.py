"""The chat server of the example, with real sockets: as a tree in this process, and as programs."""

from __future__ import annotations

import re
import signal
import socket
import sys
from pathlib import Path

import pytest

import otp
from examples.chat import server
from otp.testing import Harness, VirtualClock

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 20.0
LINE = "x" * 60_000


class Guest:
    """A client, with what it hears line by line."""

    def __init__(self, port, *, hearing=None):
        self.socket = socket.socket()
        if hearing is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, hearing)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.lines = self.socket.makefile(encoding="utf-8", newline="\n")

    def say(self, text):
        self.socket.sendall(f"{text}\n".encode())

    def hear(self):
        """The next line; `None`: the server has closed the connection."""
        try:
            return self.lines.readline().removesuffix("\n") or None
        except ConnectionResetError:
            return None

    def ask(self, text):
        self.say(text)
        return self.hear()

    def until(self, text):
        """Read on to a line that begins with `text`; that line."""
        while not (line := self.hear()).startswith(text):
            pass
        return line

    def close(self):
        self.lines.close()
        self.socket.close()


class Chat:
    """A server in this process, and its guests."""

    def __init__(self, **options):
        self.harness = Harness()
        self.system = self.harness.start(server.root, 0, **options)
        self.guests = []
        self.log = self.system.logs.stream("root.acceptor", backlog=None)
        self.port = self.listening()

    def listening(self):
        """The port that the acceptor says it listens on, next."""
        said = next(found for entry in self.log if (found := re.fullmatch(r"listening on .*:(\d+)", entry.message)))
        self.system.wait_healthy(timeout=PATIENCE)
        return int(said[1])

    def connect(self, **options):
        self.guests.append(Guest(self.port, **options))
        return self.guests[-1]

    def close(self):
        """All guests go, then the tree is stopped; nothing may be left over, and nobody may have died unexpectedly."""
        for guest in self.guests:
            guest.close()
        self.harness.stop()

    def guest(self, name=None, room="lobby", **options):
        """One who has come in, and what it was told at the door is read; with the DN of its connection."""
        guest = self.connect(**options)
        number = re.fullmatch(r"\* welcome; you are guest-(\d+), .*", guest.hear())[1]
        guest.dn = f"root.connections.child-{number}"
        assert guest.hear().startswith("* you are in lobby, with: ")
        if name is not None:
            assert guest.ask(f"/nick {name}") == f"* you are {name}"
        if room != "lobby":
            assert guest.ask(f"/join {room}").startswith(f"* you are in {room}, with: ")
        return guest

    def some(self, *names):
        """Some in the lobby, each of whom has heard of those who came later."""
        guests = []
        for name in names:
            guests.append(self.guest(name))
            for earlier in guests[:-1]:
                assert re.fullmatch(r"\* guest-\d+ is here", earlier.hear())
                assert earlier.hear().endswith(f" is now called {name}")
        return guests


def are_back_in_the_lobby(*guests):
    for guest in guests:
        assert guest.hear() == "* lobby has crashed; you are joining it again"
        guest.until("* you are in lobby, with: ")
    for guest in guests:  # all are there by now, and the first may have heard of the second
        guest.say("/who")
        assert guest.until("* here: ") == "* here: anna, bert"


@pytest.fixture
def open_chat():
    """Start a server; options as of `otp.System`."""
    running = []

    def open_chat(**options):
        running.append(Chat(**options))
        return running[-1]

    yield open_chat
    for chat in running:
        chat.close()


@pytest.fixture
def chat(open_chat):
    return open_chat()


# --- people ---


def test_what_one_says_all_others_in_the_room_hear_and_nobody_else(chat):
    anna, bert, carl = chat.some("anna", "bert", "carl")
    dora = chat.guest("dora", "kitchen")
    for other in (anna, bert, carl):
        assert other.hear().endswith(" is here")
        assert other.hear().endswith(" is now called dora")
        assert other.hear() == "* dora has left"

    anna.say("hello, wörld")
    dora.say("is anybody here?")
    bert.say("hello anna")

    assert [bert.hear(), carl.hear(), carl.hear()] == ["anna: hello, wörld", "anna: hello, wörld", "bert: hello anna"]
    assert anna.hear() == "bert: hello anna"
    assert dora.ask("/who") == "* here: dora"
    assert anna.ask("/who") == "* here: anna, bert, carl"


def test_two_cannot_have_one_name(chat):
    anna, bert = chat.some("anna", "bert")

    assert bert.ask("/nick anna") == "* anna is somebody else"
    assert bert.ask("/nick anna maria").startswith("* /join ROOM")
    anna.say("/quit")
    assert bert.hear() == "* anna has left"
    assert bert.ask("/nick anna") == "* you are anna"


def test_who_has_the_name_of_somebody_in_a_room_is_not_let_in_before_it_has_another(chat):
    chat.guest("anna", "kitchen")
    other = chat.guest("anna")

    assert other.ask("/join kitchen") == "* there is somebody called anna in kitchen; /nick NAME, then /join kitchen"
    assert other.ask("hello?") == "* you are in no room"
    assert other.ask("/nick bert") == "* you are bert"
    assert other.ask("/join kitchen") == "* you are in kitchen, with: anna, bert"


def test_a_room_is_there_while_somebody_is_in_it(chat):
    anna = chat.guest("anna", "kitchen")
    events = chat.system.events()

    assert anna.ask("/rooms") == "* rooms: kitchen"
    assert anna.ask("/join cellar") == "* you are in cellar, with: anna"
    ended = next(event for event in events if getattr(event, "dn", None) == "root.rooms.kitchen")

    assert isinstance(ended, otp.events.Done)
    assert anna.ask("/rooms") == "* rooms: cellar"


def test_who_hangs_up_has_left(chat):
    anna, bert = chat.some("anna", "bert")

    bert.close()

    assert anna.hear() == "* bert has left"
    assert anna.ask("/who") == "* here: anna"


def test_who_does_not_keep_to_the_rules_is_told_so(chat):
    anna = chat.guest()

    assert anna.ask("/dance") == "* /join ROOM, /nick NAME, /who, /rooms, /quit; bugs to try out: /crash, /crash room"
    assert anna.ask("/join a.b").startswith("* /join ROOM")
    assert anna.ask("x" * 100_000) == "* that line is too long"
    assert anna.hear() is None


# --- crashes ---


def test_a_connection_that_crashes_is_closed_and_touches_nobody_else(chat):
    anna, bert, carl = chat.some("anna", "bert", "carl")
    chat.harness.expect_death(bert.dn, match="RuntimeError: a bug in the connection")

    bert.say("/crash")

    assert bert.hear() is None
    assert [anna.hear(), carl.hear()] == ["* bert has left"] * 2
    anna.say("poor bert")
    assert carl.hear() == "anna: poor bert"
    assert all(node.incarnation == 1 for node in chat.system.tree().walk())


def test_members_of_a_room_that_crashes_are_told_and_are_in_the_next_one(chat):
    chat.harness.expect_death("root.rooms.lobby", match="what no room understands")
    anna, bert = chat.some("anna", "bert")
    carl = chat.guest("carl", "kitchen")
    for other in (anna, bert):
        heard = [other.hear() for _ in range(3)]
        assert heard[-1] == "* carl has left"

    anna.say("/crash room")

    are_back_in_the_lobby(anna, bert)
    assert carl.ask("/who") == "* here: carl"
    assert chat.system.node("root.rooms.lobby").incarnation == 2


def test_members_are_back_in_their_rooms_when_the_supervisor_of_all_rooms_is_started_anew(chat):
    anna, bert = chat.some("anna", "bert")

    chat.system.restart("root.rooms")

    are_back_in_the_lobby(anna, bert)


def test_an_acceptor_that_crashes_comes_back_and_those_who_are_in_go_on_talking(open_chat):
    chat = open_chat(clock=VirtualClock())
    chat.harness.expect_death("root.acceptor", match="a bug")
    anna, bert = chat.some("anna", "bert")

    chat.system.ref("root.acceptor").exit(RuntimeError("a bug"))
    assert next(entry for entry in chat.log if entry.level == "ERROR").message.startswith("died: ")
    anna.say("still there?")
    assert bert.hear() == "anna: still there?"

    chat.harness.advance_to_next()
    chat.port = chat.listening()
    carl = chat.guest()
    assert carl.ask("/who").startswith("* here: anna, bert, guest-")


# --- load ---


def test_who_does_not_read_is_thrown_out_and_holds_up_nobody(chat):
    anna, bert = chat.some("anna", "bert")
    slow = chat.guest(hearing=4096)
    assert [anna.hear(), bert.hear()] == [f"* guest-{slow.dn.rpartition('-')[2]} is here"] * 2
    chat.harness.expect_death(slow.dn, match="it does not read")
    left = f"* guest-{slow.dn.rpartition('-')[2]} has left"

    heard = None
    while heard != left:  # each line arrives before the next one is sent
        anna.say(LINE)
        heard = bert.hear()
        assert heard in {f"anna: {LINE}", left}

    assert anna.hear() == left
    assert anna.ask("/who") == "* here: anna, bert"


def test_more_connections_than_there_may_be_are_closed_again(open_chat, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS", 1)
    chat = open_chat()
    anna = chat.guest("anna")

    assert chat.connect().hear() is None
    assert next(entry for entry in chat.log if entry.level == "WARNING").message.startswith("a connection is refused: ")
    assert anna.ask("/who") == "* here: anna"


# --- the end ---


def test_a_stop_closes_all_connections_even_that_of_one_who_does_not_read(chat):
    anna, bert = chat.some("anna", "bert")
    slow = chat.guest(hearing=4096)
    assert anna.hear().endswith("is here")
    for _ in range(80):  # fewer than it is thrown out for
        anna.say(LINE)
    assert anna.ask("/who").startswith("* here: anna, bert, ")

    report = chat.system.stop(timeout=PATIENCE)

    assert report.unstopped == ()
    for guest in (anna, bert, slow):
        while guest.hear() is not None:
            pass


def test_the_program_and_two_clients_talk_until_ctrl_c(start, dialogue):
    program = start(sys.executable, "-m", "examples.chat", "0", cwd=CHECKOUT)
    port = re.search(r"listening on 127\.0\.0\.1:(\d+)", program.until("listening on"))[1]
    anna = dialogue("examples.chat.client", "--port", port, "anna", "kitchen")
    anna.until("* you are in kitchen, with: anna")
    bert = dialogue("examples.chat.client", "--port", port, "bert", "kitchen")
    bert.until("* you are in kitchen, with: anna, bert")

    bert.say("is it warm in there?")
    assert anna.until("bert: ") == "bert: is it warm in there?"
    bert.say("/who")
    bert.process.stdin.close()  # Ctrl-D
    assert bert.until("* here") == "* here: anna, bert"
    assert bert.end() == 0
    assert anna.until("has left") == "* bert has left"

    program.send(signal.SIGINT)

    assert program.end() == 0
    assert not any("ERROR" in line or "Traceback" in line for line in program.lines)
    assert anna.hear() == ""
    assert anna.end() == 0


def test_a_client_ends_at_ctrl_c_and_the_server_is_told(start, dialogue):
    program = start(sys.executable, "-m", "examples.chat", "0", cwd=CHECKOUT)
    port = re.search(r"listening on 127\.0\.0\.1:(\d+)", program.until("listening on"))[1]
    anna = dialogue("examples.chat.client", "--port", port, "anna")
    anna.until("* you are anna")
    bert = dialogue("examples.chat.client", "--port", port, "bert")
    anna.until("is now called bert")

    bert.process.send_signal(signal.SIGINT)

    assert bert.end() == 0
    assert anna.until("has left") == "* bert has left"


def test_a_client_without_a_server_says_so(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    client = start(sys.executable, "-m", "examples.chat.client", "--port", port, cwd=CHECKOUT)

    assert client.end() == 1
    assert client.lines[-1].startswith(f"no chat at 127.0.0.1:{port}: ")
