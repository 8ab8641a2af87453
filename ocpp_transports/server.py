"""The server: a central system that charging stations connect to."""

from collections.abc import Callable, Coroutine
from functools import partial
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack

from ocpp_core.action_names import Role
from ocpp_core.handshake import SecurityProfile, check_listener_profile
from ocpp_core.inputs import Close
from ocpp_transports.handshake import AuthHandler

from ._driver._interfaces import Completion, Handle
from ._driver._limits import BACKLOG
from ._fleet._mixin import FleetMixin
from ._fleet._stats import ServerStats, stats_of
from ._logging._log import Log
from ._options._keywords import ServerKeywords
from ._options._server import ServerOptions
from ._options._tls import TLSOptions, expect_tls
from ._options._warm_up import warm_up_in_thread
from ._peer._close_grace import CloseGrace
from ._peer._emitter import Emitter
from ._peer._mixins import HandlerMixin
from ._runtime._base import Listener, SocketRuntime
from ._runtime._current import current_runtime
from ._server._acceptor import Acceptor
from ._server._connection import ConnectionCallbacks, OCPPServerClient
from ._server._http import HttpMixin, PlainRequests
from ._server._http_handlers import HttpHandlers
from ._server._observed import ObservedMixin
from ._server._quota import SocketGate
from ._server._registry import ConnectionRegistry
from ._server._renewal._mixin import RenewalMixin
from ._server._renewal._renewal import expect_files, load
from ._server._serving import ServingMixin
from ._tls._loaded import LiveTLS
from .event_names import SERVER_EVENTS
from .events import CloseEvent

if TYPE_CHECKING:
    from .channel import Incoming, UpgradeOffer

__all__ = ["Listener", "OCPPServer"]

AuthT = TypeVar("AuthT", bound=AuthHandler)


