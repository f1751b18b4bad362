"""`grpc_server`: a gRPC server as a node, served anew by each incarnation.

    make_server(pool, options) --> bind --> start --> HEALTHY ... cancel --> stop(grace) --> handlers idle --> end

A stopped `grpc.Server` cannot be started again, so the runnable takes a factory. Handlers run in a pool of threads that
carry the runnable's context: `otp.logger()`, `otp.canceled()` and the others work in them.
"""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar

from otp.child import Defaults
from otp.facade import signal, wait_canceled
from otp.tree.decision.messages import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GrpcServer", "grpc_server"]

P = ParamSpec("P")
T = TypeVar("T")

_RESET_AFTER: Final = 5.0
"""Seconds that a server must have served for its next death to count as the first: a busy port backs off."""
_MARGIN: Final = 5.0
"""Seconds from the end of the grace until the node is stuck: for handlers that run on."""
_WORKERS: Final = 32
"""Handlers at once, in each incarnation; as `concurrent.futures` has at the most by default."""
_OPTIONS: Final = (
    # Two servers on one port are no error unless this is off: an old incarnation, or another program, would take half of
    # the calls.
    ("grpc.so_reuseport", 0),
)


class Server(Protocol):
    """What is used of a `grpc.Server`."""

    def add_insecure_port(self, address: str) -> int:
        """Bind."""
        ...

    def add_secure_port(self, address: str, server_credentials: Any) -> int:  # noqa: ANN401 - grpc has no types
        """Bind, for TLS."""
        ...

    def start(self) -> None:
        """Serve."""
        ...

    def stop(self, grace: float | None) -> threading.Event:
        """Serve no more."""
        ...


def grpc_server(
    make_server: Callable[[Executor, Sequence[tuple[str, Any]]], Server],
    *,
    address: str,
    grace: float = 5.0,
    credentials: Any = None,  # noqa: ANN401 - a `grpc.ServerCredentials`; grpc has no types
) -> GrpcServer:
    """A runnable that serves gRPC at `address` for as long as it is not canceled.

    The node is HEALTHY when the port is bound and the server started. When canceled the server takes no further calls,
    lets those in flight go on for `grace`, and then ends them; the node's end is reported when the last handler has
    returned, and it is stuck if one does not.

    Args:
        make_server: called with an executor and channel options, both to be handed to `grpc.server`; it adds the
            servicers and returns the server, neither bound nor started.
        address: where to listen, as `grpc.Server.add_insecure_port` takes it: `127.0.0.1:50051`, `unix:/run/x.sock`;
            port 0 picks a free one, which `GrpcServer.port` tells.
        grace: seconds that calls in flight get.
        credentials: for TLS: what `grpc.ssl_server_credentials` returns.

    Raises:
        TypeError: `make_server` is not callable.
        ValueError: `grace` is negative.
    """
    if not callable(make_server):
        msg = f"grpc_server() takes a factory, not {type(make_server).__name__}: a stopped server cannot serve again"
        raise TypeError(msg)
    if not grace >= 0:
        msg = f"grpc_server(grace={grace!r}) must not be negative"
        raise ValueError(msg)
    return GrpcServer(make_server, address, grace, credentials)


class GrpcServer:
    """What `grpc_server` returns: a runnable."""

    port: int | None = None
    """The port that the last incarnation was bound to; of a unix socket a number without meaning."""

    def __init__(
        self,
        make_server: Callable[[Executor, Sequence[tuple[str, Any]]], Server],
        address: str,
        grace: float,
        credentials: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Use `grpc_server`."""
        self._make_server = make_server
        self._address = address
        self._grace = grace
        self._credentials = credentials
        self.otp_defaults = Defaults(shutdown=grace + _MARGIN, reset_after=_RESET_AFTER)

    def __repr__(self) -> str:
        return f"<GrpcServer {self._address}>"

    def __call__(self) -> None:
        """Serve; for the tree to call."""
        pool = _Pool()
        server = self._make_server(pool, list(_OPTIONS))
        try:
            self.port = self._bind(server)
            server.start()
            signal(Signal.HEALTHY)
            wait_canceled()
            server.stop(self._grace).wait()
        finally:
            server.stop(None).wait()
            pool.shutdown(wait=True)

    def _bind(self, server: Server) -> int:
        if self._credentials is None:
            port = server.add_insecure_port(self._address)
        else:
            port = server.add_secure_port(self._address, self._credentials)
        if port == 0:  # releases of grpcio before 1.60 say so instead of raising
            msg = f"cannot listen at {self._address}"
            raise OSError(msg)
        return port


class _Pool(Executor):
    """Daemon threads that carry the context of whoever made the pool.

    `ThreadPoolExecutor` has threads that the exit of the interpreter waits for, so one handler that does not return would
    keep the program from ending.
    """

    def __init__(self) -> None:
        self._context = contextvars.copy_context()
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                self._bring_into(fn)
                future.set_result(self._context.copy().run(fn, *args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - as executors do: it is the caller's
                future.set_exception(error)

        with self._lock:
            if self._closed:
                msg = "the server has stopped"
                raise RuntimeError(msg)
            self._calls.put(call)
            if self._idle:
                self._idle -= 1
            elif len(self._threads) < _WORKERS:
                self._add_thread()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as declared
        """Take no more calls, and wait until those that run have returned."""
        del cancel_futures
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            for _ in threads:
                self._calls.put(None)
        for thread in threads if wait else ():
            thread.join()

    def _bring_into(self, fn: Callable[..., object]) -> None:
        """Set the variables in the context that `fn` is going to enter: grpc makes one for each call, an empty one."""
        inner = getattr(fn, "__self__", None)
        if isinstance(inner, contextvars.Context):
            for variable, value in self._context.items():
                if variable not in inner:
                    inner.run(variable.set, value)

    def _add_thread(self) -> None:
        name = f"{threading.current_thread().name}: handler {len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call
            with self._lock:
                self._idle += 1
