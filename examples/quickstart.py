"""A small service that heals: threads, a coroutine, another program and a gRPC server in one tree.

    otp run examples.quickstart:root [PORT] [HEALTH_PORT]
    python -m examples.quickstart_client [PORT]     # in a second terminal

Lines go to the workers, answers come back:

    clients <---> listener (a coroutine) ---> queue of jobs ---> workers (a thread each)
                          ^----------------- answers ----------------'

A worker dies of the line `crash`. The client who sent it is told so, everybody else is served on, and half a second later
the worker is back; so is the clock, a program of its own, when somebody kills it. Load balancers ask by gRPC whether all is
well, a reporter fails now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import otp

HOST = "127.0.0.1"
PORT = 4747
HEALTH_PORT = 4748
WORKERS = 2
CLOCK = "while date +%T; do sleep 5; done"


@dataclass(frozen=True, slots=True)
class Job:
    """A client's line, and where the answer to it goes."""

    line: str
    answer: Future[str] = field(default_factory=Future)


Jobs: TypeAlias = "queue.SimpleQueue[Job]"
Facts: TypeAlias = Mapping[str, Callable[[], object]]


def root(port: int | str = PORT, health_port: int | str = HEALTH_PORT) -> None:
    """The top of the tree: it starts the parts, and has nothing else to do."""
    jobs: Jobs = queue.SimpleQueue()
    clock = otp.command("sh", "-c", CLOCK)
    balancers = otp.grpc_server(health_server, address=f"{HOST}:{health_port}")
    facts: Facts = {"pid": lambda: clock.pid, "health": lambda: balancers.port}
    otp.run("workers", workers, jobs, facts)
    otp.run("listener", listener, int(port), jobs)
    otp.run("reporter", reporter, jobs)
    otp.run("clock", clock)
    otp.run("health", balancers)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def workers(jobs: Jobs, facts: Facts) -> None:
    """A node of its own for the workers, so that they can be restarted together, too."""
    for number in range(1, WORKERS + 1):
        otp.run(f"worker-{number}", worker, jobs, facts)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def worker(jobs: Jobs, facts: Facts) -> None:
    """Answers one line after the other."""
    otp.signal(otp.Signal.HEALTHY)
    while not otp.canceled():
        try:
            job = jobs.get(timeout=0.2)  # not longer: a thread that waits here does not hear that it is canceled
        except queue.Empty:
            continue
        if not job.answer.set_running_or_notify_cancel():
            continue  # the client has hung up
        try:
            job.answer.set_result(answer_to(job.line, facts))
        except Exception as error:
            job.answer.set_result(f"error: {error}")  # nobody is left waiting,
            raise  # and the worker need not guess what state it is in: the next incarnation begins afresh


def answer_to(line: str, facts: Facts) -> str:
    """The work itself."""
    if line in facts:
        return str(facts[line]())
    if line == "crash":
        msg = "a bug in the worker"
        raise RuntimeError(msg)
    return f"{line.upper()} ({len(line)} characters)"


async def listener(port: int, jobs: Jobs) -> None:
    """Takes lines from clients and gives them the answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                job = Job(line.decode(errors="replace").strip())
                jobs.put(job)
                answer = await asyncio.wrap_future(job.answer)
                writer.write(f"{answer}\n".encode())
                await writer.drain()

    server = await asyncio.start_server(serve, HOST, port)
    try:
        otp.logger().info("listening on {}:{}", *server.sockets[0].getsockname())
        otp.signal(otp.Signal.HEALTHY)
        await asyncio.Event().wait()  # until it is canceled; its connections are tasks of its own, and end with it
    finally:
        server.close()


def reporter(jobs: Jobs) -> None:
    """Tells how busy the service is, and loses its connection every third time, as such things do."""
    otp.signal(otp.Signal.HEALTHY)
    for _ in range(2):
        otp.sleep(5.0)
        otp.logger().info("{} lines wait for a worker", jobs.qsize())
    otp.sleep(5.0)
    msg = "the metrics server hung up"
    raise ConnectionError(msg)


def health_server(executor: ThreadPoolExecutor, options: Sequence[tuple[str, Any]]) -> grpc.Server:
    """The server that load balancers ask, by gRPC's own protocol for that; a new one for each incarnation."""
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    server = grpc.server(executor, options=options)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)  # pyright: ignore[reportUnknownMemberType] - generated
    return server
