"""`grpc_server`: a gRPC server as a node, served anew by each incarnation.

    make_server(pool, options) --> bind --> start --> HEALTHY ... cancel --> stop(grace) --> handlers idle --> end

A stopped `grpc.Server` cannot be started again, so the runnable takes a factory. Handlers run in a pool of threads that
carry the runnable's context: `otp.logger()`, `otp.canceled()` and the others work in them.
"""

from __future__ import annotations

import contextvars
import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar

from otp.child import Defaults
from otp.facade import logger, signal, wait_canceled
from otp.tree.decision.messages import Signal
from otp.tree.incarnation import here
from otp.tree.rendering import stack_of_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GrpcServer", "grpc_server"]

P = ParamSpec("P")
T = TypeVar("T")

_RESET_AFTER: Final = 5.0
"""Seconds that a server must have served for its next death to count as the first: a busy port backs off."""
_MARGIN: Final = 5.0
"""Seconds from the end of the grace until the node is stuck: for handlers that run on."""
_UNNOTICED: Final = 1.0
"""Seconds that handlers may run on after their calls have ended, before the log tells where they are."""
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
    make_server: Callable[[ThreadPoolExecutor, Sequence[tuple[str, Any]]], Server],
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
        TypeError: `make_server` is not callable, or `address` no text.
        ValueError: `grace` is negative or not finite.
    """
    if not callable(make_server):
        msg = f"grpc_server() takes a factory, not {type(make_server).__name__}: a stopped server cannot serve again"
        raise TypeError(msg)
    if not isinstance(address, str):
        msg = f"grpc_server(address=...) takes a str, not {type(address).__name__}"
        raise TypeError(msg)
    if not 0 <= grace < math.inf:
        msg = f"grpc_server(grace={grace!r}) must be finite and not negative"
        raise ValueError(msg)
    return GrpcServer(make_server, address, grace, credentials)


class GrpcServer:
    """What `grpc_server` returns: a runnable."""

    port: int | None = None
    """The port that the last incarnation was bound to; of a unix socket a number without meaning."""

    def __init__(
        self,
        make_server: Callable[[ThreadPoolExecutor, Sequence[tuple[str, Any]]], Server],
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
        pool = _Pool(here().dn)
        try:
            self._serve(self._made(pool))
        finally:
            pool.shutdown(wait=False)
            if not pool.join(_UNNOTICED):
                logger().warning("has handlers that have not returned:\n{}", pool.stacks())
            pool.join(None)

    def _serve(self, server: Server) -> None:
        try:
            self.port = self._bind(server)
            server.start()
            signal(Signal.HEALTHY)
            wait_canceled()
            server.stop(self._grace).wait()
        finally:
            with suppress(ValueError):  # it has been started
                server.start()  # one that never was keeps its ports for ever, even when it is gone
            server.stop(None).wait()

    def _made(self, pool: _Pool) -> Server:
        import grpc  # noqa: PLC0415 - who comes here has imported it; for others it would take the longest of all

        kind: type = grpc.Server
        server = self._make_server(pool, list(_OPTIONS))
        if not isinstance(server, kind):
            msg = f"make_server returned a {type(server).__name__}, not a grpc.Server"
            raise TypeError(msg)
        return server

    def _bind(self, server: Server) -> int:
        if self._credentials is None:
            return server.add_insecure_port(self._address)
        return server.add_secure_port(self._address, self._credentials)


class _Pool(ThreadPoolExecutor):  # in name, because gRPC declares that it wants one
    """Daemon threads that carry the context of whoever made the pool.

    Those of a `ThreadPoolExecutor` are waited for at the exit of the interpreter, so one handler that does not return would
    keep the program from ending. And an error in its `submit` (no thread left on the machine) ends the thread of gRPC's
    that serves: from then on every call would hang. Here one thread is there from the beginning, and comes to all calls.
    """

    def __init__(self, name: str) -> None:
        """With threads named after `name`.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        super().__init__(_WORKERS)
        self._name = name
        self._context = contextvars.copy_context()
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._handlers: list[threading.Thread] = []
        self._unfinished = 0
        self._closed = False
        self._add_thread()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                self._finished()
                return
            try:
                self._bring_into(fn)
                result = self._context.copy().run(fn, *args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - as executors do: it is the caller's
                self._finished()
                future.set_exception(error)
            else:
                self._finished()
                future.set_result(result)

        with self._lock:
            if self._closed:
                msg = "the server has stopped"
                raise RuntimeError(msg)
            self._calls.put(call)
            self._unfinished += 1
            if len(self._handlers) < min(self._unfinished, _WORKERS):
                with suppress(RuntimeError):  # the machine has no thread left; those at hand come to this call too
                    self._add_thread()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as declared
        """Take no more calls, and wait until those that there are have returned."""
        del cancel_futures
        with self._lock:
            self._closed = True
            for _ in self._handlers:
                self._calls.put(None)
        if wait:
            self.join(None)

    def join(self, timeout: float | None) -> bool:
        """After a shutdown: wait until all calls have returned, for at most so many seconds; whether they have."""
        until = None if timeout is None else time.monotonic() + timeout
        for thread in self._handlers:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._handlers)

    def stacks(self) -> str:
        """Where the calls are that have not returned."""
        left = [thread for thread in self._handlers if thread.is_alive()]
        return "".join(f"{thread.name}:\n{stack_of_thread(thread.ident)}" for thread in left)

    def _bring_into(self, fn: Callable[..., object]) -> None:
        """Set the variables in the context that `fn` is going to enter: grpc makes one for each call, an empty one."""
        inner = getattr(fn, "__self__", None)
        if isinstance(inner, contextvars.Context):
            for variable, value in self._context.items():
                if variable not in inner:
                    inner.run(variable.set, value)

    def _add_thread(self) -> None:
        name = f"{self._name}: handler {len(self._handlers) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        thread.start()
        self._handlers.append(thread)

    def _finished(self) -> None:
        with self._lock:
            self._unfinished -= 1

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call