class OCPPServer(HandlerMixin, ObservedMixin, HttpMixin, FleetMixin, ServingMixin, RenewalMixin):
    """A central system (CSMS).

        server = OCPPServer(protocols=["ocpp1.6"])

        @server.handle("Heartbeat")
        def heartbeat(ctx):
            return {"currentTime": utc_now()}

        server.run(9000)                    # as a whole program, until Ctrl-C or SIGTERM

        async with server:                  # or inside your program
            await server.listen(9000)

    Handlers registered here serve every station; handlers of an `OCPPServerClient` take precedence. On asyncio it also
    works without the block; then you must call `close`. In strict mode the checks are compiled when the block begins,
    and by `listen`.

    Raises:
        ValueError: An option has a value that is not allowed.
        TypeError: An option has the wrong type.
        OSError: A certificate cannot be read.
    """

    _role: ClassVar[Role] = "csms"
    _options: ServerOptions

    def __init__(self, **options: Unpack[ServerKeywords]) -> None:
        super().__init__()
        self._options = ServerOptions.of(options)
        _check_tls(self._options)
        self._log = Log(self._options.logger, "server", is_station=False)
        self._registry = ConnectionRegistry(self._completion, self._options.identities)
        self._directory = self._registry
        self._waits = set()
        self._http_handlers = HttpHandlers()
        self._close_grace = CloseGrace()
        self._runtime: SocketRuntime | None = None
        self._acceptor: Acceptor | None = None
        self._closed: Acceptor | None = None  # which still refuses connections from other libraries
        self._in_block = False

    async def __aenter__(self) -> Self:
        await warm_up_in_thread(self._options)  # for connections from other libraries; `listen` does it too
        self._in_block = True
        self._closed = None
        if self._runtime is None:
            self._start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close(await_pending=exc_type is None)
        finally:
            self._in_block = False
            await self._shut()

    def __repr__(self) -> str:
        return f"<OCPPServer, {len(self._open_listeners())} listeners, {len(self._registry)} stations>"

    # Accepting stations

    def auth(self, handler: AuthT) -> AuthT:
        """Register the function that accepts or rejects handshakes, and return it; usable as a decorator.

        The server calls it with `(accept, reject, handshake)` after the credential check, once the request is valid and
        the station meets the security profile. It is a function or a coroutine function.
        `accept(protocol=None, session=None, identity=None)` accepts the station, and
        `reject(status=401, message="Unauthorized")` rejects it. The first decision counts. If it decides nothing or
        raises, the station gets status 500.

        Raises:
            ValueError: A function is registered already.
            TypeError: It is not callable.
        """
        if self._options.auth is not None:
            raise ValueError("cannot register an auth handler: there is one already")
        self._set_options(self._options.changed({"auth": handler}))
        return handler

    async def listen(
        self,
        port: int = 0,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
    ) -> Listener:
        """Listen on a TCP port; you may call it several times.

        In strict mode the checks are compiled first, see `warm_up`.

        Args:
            port: The port; 0 lets the system choose one.
            host: The address; None means all addresses.
            ssl: Replaces the option `tls`.
            backlog: Connections that wait to be accepted, 1024 by default, within the system's limit.

        Returns:
            The listener, with its `host`, `port` and `aclose()`.

        Raises:
            OSError: The port is not available.
            ValueError: The port is out of range, the certificates do not meet the security profile, or nothing checks
                the passwords of profile 1 or 2.
            TypeError: An argument has the wrong type.
            RuntimeError: The server is closing.
        """
        options = self._options
        tls = options.tls if ssl is None else ssl
        expect_tls(tls)
        options.expect_deciders()
        check_listener_profile(options.security_profile, tls=tls is not None, tls_terminated=options.tls_terminated)
        live = None if tls is None else LiveTLS(load(tls, options))
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
            raise ValueError(f"expected a port from 0 to 65535, got {port!r}")
        if host is not None and not isinstance(host, str):
            raise TypeError(f"expected a host as text or None for all addresses, got {host!r}")
        if isinstance(backlog, bool) or not isinstance(backlog, int) or backlog < 0:
            raise ValueError(f"expected backlog >= 0, got {backlog!r}")
        self._expect_here()
        with self._begin(live):
            await warm_up_in_thread(options)
            self._closed = None
            runtime, acceptor = self._start()
            if acceptor.is_closing:
                raise RuntimeError("cannot listen: the server is closing")
            context = None if live is None else live.context
            listener = await runtime.listen(
                port, host, ssl=context, backlog=backlog, connected=acceptor.connected, rules=acceptor.rules
            )
            self._listeners = {**self._open_listeners(), listener: live}
        if self._runtime is runtime:  # it was not closed meanwhile
            self._renewal.start(runtime, self._options)
        self._log.info(f"listening on {listener.host} port {listener.port}")
        return listener

    def incoming(self, offer: "UpgradeOffer") -> "Incoming":
        """Start the admission of a connection whose WebSocket another library speaks.

        See `ocpp_transports.channel`. After `close` all of them are refused until a block or `listen` opens the server
        again.

        Raises ValueError if the connection does not meet the security profile. Profile 3 needs the verified certificate
        of the station. Alternatively it needs `tls_terminated`, if a proxy demands a certificate but does not forward
        it.
        """
        from ._hosts._channel import ChannelConnection  # loaded only when used
        from .channel import Incoming

        options = self._options
        options.expect_deciders()
        check_listener_profile(options.security_profile, tls=offer.tls, tls_terminated=options.tls_terminated)
        needs_certificate = options.security_profile is SecurityProfile.TLS_CERT and not options.tls_terminated
        if needs_certificate and not offer.client_certificate:
            raise ValueError("expected a client certificate with security profile 3, or tls_terminated=True")
        acceptor = self._closed or self._start()[1]
        return Incoming(acceptor, ChannelConnection(acceptor.runtime), offer)

    def reconfigure(self, **options: Unpack[ServerKeywords]) -> None:
        """Change options for connections accepted from now on; `tls` applies from the next `listen`, see `update_tls`.

        Raises the same errors as the constructor, and ValueError for a security profile that a listener does not meet.
        """
        made = self._options.changed(options)
        is_new = made.security_profile is not self._options.security_profile
        if made.tls is not self._options.tls or is_new:
            _check_tls(made)
        for live in self._open_listeners().values():
            made.expect_deciders()
            tls = live is not None
            check_listener_profile(made.security_profile, tls=tls, tls_terminated=made.tls_terminated)
            if live is not None:
                expect_files(live.loaded, made)
            if tls and is_new and made.security_profile is SecurityProfile.TLS_CERT:
                raise ValueError(
                    "expected listeners that demand client certificates: close the server, then listen again"
                )
        self._set_options(made)

    # Stations

    @property
    def clients(self) -> tuple[OCPPServerClient, ...]:
        """The connected stations, each as its newest connection."""
        return tuple(self._registry)

    def stats(self) -> ServerStats:
        """Return how many connections, handshakes, sockets, calls and requests there are now.

        It reads and counts nothing else, so it costs nothing until it is called: then about 3 ms for 1,000 stations.
        """
        acceptor = self._acceptor
        waiting, sockets = (0, 0) if acceptor is None else (len(acceptor.places.waiting), acceptor.gate.total)
        return stats_of(
            self.clients,
            connections=len(self._registry.open),
            handshakes=waiting,
            sockets=sockets,
            listeners=len(self._open_listeners()),
        )

    # Closing

    async def close(
        self, code: int = 1001, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> CloseEvent:
        """Stop listening, refuse new connections (503), close every connection, and end every task.

        Each connection closes as with `Peer.close`, so it takes at most `drain_timeout` plus `close_timeout` seconds,
        whatever the stations do. You may call `listen` again afterwards.

        Args:
            code: The close code; 1001 is "going away" (RFC 6455 §7.4.1).
            reason: The close reason, at most 123 bytes of UTF-8; a longer one is cut.
            force: True to drop the connections without a close handshake.
            await_pending: True to wait for the responses to outstanding CALLs.

        Raises:
            ValueError: The code must not be sent.
        """
        command = Close(code, reason, drain=await_pending, force=force)
        self._expect_here()
        acceptor = self._acceptor
        if acceptor is not None:
            await self._close(acceptor, command)
        return CloseEvent(command.code, command.reason)

    async def _close(self, acceptor: Acceptor, command: Close) -> None:
        if not acceptor.is_closing:
            self._emit("closing", CloseEvent(command.code, command.reason))
        acceptor.close()
        self._registry.close_all(command)
        for listener in tuple(self._listeners):
            await listener.aclose()
        while self._registry.open:
            await self._registry.changed()
        if self._acceptor is acceptor:
            ended = CloseEvent(command.code, command.reason)
            self._emit("closed", ended, after=self._close_grace.expect())
            await self._shut()

    async def _shut(self) -> None:
        """Release the event loop: end listeners, connections and tasks."""
        runtime, self._closed = self._runtime, self._acceptor or self._closed
        self._log.flush()
        self._renewal.stop()
        self._runtime = self._acceptor = None
        self._listeners.clear()
        self._end_waits()
        self._end_events()
        if runtime is not None:
            try:
                await self._close_grace.wait(runtime)
            finally:
                await runtime.aclose()

    # Internals

    if TYPE_CHECKING:

        @property
        def _context_client(self) -> OCPPServerClient:
            """The type of `ctx.client` of a handler that is registered here."""

    def _start(self) -> tuple[SocketRuntime, Acceptor]:
        """Bind to the running event loop."""
        if self._runtime is None or self._acceptor is None:
            self._runtime = current_runtime(type(self).__name__, in_block=self._in_block, log=self._log)
            self._log.now = self._runtime.now
            self._acceptor = Acceptor(
                self._runtime,
                self._options,
                self._handlers,
                self._registry,
                ConnectionCallbacks(
                    self._registry.opened,
                    self._ready,
                    self._registry.ended,
                    self._close_grace,
                    self._alarmed,
                    self._observers,
                ),
                self._http_handlers,
                refused=self._refused,
                failed=self._failed,
                lost=self._lost,
                alarmed=self._alarmed,
                gate=SocketGate(partial(self._log.connection_failed, "a connection was closed unread")),
            )
        return self._runtime, self._acceptor

    def _plain_requests(self) -> PlainRequests:
        return (self._closed or self._start()[1]).plain

    def _expect_here(self) -> None:
        """Raise RuntimeError if the server belongs to the event loop of another thread."""
        if self._runtime is not None:
            self._runtime.expect_here()

    def _expect_open(self) -> None:
        self._start()[0].expect_here()

    def _is_listening(self) -> bool:
        return bool(self._open_listeners())

    def _spawner(self) -> Callable[[Coroutine[Any, Any, None]], Handle]:
        return self._start()[0].spawn

    def _set_options(self, options: ServerOptions) -> None:
        self._options = options
        self._log.logger = options.logger
        self._registry.set_rule(options.identities)
        if self._acceptor is not None and self._runtime is not None:
            self._acceptor.set_options(options)
            self._renewal.start(self._runtime, options)

    def _ready(self, station: OCPPServerClient, release: Callable[[], None]) -> None:
        """Emit `client`; hold CALLs without a handler until its listeners have returned, or for one second."""
        if self._listened_to is None:
            release()
        else:
            self._emit("client", station, after=release)

    def _make_emitter(self) -> Emitter:
        return Emitter(
            SERVER_EVENTS,
            spawn=self._spawn,
            completion=self._completion,
            log=self._log.raised,
            changed=self._listeners_changed,
        )

    def _spawn(self, coro: Coroutine[Any, Any, None]) -> None:
        if self._runtime is None:
            coro.close()
        else:
            self._runtime.spawn(coro)

    def _completion(self) -> Completion[None]:
        return self._start()[0].completion()


def _check_tls(options: ServerOptions) -> None:
    """Raise the errors that `listen`, which reads the certificates again, would raise."""
    if options.tls is not None:
        load(options.tls, options)
