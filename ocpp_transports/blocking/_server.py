"""The blocking server: a central system, for programs that are not asynchronous."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._fleet._stats import ServerStats
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._options._keywords import RouteKeywords, ServerKeywords
from ocpp_transports._options._tls import TLSOptions
from ocpp_transports._server._lifecycle._ports import ListenKeywords
from ocpp_transports._server._lifecycle._serving import Loop
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports.certificates import LoadedCertificate
from ocpp_transports.events import CloseEvent, ConnectionEvent
from ocpp_transports.handshake import AuthHandler, ConnectionMiddleware
from ocpp_transports.plain_http import HttpHandler
from ocpp_transports.server import OCPPServer

from ._context import BlockingHandlerContext
from ._events import BlockingEmitter, presenting
from ._fleet import BlockingFleetMixin
from ._listener import BlockingListener
from ._outbox._stations import BlockingQueueMixin
from ._registration import BlockingHandlerMixin
from ._routing._router import BlockingRouter
from ._server_events import BlockingServerEvents
from ._station import BlockingServerClient
from ._stations import BlockingStationsMixin
from ._threads._asked import ASKED, in_threads
from ._threads._bridge import MAX_THREADS, Bridge
from ._threads._signals import close_block, interrupts

if TYPE_CHECKING:
    from ocpp_transports._metrics._metrics import Metrics

__all__ = ["BlockingServer"]

_A = TypeVar("_A", bound=AuthHandler)
_M = TypeVar("_M", bound=ConnectionMiddleware)
_H = TypeVar("_H", bound=HttpHandler)
_ObserverT = TypeVar("_ObserverT", bound=Callable[[ConnectionEvent, BlockingServerClient | None], object])


class BlockingServer(
    BlockingQueueMixin, BlockingHandlerMixin, BlockingStationsMixin, BlockingFleetMixin, BlockingServerEvents
):
    """An `OCPPServer` whose methods block, for any thread of a program that is not asynchronous.

        server = BlockingServer(protocols=["ocpp1.6"])

        @server.handle("Heartbeat")
        def heartbeat(ctx):                 # runs in a thread and may block
            return {"currentTime": utc_now()}

        server.serve_forever(9000)          # as a whole program, until Ctrl-C or SIGTERM

        with server:                        # or inside your program
            server.listen(9000)

    The server runs on an event loop in a thread, which all blocking clients and servers of a process share. `loop`
    names it. Handlers, listeners, and functions for `auth`, `credentials`, `identify` and `http` run in threads if they
    are plain functions, and may block. It also works without the block; then call `close`.

    Args:
        loop: "asyncio", "uvloop" or "trio".
        max_threads: Functions of the application that run at a time; further ones wait.
        **options: The options of `ServerOptions`.

    Raises:
        ValueError: An invalid option.
        TypeError: An invalid option.
        OSError: Certificates cannot be read.
    """

    _wrapped: OCPPServer

    def __init__(
        self, *, loop: Loop = "asyncio", max_threads: int = MAX_THREADS, **options: Unpack[ServerKeywords]
    ) -> None:
        self._wrapped = OCPPServer(**options)
        self._bridge = Bridge(self._wrapped, loop, max_threads, present=_present, opens="listen()")
        self._wrapped.reconfigure(**cast("ServerKeywords", in_threads(self._bridge, options)))

    def __enter__(self) -> Self:
        self._bridge.open()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        close_block(self.close, failed=exc_type is not None)

    def __repr__(self) -> str:
        return f"<BlockingServer {self._wrapped!r}>"

    @property
    def wrapped(self) -> OCPPServer:
        """The asynchronous server, for code that runs in the event loop."""
        return self._wrapped

    # Accepting stations

    def auth(self, handler: _A) -> _A:
        """Register the function that accepts or rejects handshakes, and return it; usable as a decorator.

        A plain function runs in a thread and may block; otherwise see `OCPPServer.auth`.

        Raises:
            ValueError: One is registered already.
            TypeError: It is not callable.
        """
        self._bridge.run(self._wrapped.auth, self._bridge.in_thread(handler, *ASKED["auth"]))
        return handler

    def route(self, pattern: str, **options: Unpack[RouteKeywords]) -> BlockingRouter:
        """Add a route, and return the router for its handlers and its `auth`; see `OCPPServer.route`.

        Args:
            pattern: The path, beginning with `/`, with names in braces.
            **options: Options of the route; all others are those of the server.

        Returns:
            The router of the route.

        Raises:
            ValueError: The pattern is malformed, matches the same paths as another one, an option is not allowed, or an
                open listener cannot ask for the client certificates of profile 3.
            TypeError: The pattern or an option has the wrong type.
        """
        add = partial(self._wrapped.route, pattern, **in_threads(self._bridge, options))
        return BlockingRouter(self._bridge.run(add), self._bridge)

    def connection_middleware(self, middleware: _M) -> _M:
        """Wrap this middleware around the admission of every station, inside the existing middleware. Returns it.

        It is a coroutine function and runs in the event loop; see `OCPPServer.connection_middleware`.

        Raises TypeError if it is not a function of two arguments.
        """
        self._bridge.run(self._wrapped.connection_middleware, middleware)
        return middleware

    def http(self, path: str) -> Callable[[_H], _H]:
        """Register a function that answers the plain GET and HEAD requests of a path; use it as a decorator.

        A plain function runs in a thread and may block; otherwise see `OCPPServer.http`.

        Raises:
            ValueError: The path has a function, or is not valid in a request.
            TypeError: It is not a function.
        """

        def register(handler: _H) -> _H:
            in_thread = self._bridge.in_thread(handler, "http handler", "request")
            self._bridge.run(self._wrapped.http(path), in_thread)
            return handler

        return register

    def listen(
        self,
        port: int = 0,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
        reuse_port: bool = False,
        fd: int | None = None,
        systemd: bool | str = False,
        security_profile: SecurityProfile | int | None = None,
        proxy_protocol: bool = False,
    ) -> BlockingListener:
        """Listen on a TCP port; the server accepts stations until `close`, whatever this thread does.

        Args:
            port: The port; 0 lets the system choose one.
            host: The address or host name; None means all addresses.
            ssl: Replaces the option `tls`.
            backlog: Connections that may wait to be accepted, within the system's limit.
            reuse_port: True lets other processes listen on the port too; see `OCPPServer.listen`.
            fd: The descriptor of a socket to listen on, instead of a port; see `OCPPServer.listen`.
            systemd: True or a name to listen on sockets that systemd passes; see `OCPPServer.listen`.
            security_profile: Replaces the option for stations that connect to this port; not the one of a route.
            proxy_protocol: True if connections begin with a header of the PROXY protocol; see `OCPPServer.listen`.

        Returns:
            The listener, with its `host`, `port` and `close()`.

        Raises:
            OSError: The port is not available.
            ValueError: The security profile is not met, or the port is out of range; see `OCPPServer.listen`.
            RuntimeError: The server is closing, or its event loop was ended by an exception or a fork.
        """
        listen = partial(
            self._wrapped.listen,
            port,
            host,
            ssl=ssl,
            backlog=backlog,
            reuse_port=reuse_port,
            fd=fd,
            systemd=systemd,
            security_profile=security_profile,
            proxy_protocol=proxy_protocol,
        )
        listener = self._bridge.run_open(listen)
        return BlockingListener(listener, self._bridge)

    def serve_forever(
        self,
        port: int | None = None,
        host: str | None = None,
        **options: Unpack[ListenKeywords],
    ) -> None:
        """Serve until SIGINT (Ctrl-C), SIGTERM or `close`; return when everything is closed.

        At a signal the server closes as `close` does: outstanding calls may finish, the stations get 1001. A second
        signal drops the connections that are still open. Only the main thread of a program receives signals.

        Args:
            port: The port to listen on first; None if the server listens already.
            host: See `listen`.
            **options: The keyword arguments of `listen`.

        Raises:
            OSError: The port is not available.
            ValueError: See `listen`.
            RuntimeError: There is neither a port nor a listener; see also `listen`.
        """
        serve = partial(self._wrapped.serve_forever, port, host, **options)
        with interrupts(), self:
            try:
                self._bridge.run(serve)
            except KeyboardInterrupt:
                with suppress(KeyboardInterrupt):
                    close_block(self.close, failed=False)

    def reconfigure(self, **options: Unpack[ServerKeywords]) -> None:
        """Change options for connections accepted from now on; `tls` applies from the next `listen`, see `update_tls`.

        Raises the same errors as the constructor, and ValueError for options that an open listener cannot obey.
        """
        self._bridge.run(partial(self._wrapped.reconfigure, **in_threads(self._bridge, options)))

    def update_tls(
        self, tls: TLSOptions | SSLContext | None = None, *, listener: BlockingListener | None = None
    ) -> None:
        """Replace the certificates of listeners at work; without `tls`, read their files again.

        See `OCPPServer.update_tls`.

        Args:
            tls: The new certificates. They also replace the option `tls`, if it is set.
            listener: The only listener to change, without changing the option; None means all that use TLS.

        Raises:
            OSError: A file cannot be read, or its contents are invalid; the error names the file.
            ValueError: The certificates do not meet the security profile, or an SSLContext is in use already.
            TypeError: An argument has the wrong type.
            RuntimeError: No listener of this server uses TLS.
        """
        only = None if listener is None else listener._wrapped
        self._bridge.run(partial(self._wrapped.update_tls, tls, listener=only))

    @property
    def certificates(self) -> tuple[LoadedCertificate, ...]:
        """The certificates that the listeners use, with their time of expiry; see `OCPPServer.certificates`."""
        loaded: tuple[LoadedCertificate, ...] = self._bridge.run(lambda: self._wrapped.certificates)
        return loaded

    # Stations

    @property
    def clients(self) -> tuple[BlockingServerClient, ...]:
        """The connected stations, each as its newest connection."""
        return tuple(map(self._bridge.present, self._bridge.run(lambda: self._wrapped.clients)))

    @property
    def metrics(self) -> "Metrics":
        """What the server has counted, for any thread. Raises RuntimeError unless the option `metrics` is on."""
        return self._wrapped.metrics

    def stats(self) -> ServerStats:
        """Return how many connections, handshakes, sockets, calls and requests there are now; see `ServerStats`."""
        found: ServerStats = self._bridge.run(self._wrapped.stats)
        return found

    def run_async(self, function: Callable[..., Any], *args: Any, max_wait: float = inf) -> Any:
        """Run a coroutine function in the server's event loop, and return its result.

        There it may use `wrapped`, and call many stations at once.

        Args:
            function: The coroutine function.
            *args: Its positional arguments.
            max_wait: Seconds to wait; then it is cancelled.

        Returns:
            The result of the function.

        Raises:
            TimeoutError: There was no result within `max_wait` seconds.
            RuntimeError: The server is not open.
            Exception: What the function raised.
        """
        return self._bridge.run(function, *args, max_wait=max_wait)

    # Events

    def observe(self, observer: _ObserverT) -> _ObserverT:
        """Call `observer(event, client)` with every event of every connection of this server; a decorator too.

        It runs in the event loop, between two messages, and must not block; see `OCPPServer.observe`.
        """
        self._bridge.run(self._wrapped.observe, presenting(observer, self._bridge))
        return observer

    def remove_observer(self, observer: Callable[[ConnectionEvent, BlockingServerClient | None], object]) -> None:
        """Stop calling this observer; ignored if it does not observe."""
        self._bridge.run(self._wrapped.remove_observer, presenting(observer, self._bridge))

    # Closing

    @property
    def is_draining(self) -> bool:
        """True from the beginning of `close` until the server is opened again; see `OCPPServer.is_draining`."""
        return self._wrapped.is_draining

    def close(
        self,
        code: int = 1001,
        reason: str = "",
        *,
        force: bool = False,
        await_pending: bool = True,
        window: float | None = None,
        max_wait: float = inf,
    ) -> CloseEvent:
        """Refuse new stations, close every connection, end every task, and release the event loop.

        Closing takes at most `window` plus `drain_timeout` plus `close_timeout` seconds, whatever the stations do; see
        `OCPPServer.close`. You may call `listen` again afterwards.

        Args:
            code: The code for the stations; 1001 is "going away" (RFC 6455 §7.4.1).
            reason: The reason for the stations, at most 123 bytes.
            force: True drops the connections.
            await_pending: False does not wait for the responses to outstanding CALLs of both sides.
            window: Seconds over which the connections close; None means the option `close_window`.
            max_wait: Seconds to wait; the event loop is released by the next `close`.

        Returns:
            The code and the reason.

        Raises:
            ValueError: A code that must not be sent, or a window that is not from 0 to 3600 seconds.
            TimeoutError: It has not closed within `max_wait` seconds.
        """
        close = partial(self._wrapped.close, code, reason, force=force, await_pending=await_pending, window=window)
        return self._bridge.close(close, max_wait)

    # Internals

    @property
    def _emitter(self) -> BlockingEmitter:
        return BlockingEmitter(self._wrapped, self._bridge)


def _present(bridge: Bridge, value: Any) -> Any:
    if isinstance(value, HandlerContext):
        return BlockingHandlerContext[Any, BlockingServerClient](value, bridge)
    return BlockingServerClient(value, bridge) if isinstance(value, OCPPServerClient) else value
