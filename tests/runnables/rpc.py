"""Servers and clients of the tests of `grpc_server`, by grpcio's generic handlers: messages are bytes."""

from __future__ import annotations

import socket
from contextlib import contextmanager

import grpc

SERVICE = "tests.Service"
DEADLINE = 20.0
"""Seconds for a call; only one that fails a test needs them."""

_CLIENT = [
    ("grpc.use_local_subchannel_pool", 1),  # no connection is shared with another channel
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 100),
]


def serving(*, streaming=(), **methods):
    """A factory of servers with these unary methods, and these `streaming` ones, by name: a stream in, a stream out."""
    handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
    handlers |= {name: grpc.stream_stream_rpc_method_handler(method) for name, method in dict(streaming).items()}

    def make_server(executor, options):
        server = grpc.server(executor, options=options)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        return server

    return make_server


def echo(request, context):
    return request


@contextmanager
def client(target, *, credentials=None):
    """A channel to a port of this machine, or to an address."""
    address = f"127.0.0.1:{target}" if isinstance(target, int) else target
    if credentials is None:
        channel = grpc.insecure_channel(address, options=_CLIENT)
    else:
        channel = grpc.secure_channel(address, credentials, options=_CLIENT)
    with channel:
        yield channel


def method(channel, name):
    """A unary method, as a callable that also has `future`."""
    return channel.unary_unary(f"/{SERVICE}/{name}")


def call(target, name="echo", request=b"hello", **options):
    """One call over a connection of its own."""
    with client(target, **options) as channel:
        return method(channel, name)(request, timeout=DEADLINE, wait_for_ready=True)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
