"""How a gRPC server ends: calls in flight have the grace, handlers are waited for, connections are closed."""

from __future__ import annotations

import socket
import threading

import grpc
import pytest

import otp

from .rpc import DEADLINE, call, client, echo, free_port, method, serving


def test_calls_in_flight_finish_within_the_grace(bench):
    entered = threading.Event()

    def finish(request, context):
        entered.set()
        otp.wait_canceled()
        return b"finished"

    server = otp.grpc_server(serving(finish=finish), address="127.0.0.1:0")
    bench.run(server)
    bench.until(otp.events.Healthy)
    with client(server.port) as channel:
        answer = method(channel, "finish").future(b"", timeout=DEADLINE)
        assert entered.wait(10)

        assert bench.system.stop().unstopped == ()

        assert answer.result() == b"finished"
    assert not any(isinstance(event, otp.events.Died | otp.events.Stuck) for event in bench.rest())


def test_no_new_call_is_taken_during_the_grace(bench):
    entered, stopping, finish = threading.Event(), threading.Event(), bench.gate()

    def slow(request, context):
        entered.set()
        finish.wait()
        return b"finished"

    def make_server(executor, options):
        server = serving(slow=slow, echo=echo)(executor, options)
        stop = server.stop

        def stop_and_tell(grace):
            stopped = stop(grace)
            stopping.set()
            return stopped

        server.stop = stop_and_tell
        return server

    server = otp.grpc_server(make_server, address=f"127.0.0.1:{free_port()}")
    bench.run(server)
    bench.until(otp.events.Healthy)
    with client(server.port) as channel:
        answer = method(channel, "slow").future(b"", timeout=DEADLINE)
        assert entered.wait(10)
        bench.system.restart("root.a")
        assert stopping.wait(10)

        with client(server.port) as other:
            codes = [method(late, "echo").future(b"", timeout=DEADLINE).exception().code() for late in (channel, other)]
        assert set(codes) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        finish.set()

        assert answer.result() == b"finished"
    assert bench.until(otp.events.Healthy).incarnation == 2
    assert call(server.port) == b"hello"


@pytest.mark.defect("B16")
def test_calls_in_flight_are_aborted_after_the_grace(bench):
    entered, aborted = threading.Event(), threading.Event()

    def slow(request, context):
        context.add_callback(aborted.set)
        entered.set()
        aborted.wait()

    server = otp.grpc_server(serving(slow=slow), address="127.0.0.1:0", grace=0.2)
    bench.run(server)
    bench.until(otp.events.Healthy)
    with client(server.port) as channel:
        answer = method(channel, "slow").future(b"", timeout=DEADLINE)
        assert entered.wait(10)

        assert bench.system.stop().unstopped == ()

        assert answer.exception().code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    told = bench.rest()
    (asked,) = [event for event in told if isinstance(event, otp.events.Canceling) and event.dns == ("root.a",)]
    (canceled,) = [event for event in told if isinstance(event, otp.events.Canceled) and event.dn == "root.a"]
    assert canceled.time - asked.time >= 0.2
    assert not any(isinstance(event, otp.events.Died | otp.events.Stuck) for event in told)


@pytest.mark.defect("B16")
def test_a_handler_that_does_not_return_is_named_and_holds_up_the_next_incarnation(bench):
    entered, go = threading.Event(), bench.gate()

    def deaf(request, context):
        entered.set()
        go.wait()

    server = otp.grpc_server(serving(deaf=deaf, echo=echo), address="127.0.0.1:0", grace=0.0)
    bench.run(server, shutdown=0.1)
    bench.until(otp.events.Healthy)
    with client(server.port) as channel:
        answer = method(channel, "deaf").future(b"", timeout=DEADLINE)
        assert entered.wait(10)
        bench.system.restart("root.a")

        assert answer.exception().code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    (stuck,) = bench.until(otp.events.Stuck, None).nodes
    assert stuck.dn == "root.a"
    warning = bench.record("handlers that have not returned")
    assert "go.wait()" in warning.message
    assert bench.system.node("root.a").incarnation == 1

    go.set()

    bench.until(otp.events.Healthy, incarnation=2)
    assert call(server.port) == b"hello"


def test_a_stop_that_does_not_wait_for_a_handler_reports_it(bench):
    entered, go = threading.Event(), bench.gate()

    def deaf(request, context):
        entered.set()
        go.wait()

    server = otp.grpc_server(serving(deaf=deaf), address="127.0.0.1:0", grace=0.0)
    bench.run(server, shutdown=0.1)
    bench.until(otp.events.Healthy)
    with client(server.port) as channel:
        answer = method(channel, "deaf").future(b"", timeout=DEADLINE)
        assert entered.wait(10)

        assert bench.system.stop().unstopped == ("root.a",)
        assert isinstance(answer.exception(), grpc.RpcError)


class Connection:
    """A connection that does not say anything, and hears when it is closed."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        assert self._socket.recv(1)  # the server has greeted: the connection is its own

    def wait_until_closed(self) -> None:
        with self._socket:
            while self._socket.recv(1_000):
                pass


@pytest.mark.defect("B17")
def test_connections_are_closed_when_the_server_is_canceled(bench):
    server = otp.grpc_server(serving(echo=echo), address="127.0.0.1:0", grace=0.1)
    bench.run(server)
    bench.until(otp.events.Healthy)
    connection = Connection(server.port)

    bench.system.restart("root.a")
    connection.wait_until_closed()

    assert bench.until(otp.events.Healthy).incarnation == 2


@pytest.mark.defect("B17")
def test_connections_are_closed_when_the_server_dies(bench):
    entered = threading.Event()

    def stay(request, context):
        entered.set()
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()

    def make_server(executor, options):
        server = serving(stay=stay)(executor, options)
        stop = server.stop

        def fail_if_gentle(grace):
            if grace is not None:
                msg = "the server fails"
                raise OSError(msg)
            return stop(grace)

        server.stop = fail_if_gentle
        return server

    server = otp.grpc_server(make_server, address="127.0.0.1:0")
    bench.run(server)
    bench.until(otp.events.Healthy)
    connection = Connection(server.port)
    with client(server.port) as channel:
        answer = method(channel, "stay").future(b"", timeout=DEADLINE)
        assert entered.wait(10)

        bench.system.restart("root.a")

        connection.wait_until_closed()
        assert isinstance(answer.exception(), grpc.RpcError)
    assert bench.until(otp.events.Canceled).error == "OSError: the server fails"


@pytest.mark.defect("B17")
def test_connections_are_closed_when_the_node_dies_after_it_has_served(bench):
    """It starts to serve, and fails before it is healthy: another signal came first."""

    def signals_first() -> None:
        otp.signal(otp.Signal.HEALTHY)
        server()

    greeted: list[Connection] = []

    def make_server(executor, options):
        made = serving(echo=echo)(executor, options)
        start = made.start

        def start_and_connect() -> None:
            start()
            greeted.append(Connection(server.port))

        made.start = start_and_connect
        return made

    server = otp.grpc_server(make_server, address="127.0.0.1:0")
    bench.run(signals_first, backoff=otp.Backoff(initial=60.0))

    assert "IllegalSignalError" in bench.until(otp.events.Died).error
    greeted[0].wait_until_closed()
