"""A gRPC server in a tree: where it listens, and what its handlers are given."""

from __future__ import annotations

import logging
from pathlib import Path

import grpc
import pytest

import otp

from .rpc import DEADLINE, SERVICE, call, client, echo, free_port, method, serving

NEVER = otp.Backoff(initial=60.0, jitter=0.0)
PEM = (Path(__file__).parent / "localhost.pem").read_bytes()


def test_a_unary_call_is_answered(bench):
    server = otp.grpc_server(serving(echo=echo), address="127.0.0.1:0")
    bench.run(server)
    bench.until(otp.events.Healthy)

    assert call(server.port) == b"hello"


def test_streams_go_both_ways(bench):
    def upper(requests, context):
        for request in requests:
            yield request.upper()

    server = otp.grpc_server(serving(streaming={"upper": upper}), address="127.0.0.1:0")
    bench.run(server)
    bench.until(otp.events.Healthy)

    with client(server.port) as channel:
        answers = channel.stream_stream(f"/{SERVICE}/upper")(iter([b"one", b"two"]), timeout=DEADLINE)
        assert list(answers) == [b"ONE", b"TWO"]


def test_handlers_log_at_the_node_and_know_its_incarnation(bench):
    def who(request, context):
        otp.logger().info("asked")
        here = otp.current()
        return f"{here.dn} {here.incarnation} {otp.canceled()}".encode()

    def who_streaming(requests, context):
        for request in requests:
            yield who(request, context)

    server = otp.grpc_server(serving(who=who, streaming={"stream": who_streaming}), address="127.0.0.1:0")
    bench.run(server)
    bench.until(otp.events.Healthy)
    assert call(server.port, "who") == b"root.a 1 False"
    record = bench.record("asked")
    assert (record.dn, record.incarnation) == ("root.a", 1)

    bench.system.restart("root.a")
    bench.until(otp.events.Healthy)
    assert call(server.port, "who") == b"root.a 2 False"
    with client(server.port) as channel:
        answers = channel.stream_stream(f"/{SERVICE}/stream")(iter([b""]), timeout=DEADLINE)
        assert list(answers) == [b"root.a 2 False"]


def test_an_exception_in_a_handler_is_its_caller_s_and_a_record_and_no_death(bench, monkeypatch):
    monkeypatch.setattr(logging.getLogger("grpc"), "propagate", False)  # pytest would keep the record, and all it holds

    def fails(request, context):
        msg = "a bug in the handler"
        raise LookupError(msg)

    server = otp.grpc_server(serving(fails=fails, echo=echo), address="127.0.0.1:0")
    bench.run(server)
    bench.until(otp.events.Healthy)

    with pytest.raises(grpc.RpcError) as error:
        call(server.port, "fails")

    assert error.value.code() is grpc.StatusCode.UNKNOWN
    assert "a bug in the handler" in bench.record("Exception calling application").traceback
    assert call(server.port) == b"hello"
    assert bench.system.node("root.a").incarnation == 1


def test_it_is_healthy_only_when_it_listens(bench):
    asked = []

    def make_server(executor, options):
        asked.append(bench.system.node("root.a").state)
        server = serving(echo=echo)(executor, options)
        start = server.start

        def start_and_look() -> None:
            asked.append(bench.system.node("root.a").state)
            start()
            asked.append(bench.system.node("root.a").state)

        server.start = start_and_look
        return server

    server = otp.grpc_server(make_server, address="127.0.0.1:0")
    assert server.port is None
    bench.run(server)
    bench.until(otp.events.Healthy)

    assert asked == [otp.NodeState.NEW] * 3
    assert server.port > 0
    assert call(server.port) == b"hello"


def test_the_port_is_the_one_that_was_asked_for(bench):
    port = free_port()
    server = otp.grpc_server(serving(echo=echo), address=f"127.0.0.1:{port}")
    bench.run(server)
    bench.until(otp.events.Healthy)

    assert server.port == port


def test_a_unix_socket_is_an_address_that_each_incarnation_serves_again(bench, tmp_path):
    address = f"unix:{tmp_path}/socket"
    server = otp.grpc_server(serving(echo=echo), address=address)
    bench.run(server)
    for _ in range(10):
        bench.until(otp.events.Healthy)
        assert call(address) == b"hello"
        bench.system.restart("root.a")

    assert not any(isinstance(event, otp.events.Died) for event in bench.rest())


def test_tls_needs_credentials_on_both_sides(bench):
    credentials = grpc.ssl_server_credentials([(PEM, PEM)])
    server = otp.grpc_server(serving(echo=echo), address="127.0.0.1:0", credentials=credentials)
    bench.run(server)
    bench.until(otp.events.Healthy)

    assert call(server.port, credentials=grpc.ssl_channel_credentials(PEM)) == b"hello"
    with client(server.port) as plain, pytest.raises(grpc.RpcError) as refused:
        method(plain, "echo")(b"", timeout=DEADLINE)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("factory", "options", "error"),
    [
        (None, {}, TypeError),
        ("server", {}, TypeError),
        (serving(), {"grace": -1.0}, ValueError),
        (serving(), {"grace": float("nan")}, ValueError),
        (serving(), {"grace": float("inf")}, ValueError),
        (serving(), {"grace": None}, TypeError),
        (serving(), {"address": 50051}, TypeError),
        (serving(), {"address": None}, TypeError),
    ],
)
def test_what_cannot_be_served_is_refused_where_it_is_written(factory, options, error):
    with pytest.raises(error):
        otp.grpc_server(factory, **{"address": "127.0.0.1:0", **options})


def test_a_server_instead_of_a_factory_is_refused_with_the_reason():
    with pytest.raises(TypeError, match="a stopped server cannot serve again"):
        otp.grpc_server(object(), address="127.0.0.1:0")


def test_the_shutdown_leaves_room_for_the_grace_and_one_that_fails_at_once_backs_off():
    policy = otp.Child(otp.grpc_server(serving(), address="127.0.0.1:0", grace=7.5)).policy(
        backoff=otp.Backoff(), killable=False
    )

    assert policy.shutdown == 12.5
    assert policy.backoff.reset_after == 5.0


def test_it_is_shown_with_its_address():
    assert repr(otp.grpc_server(serving(), address="127.0.0.1:50051")) == "<GrpcServer 127.0.0.1:50051>"
