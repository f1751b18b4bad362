"""Mail that is written in between: by `__del__` while garbage is collected, by the handler of a signal, at the interpreter's exit."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading

import pytest

import otp
from otp.mail.bounds import MailboxLimit, _BoundedThreadMailbox
from otp.tree.clock import SystemClock
from otp.tree.mailbox import ThreadMailbox

PATIENCE = 30.0


class Garbage:
    """In a cycle; when it is collected it writes, and leaves the next of its kind behind."""

    written = 0

    def __init__(self, write, left) -> None:
        self.write, self.left, self.me = write, left, self

    def __del__(self) -> None:
        type(self).written += 1
        self.write()
        if self.left:
            Garbage(self.write, self.left - 1)


@pytest.fixture
def collecting():
    """Garbage is collected whenever there is some, wherever an object is made."""
    before = gc.get_threshold()
    Garbage.written = 0
    yield Garbage
    gc.set_threshold(*before)
    gc.collect()
    assert Garbage.written > 1


def often(work, garbage) -> None:
    gc.set_threshold(1)
    try:
        garbage()
        for _ in range(200):
            work()
    finally:
        gc.set_threshold(700)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["links", "timers"])
def test_what_is_collected_may_write_while_a_runnable_is_at_it(actors, stage, collecting, kind):
    a, b = actors("a", "b", threads=("c",))[:2]
    c = stage.ref("c")
    b.do(lambda: otp.trap_exit(on=True))

    def links() -> None:
        otp.link(b.ref)
        otp.monitor(b.ref)
        otp.unlink(b.ref)

    def timers() -> None:
        otp.cancel_timer(otp.send_after(c, "never", 1e6))
        otp.cancel_timer(otp.send_interval(otp.current(), "never", 1e6))

    spare = [a.do(lambda: otp.send_after(c, "late", 1e6))]

    def write() -> None:
        b.ref.exit("written")
        c.send("written")
        otp.read_timer(spare[0])

    a.do(lambda: often({"links": links, "timers": timers}[kind], lambda: collecting(write, 50)))


@pytest.mark.timeout(20)
def test_what_is_collected_may_write_to_the_mailbox_that_is_being_opened_or_is_full(collecting):
    boxes = []

    def work() -> None:
        bounded = _BoundedThreadMailbox("root.a", MailboxLimit(2))
        plain = ThreadMailbox("root.b")
        boxes[:] = [bounded, plain]
        for box in (bounded, plain):
            box.put(1)
            assert box.take(SystemClock()) is not None
            while box._queue.qsize():
                box.take(SystemClock())

    def write() -> None:
        for box in boxes:
            if box._queue.qsize() == 0 if box.opened else True:
                box.put("written")

    often(work, lambda: collecting(write, 50))


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="handlers run in the main thread")
def test_the_handler_of_a_signal_may_write_and_ask(actors):
    (server,) = actors("server")
    asked = []

    def handle(number, _frame) -> None:
        server.ref.cast(number)
        server.ref.send(number)
        asked.append(server.ref.send_request(server.request(lambda: number)))

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for _ in range(20):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [future.result(PATIENCE) for future in asked] == [(True, signal.SIGUSR1)] * 20


def test_a_call_that_a_signal_interrupts_leaves_nothing_behind(actors):
    (server,) = actors("server")

    handled = threading.Event()

    def handle(_number, _frame) -> None:
        if not handled.is_set():
            handled.set()
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, handle)
    main = threading.main_thread().ident

    def interrupt() -> None:
        server.news()  # it has been asked
        while not handled.wait(0.01):  # one that comes just before the wait does not end it
            signal.pthread_kill(main, signal.SIGUSR1)

    other = threading.Thread(target=interrupt)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            server.ref.call("anything", PATIENCE)
    finally:
        other.join()
        signal.signal(signal.SIGUSR1, before)
    assert not server.ref._home().pending


AT_EXIT = """
import atexit, otp

class Server(otp.GenServer):
    def handle_call(self, request, sender):
        return request

    def handle_cast(self, request):
        pass

def root():
    otp.run("server", Server)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()

def call():
    try:
        print("value", ref.call("asked", 5.0), flush=True)
        ref.cast("anything")
    except otp.NoProcessError:
        print("nobody", flush=True)  # where coverage is measured, Python does not do it any more
    print(type(ref.send_request("anything").exception(5.0)).__name__, flush=True)

class Dying:
    def __del__(self):
        call()

atexit.register(call)
system = otp.System(root)
system.start()
system.wait_healthy(5.0)
ref = system.ref("root.server")
call()
system.stop()
dying = Dying()
"""


def test_at_the_exit_of_the_interpreter_there_is_nobody_and_nothing_waits():
    ended = subprocess.run(
        [sys.executable, "-c", AT_EXIT], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ended.stdout.split("\n") == [
        *("value asked", "NoneType"),
        *("nobody", "NoProcessError"),
        *("nobody", "NoProcessError"),
        "",
    ]
    assert ended.returncode == 0
