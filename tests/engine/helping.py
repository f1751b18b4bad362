"""What tests of helpers share: a loop by itself, which they know the sleep of, and threads that come to help it."""

from __future__ import annotations

import threading

from otp.tree.actor import Actor
from otp.tree.loop import Loop

__all__ = ["PATIENCE", "Bell", "Doer", "Scene", "Starter", "Turn", "elsewhere"]

PATIENCE = 20.0
"""Seconds for what must happen; only a test that fails waits for so long."""


class Bell:
    """Hung up in `loop` before that is started."""

    def __init__(self, loop):
        self._bell = loop._bell
        self._asleep = threading.Event()
        self.wakes = 0
        """How often somebody has woken the loop, or found it awake."""
        loop._bell = self

    def acquire(self, timeout):
        if not self._bell.acquire(blocking=False):
            self._asleep.set()
            self._bell.acquire(timeout=timeout)
            self._asleep.clear()
        self.wakes += 1

    def release(self):
        self._bell.release()

    def locked(self):
        return self._bell.locked()

    def until_asleep(self):
        """Wait until the loop does nothing any more unless somebody rings, or an alarm is due."""
        assert self._asleep.wait(PATIENCE)


class Turn:
    """The turn of a loop, with something that happens just before, or after, it is given back for the first time."""

    def __init__(self, turn, *, before=None, after=None):
        self._turn = turn
        self._before = before
        self._after = after

    def acquire(self, *, blocking=True):
        return self._turn.acquire(blocking)

    def locked(self):
        return self._turn.locked()

    def release(self):
        before, self._before = self._before, None
        if before is not None:
            before()
        self._turn.release()
        after, self._after = self._after, None
        if after is not None:
            after()

    def __enter__(self):
        self._turn.acquire()

    def __exit__(self, *_):
        self.release()


class Doer(Actor):
    """Does what it is told to, or writes it down with the name of the thread."""

    def __init__(self, loop, log):
        super().__init__(loop)
        self.log = log

    def on_receive(self, message):
        if callable(message):
            return message()
        self.log.append((message, threading.current_thread().name))
        return message

    def refused(self, message):
        self.log.append((message, "refused"))


class Starter(Doer):
    """What it is told needs the loop's own thread."""

    def on_receive(self, message):
        if message == "start" and self.loop.helped:
            self.loop.hand_back(self, message)
        else:
            super().on_receive(message)


class Scene:
    """A loop, an actor in it, and what was handled in which thread."""

    def __init__(self, clock):
        self.garbage = []
        self.faults = []
        self.log = []
        self.loop = Loop(clock, "the loop", self.garbage.append)
        self.loop.on_fault = self.faults.append
        self.bell = Bell(self.loop)
        self.doer = Doer.start(self.loop, self.log)

    def start(self):
        """Have the loop's thread run, and sleep."""
        self.loop.start()
        self.bell.until_asleep()

    def help(self, message, ref=None):
        """Have a thread tell `message`, and help; returns when it has left."""
        elsewhere((ref or self.doer).tell_and_help, message)

    @property
    def handled(self):
        return [message for message, _ in self.log]

    @property
    def threads(self):
        return [thread for _, thread in self.log]

    def close(self):
        if not self.loop.closed:
            self.doer.tell(self.loop.close)
        if self.loop._thread.ident is not None:
            self.loop.join()


def elsewhere(call, *args, name="helper"):
    """Do it in another thread."""
    thread = threading.Thread(target=call, args=args, name=name)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
