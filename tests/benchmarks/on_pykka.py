"""Pykka's stock `ThreadingActor`, with the least supervisor that can be written with it.

It has no groups and no tree, so some cases are missing, and what there is is a lower bound.
"""

from __future__ import annotations

import logging
import time
from queue import SimpleQueue

import pykka
from mail import CASTS, calls, casts
from measure import DEATHS, DEATHS_OF_MANY, PAUSE, busy, latencies, now, rss, spawned


class Idle(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, begun: SimpleQueue) -> None:
        super().__init__()
        self.begun = begun

    def on_start(self) -> None:
        self.begun.put((now(), self.actor_ref))


class Mortal(Idle):
    def __init__(self, begun: SimpleQueue, died: list[float], supervisor: pykka.ActorRef) -> None:
        super().__init__(begun)
        self.died = died
        self.supervisor = supervisor

    def on_receive(self, message: object) -> None:
        self.died.append(now())
        raise RuntimeError

    def on_failure(self, exception_type, exception_value, traceback) -> None:
        self.supervisor.tell(exception_value)


class Supervisor(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, begun: SimpleQueue, died: list[float]) -> None:
        super().__init__()
        self.begun = begun
        self.died = died

    def on_receive(self, message: object) -> None:
        Mortal.start(self.begun, self.died, self.actor_ref)


def start_idle(n: int) -> float:
    """When the last of `n` began."""
    begun: SimpleQueue = SimpleQueue()
    for _ in range(n):
        Idle.start(begun)
    return max((begun.get()[0] for _ in range(n)), default=now())


def deaths(times: int) -> list[float]:
    begun, died, seconds = SimpleQueue(), [], []
    Supervisor.start(begun, died).tell("start the first")
    _, mortal = begun.get()
    for _ in range(times):
        time.sleep(PAUSE)
        mortal.tell("die")
        began, mortal = begun.get()
        seconds.append(began - died[-1])
    return seconds


def spawn(n: int):
    memory, start = rss(), now()
    seconds, memory = start_idle(n) - start, rss() - memory
    start = now()
    pykka.ActorRegistry.stop_all()
    return spawned(n, seconds, memory, now() - start)


def restart(n: int):
    start_idle(n - 1)
    seconds = deaths(DEATHS)
    pykka.ActorRegistry.stop_all()
    return latencies("W2", f"n={n}", seconds)


def beside(loops: int):
    with busy(loops):
        seconds = deaths(DEATHS_OF_MANY)
    pykka.ActorRegistry.stop_all()
    return latencies("W2", f"busy={loops}", seconds)


class Echo(pykka.ThreadingActor):
    use_daemon_thread = True

    def on_receive(self, message: object) -> object:
        return message


def call(clients: int):
    ref = Echo.start()
    figures = calls(clients, ref.ask)
    ref.stop()
    return figures


def send(producers: int):
    handled: SimpleQueue = SimpleQueue()

    class Sink(Echo):
        left = CASTS

        def on_receive(self, _message: object) -> None:
            self.left -= 1
            if self.left == 0:
                handled.put(None)

    ref = Sink.start()
    figures = casts(producers, ref.tell, handled.get)
    ref.stop()
    return figures


logging.disable(logging.CRITICAL)  # it logs each death; nobody would read it here
CASES = {"call": call, "cast": send, "spawn": spawn, "restart": restart, "busy": beside}
