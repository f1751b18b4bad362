"""The same port is served by one incarnation after the other, under clients that never stop calling."""

from __future__ import annotations

import queue
import threading
import time
import uuid

import grpc
import pytest

import otp

from .rpc import client, free_port, method, serving

RESTARTS = 200
_DEADLINE = 3.0
"""Seconds of each call."""
_LATE = 5.0
"""Seconds by which a call may end too late on a busy machine; one that hangs never ends."""


class Caller(threading.Thread):
    """Calls and calls, over one connection or a new one each time; every call ends in a value or an `RpcError`."""

    def __init__(self, port: int, *, anew: bool) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._anew = anew
        self._enough = threading.Event()
        self.values = 0
        self.errors: dict[grpc.StatusCode, list[bytes]] = {}
        self.longest = 0.0
        self.surprise: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                with client(self._port) as channel:
                    stub = method(channel, "number")
                    self._call(stub)
                    while not self._anew and not self._enough.is_set():
                        self._call(stub)
        except BaseException as error:
            self.surprise = error
            raise

    def _call(self, stub) -> None:
        name = uuid.uuid4().bytes
        began = time.monotonic()
        try:
            assert int(stub(name, timeout=_DEADLINE)) > 0
            self.values += 1
        except grpc.RpcError as error:
            self.errors.setdefault(error.code(), []).append(name)
        self.longest = max(self.longest, time.monotonic() - began)

    def stop(self) -> None:
        self._enough.set()
        self.join(_DEADLINE + _LATE)
        assert not self.is_alive()


@pytest.mark.defect("B16")
def test_no_call_hangs_over_200_restarts_and_each_incarnation_serves_the_port(bench):
    """A call may be lost by the client alone, between two connections: gRPC's does that to plain servers, too."""
    answered: queue.SimpleQueue[int] = queue.SimpleQueue()
    taken: set[bytes] = set()

    def number(request, context):
        taken.add(request)
        answered.put(otp.current().incarnation)
        return str(otp.current().incarnation).encode()

    port = free_port()
    server = otp.grpc_server(serving(number=number), address=f"127.0.0.1:{port}", grace=0.2)
    bench.run(server)
    callers = [Caller(port, anew=False), Caller(port, anew=True)]
    for caller in callers:
        caller.start()
    for incarnation in range(1, RESTARTS + 2):
        bench.until(otp.events.Healthy, incarnation=incarnation)
        while answered.get(timeout=_DEADLINE + _LATE) != incarnation:
            pass
        bench.system.restart("root.a")
    for caller in callers:
        caller.stop()

    for caller in callers:
        assert caller.surprise is None
        assert caller.values > 0
        assert caller.longest < _DEADLINE + _LATE
        lost = caller.errors.pop(grpc.StatusCode.DEADLINE_EXCEEDED, [])
        assert taken.isdisjoint(lost)
        assert caller.errors.keys() <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    told = bench.rest()
    assert not any(isinstance(event, otp.events.Died | otp.events.Stuck) for event in told)
