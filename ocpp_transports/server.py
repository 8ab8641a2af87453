"""The server: a central system that charging stations connect to."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack

from ocpp_core.action_names import Role
from ocpp_core.errors import StoreError
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import StationKey
from ocpp_transports.handshake import AuthHandler, ConnectionMiddleware

from ._driver._interfaces import Completion, Handle
from ._fleet._mixin import FleetMixin
from ._fleet._stats import ServerStats, gauges_of, stats_of
from ._logging._log import Log
from ._options._connection import counting
from ._options._server import ServerOptions
from ._options._warm_up import warm_up_in_thread
from ._peer._close_grace import CloseGrace
from ._peer._emitter import Emitter
from ._peer._mixins import HandlerMixin
from ._runtime._base import Listener, SocketRuntime
from ._server._admitting._acceptor import Acceptor
from ._server._lifecycle._closing import ClosingMixin
from ._server._lifecycle._opening import expect_trust
from ._server._lifecycle._serving import ServingMixin
from ._server._plain._http import HttpMixin, PlainRequests
from ._server._plain._http_handlers import HttpHandlers
from ._server._renewal._renewal import expect_certificates, expect_files, load
from ._server._routing._plan import RoutingPlan
from ._server._security._records import SecurityRecords
from ._server._stations._connection import OCPPServerClient
from ._server._stations._registry import ConnectionRegistry
from .event_names import SERVER_EVENTS
from .events import ErrorEvent

__all__ = ["Listener", "OCPPServer"]

if TYPE_CHECKING:
    from ._calls._fleet_requests import FleetRequests
    from ._metrics._metrics import Metrics
    from ._options._keywords import ServerKeywords
    from ._options._stations._cluster_choice import ClusterChoice
    from .channel import Incoming, UpgradeOffer

AuthT = TypeVar("AuthT", bound=AuthHandler)
ConnectionMiddlewareT = TypeVar("ConnectionMiddlewareT", bound=ConnectionMiddleware)


class OCPPServer(HandlerMixin, HttpMixin, FleetMixin, ClosingMixin, ServingMixin):
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

    def __init__(self, **options: "Unpack[ServerKeywords]") -> None:
        super().__init__()
        self._options = ServerOptions.of(options)
        self._plans = self._all_plans(self._options)
        _check_tls(self._options, self._plans[None])
        self._log = Log(self._options.logger, "server", is_station=False)
        self._metrics = self._options.meter
        if self._metrics is not None:
            self._metrics.include(self)
        self._security = SecurityRecords(self._options.security_logger, self._log)
        self._registry = ConnectionRegistry(self._completion, self._options.identities)
        self._directory = self._registry
        self._waits = {}
        self._http_handlers = HttpHandlers()
        self._close_grace = CloseGrace()
        self._runtime: SocketRuntime | None = None
        self._acceptor: Acceptor | None = None
        self._closed: Acceptor | None = None  # which still refuses connections from other libraries
        self._in_block = False
        if self._options.offline_queue is not False and self._options.cluster_queue is None:
            from ._server._queue._server_outbox import ServerOutbox  # loaded only when used

            self._outbox = ServerOutbox(self._options, self._registry, self._log, failed=self._store_failed)
        if self._options.cluster is not None:
            self._join(self._options.cluster)

    async def __aenter__(self) -> Self:
        await warm_up_in_thread(self._options)  # for connections from other libraries; `listen` does it too
        self._in_block = True
        self._closed = None
        if self._runtime is None:
            self._start()
        try:
            if self._outbox is not None:
                await self._outbox.open_store()
            if self._cluster is not None:
                await self._cluster.open()
        except BaseException:
            self._in_block = False
            await self._shut()
            raise
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

    def connection_middleware(self, middleware: ConnectionMiddlewareT) -> ConnectionMiddlewareT:
        """Wrap this middleware around the admission of every station, inside the existing middleware.

        It is a coroutine function `(ctx, proceed)`. It runs once the request is valid, before the check of credentials.
        `await proceed()` runs the rest of the admission: it returns None if that accepts the station, and raises
        `HandshakeRejectedError` if not. `ctx.reject(...)` rejects the station here. Usable as a decorator; returns it.

        Raises:
            TypeError: It is not a function of two arguments.
        """
        layers = (*self._options.connection_middleware, middleware)
        self._set_options(self._options.changed({"connection_middleware": layers}))
        return middleware

    def incoming(self, offer: "UpgradeOffer") -> "Incoming":
        """Start the admission of a connection whose WebSocket another library speaks.

        See `ocpp_transports.channel`. After `close` all of them are refused until a block or `listen` opens the server
        again.

        Raises ValueError if the connection does not meet the security profile. Profile 3 needs the verified certificate
        of the station. Alternatively it needs `tls_terminated`, if a proxy demands a certificate but does not forward
        it.
        """
        from ._hosts._counted_channel import channel_connection  # loaded only when used
        from .channel import Incoming

        self._plans[None].expect_connection(tls=offer.tls, certificate=bool(offer.client_certificate))
        acceptor = self._closed or self._start()[1]
        return Incoming(acceptor, channel_connection(acceptor.runtime), offer)

    def reconfigure(self, **options: "Unpack[ServerKeywords]") -> None:
        """Change options for connections accepted from now on; `tls` applies from the next `listen`, see `update_tls`.

        Raises the same errors as the constructor, and ValueError for options that an open listener cannot obey.
        """
        made = self._options.changed(options)
        plans = self._planned(made)
        if made.tls is not self._options.tls or made.security_profile is not self._options.security_profile:
            _check_tls(made, plans[None])
        for live in filter(None, self._open_listeners().values()):
            expect_files(live.loaded, made)
        if self._is_listening():
            for plan in plans.values():
                plan.expect_deciders()
        self._use(made, plans)

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
            kept_sessions=0 if self._registry.sessions is None else len(self._registry.sessions.memory),
            queued_messages=0 if self._outbox is None else self._outbox.size,
        )

    @property
    def metrics(self) -> "Metrics":
        """What the server has counted. Raises RuntimeError unless the option `metrics` is on."""
        return counting(self._options)

    # Internals

    def _gauges(self) -> dict[tuple[str, tuple[str, ...]], float]:
        return gauges_of(self.clients, self.stats())

    if TYPE_CHECKING:

        @property
        def _context_client(self) -> OCPPServerClient:
            """The type of `ctx.client` of a handler that is registered here."""

    def _join(self, cluster: "str | ClusterChoice") -> None:
        """Become a node of this cluster, before the server is used."""
        from ._server._cluster._member import ClusterMember  # loaded only when used

        self._cluster = member = ClusterMember(
            cluster, self._registry, self._log, self._options.cluster_queue, dropped=self._event_dropped
        )
        member.sharing.expect_used(self._options)
        if (publishing := member.publishing) is not None:
            self._observers.add(publishing.observe, messages=publishing.settings.messages)
        if member.tickets is not None:
            from ._server._queue._cluster_outbox import ClusterOutbox

            self._outbox = ClusterOutbox(self._options, self._registry, member.tickets, lambda: member.queue)
        self._directory = self._cluster.directory(self._check_call)

    def _event_dropped(self) -> None:
        if self._metrics is not None:
            self._metrics.count("ocpp_cluster_events_dropped")

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

    def _name_of(self, station: OCPPServerClient) -> str | StationKey:
        return station.key if self._has_namespaces else station.identity

    def _found_everywhere(
        self, args: tuple[Any, ...], local: Mapping[OCPPServerClient, str | StationKey]
    ) -> "FleetRequests | None":
        return None if self._cluster is None else self._cluster.requests(args, local)

    @property
    def _has_namespaces(self) -> bool:
        return self._plans[None].has_namespaces

    @property
    def _common_rules(self) -> ServerOptions | None:
        is_one_rule = not self._plans[None].routes and self._options.quirk_book is None
        return self._options if is_one_rule else None

    @property
    def _all_protocols(self) -> Collection[str]:
        return tuple(dict.fromkeys(name for rules in self._plans[None].rules for name in rules.options.protocols))

    def _store_failed(self, error: StoreError) -> None:
        self._log.failed("the store failed", error)
        self._emit("error", ErrorEvent(error))

    def _set_options(self, options: ServerOptions) -> None:
        self._use(options, self._planned(options))

    def _listening_profiles(self) -> Iterable[SecurityProfile | None]:
        return map(self._profiles.__getitem__, self._open_listeners())

    def _planned(self, options: ServerOptions) -> Mapping[SecurityProfile | None, RoutingPlan]:
        expect_trust(any(each in self._proxied for each in self._open_listeners()), options)
        plans = self._all_plans(options)
        for listener, live in self._open_listeners().items():
            plan = plans[self._profiles[listener]]
            plan.expect_listener(tls=live is not None)
            if live is not None:
                expect_certificates(live, plan.profiles(tls=True))
        return plans

    def _use(self, options: ServerOptions, plans: Mapping[SecurityProfile | None, RoutingPlan]) -> None:
        self._options, self._plans = options, plans
        for listener, live in self._open_listeners().items():
            if live is not None:
                live.profiles = plans[self._profiles[listener]].profiles(tls=True)
        self._log.logger = options.logger
        self._security.use(options.security_logger)
        self._registry.set_rule(options.identities)
        if self._outbox is not None:
            self._outbox.set_options(options)
        if self._acceptor is not None and self._runtime is not None:
            self._acceptor.set_plans(plans)
            self._keep_sessions(self._runtime)
            self._renewal.start(self._runtime, options)

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


def _check_tls(options: ServerOptions, plan: RoutingPlan) -> None:
    """Raise the errors that `listen`, which reads the certificates again, would raise."""
    if options.tls is not None:
        load(options.tls, options, plan.profiles(tls=True) or (options.security_profile,))
