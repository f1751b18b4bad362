"""Servers that cannot serve: each is a death that says why, and leaves nothing behind."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

import otp
from otp.testing.clock import VirtualClock

from .rpc import call, echo, free_port, serving

NEVER = otp.Backoff(initial=60.0, jitter=0.0)
DOUBLES = otp.Backoff(initial=1.0, multiplier=2.0, jitter=0.0)


@pytest.mark.defect("B8")
def test_a_busy_port_backs_off_more_each_time_and_is_served_once_it_is_free(bench):
    clock = VirtualClock()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        server = otp.grpc_server(serving(echo=echo), address=f"127.0.0.1:{busy.getsockname()[1]}")
        bench.run(server, clock=clock, backoff=DOUBLES)
        delays = []
        for _ in range(4):
            death = bench.until(otp.events.Died)
            assert "Failed to bind" in death.error
            delays.append(death.restart_in)
            if len(delays) < 4:
                clock.advance(death.restart_in)
    assert delays == [1.0, 2.0, 4.0, 8.0]

    clock.advance(8.0)

    assert bench.until(otp.events.Healthy).incarnation == 5
    assert call(server.port) == b"hello"
    assert [
        each.incarnation for each in bench.seen if isinstance(each, otp.events.Healthy) and each.dn == "root.a"
    ] == [5]


def test_two_servers_do_not_share_a_port(bench):
    """By default gRPC lets them, and each gets some of the calls."""
    port = free_port()
    bench.run_all(
        {
            "first": otp.Child(otp.grpc_server(serving(echo=echo), address=f"127.0.0.1:{port}"), backoff=NEVER),
        }
    )
    bench.until(otp.events.Healthy, "root.first")
    second = otp.System(otp.grpc_server(serving(echo=echo), address=f"127.0.0.1:{port}"), backoff=NEVER)
    events = second.events()
    with second:
        ended = next(event for event in events if isinstance(event, otp.events.Died | otp.events.Healthy))

    assert isinstance(ended, otp.events.Died)
    assert "Failed to bind" in ended.error


def test_a_server_of_another_program_that_would_share_the_port_is_not_joined(bench):
    pool = ThreadPoolExecutor(1)
    other = grpc.server(pool)
    port = other.add_insecure_port("127.0.0.1:0")
    other.start()
    bench.run(otp.grpc_server(serving(echo=echo), address=f"127.0.0.1:{port}"), backoff=NEVER)
    try:
        assert "Failed to bind" in bench.until(otp.events.Died).error
    finally:
        other.stop(None).wait()
        pool.shutdown()


@pytest.mark.defect("B16")
def test_each_incarnation_has_a_server_of_its_own(bench):
    made = []

    def make_server(executor, options):
        made.append(serving(echo=echo)(executor, options))
        return made[-1]

    server = otp.grpc_server(make_server, address=f"127.0.0.1:{free_port()}")
    bench.run(server)
    for _ in range(3):
        bench.until(otp.events.Healthy)
        assert call(server.port) == b"hello"
        bench.system.restart("root.a")
    bench.until(otp.events.Healthy)

    assert len({id(each) for each in made}) == 4


def test_a_factory_that_raises_is_a_death_by_its_error(bench):
    def make_server(executor, options):
        msg = "no certificate"
        raise FileNotFoundError(msg)

    bench.run(otp.grpc_server(make_server, address="127.0.0.1:0"), backoff=NEVER)

    assert bench.until(otp.events.Died).error == "FileNotFoundError: no certificate"


@pytest.mark.parametrize("made", [None, 5, "server"])
def test_a_factory_that_returns_no_server_is_told_so(bench, made):
    bench.run(otp.grpc_server(lambda executor, options: made, address="127.0.0.1:0"), backoff=NEVER)

    assert f"make_server returned a {type(made).__name__}, not a grpc.Server" in bench.until(otp.events.Died).error


def test_a_server_that_has_been_started_is_stopped_again(bench):
    port = free_port()

    def make_server(executor, options):
        server = serving(echo=echo)(executor, options)
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        return server

    bench.run(otp.grpc_server(make_server, address="127.0.0.1:0"), backoff=NEVER)

    assert "ValueError" in bench.until(otp.events.Died).error
    with socket.create_server(("127.0.0.1", port)) as free:
        assert free.getsockname()[1] == port


@pytest.mark.parametrize("address", ["no.such.host.invalid:1", "", "unix:/no/such/directory/socket"])
def test_an_address_that_is_none_is_a_death(bench, address):
    bench.run(otp.grpc_server(serving(echo=echo), address=address), backoff=NEVER)

    assert address in bench.until(otp.events.Died).error
