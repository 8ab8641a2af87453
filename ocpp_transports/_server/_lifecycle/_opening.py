"""How a server begins: it binds to an event loop and accepts streams from listeners and from other libraries."""

from collections.abc import Callable
from functools import partial
from ssl import SSLContext
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

from ocpp_core.handshake import SecurityProfile
from ocpp_core.limits import SharedBuckets
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._tls import TLSOptions, expect_tls
from ocpp_transports._options._warm_up import warm_up_in_thread
from ocpp_transports._runtime._base import Listener, SocketRuntime
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports._runtime._recorded import record_engines
from ocpp_transports._server._admitting._acceptor import Acceptor
from ocpp_transports._server._admitting._quota import SocketGate
from ocpp_transports._server._observed import ObservedMixin
from ocpp_transports._server._plain._http_handlers import HttpHandlers
from ocpp_transports._server._queue._mixin import QueueMixin
from ocpp_transports._server._renewal._mixin import RenewalMixin
from ocpp_transports._server._renewal._renewal import load
from ocpp_transports._server._routing._mixin import RoutingMixin
from ocpp_transports._server._routing._plan import RoutingPlan
from ocpp_transports._server._stations._connection import ConnectionCallbacks, OCPPServerClient
from ocpp_transports._server._stations._counted import counted
from ocpp_transports._server._stations._sessions import SessionKeeper
from ocpp_transports._tls._loaded import LiveTLS
from ocpp_transports.events import ErrorEvent

from ._ports import expect_place, inherited_sockets

if TYPE_CHECKING:
    from ocpp_transports._server._cluster._member import ClusterMember

__all__ = ["OpeningMixin", "expect_trust"]


class _Place(NamedTuple):
    """Where to listen, as the arguments of `listen` state it."""

    port: int
    host: str | None
    backlog: int
    reuse_port: bool
    fd: int | None
    systemd: bool | str
    proxy_protocol: bool


class OpeningMixin(RoutingMixin, ObservedMixin, RenewalMixin, QueueMixin):
    """Listens, and starts the admission of connections."""

    _http_handlers: HttpHandlers
    _in_block: bool
    _runtime: SocketRuntime | None
    _acceptor: Acceptor | None
    _cluster: "ClusterMember | None" = None
    _closed: Acceptor | None
    """The acceptor of before `close`, which still refuses connections from other libraries."""

    def __init__(self) -> None:
        super().__init__()
        self._proxied: WeakSet[Listener] = WeakSet()
        """The listeners whose connections begin with a header of the PROXY protocol."""

    async def listen(
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
    ) -> Listener:
        """Listen on a TCP port; you may call it several times.

        In strict mode the checks are compiled first, see `warm_up`.

        Args:
            port: The port; 0 lets the system choose one.
            host: The address; None means all addresses.
            ssl: Replaces the option `tls`.
            backlog: Connections that wait to be accepted, 1024 by default, within the system's limit.
            reuse_port: True lets other processes listen on the port too, if all of them say so (`SO_REUSEPORT`). Such a
                listener closes at the beginning of `close`, and leaves new connections to the others.
            fd: The number of a descriptor of a TCP socket that listens already, instead of a port. The server uses a
                copy.
            systemd: True to listen on the sockets that systemd's socket activation passes, instead of a port; or the
                `FileDescriptorName` of some of them.
            security_profile: Replaces the option for stations that connect to this port; not the one of a route. Other
                options that do not apply to this profile are left out, such as `credentials` on profile 3.
            proxy_protocol: True if every connection begins with a header of the PROXY protocol, version 1 or 2, before
                TLS. Sockets of peers that are not in `trusted_proxies` are closed, and those without a header in 3 s.

        Returns:
            The listener, with its `host`, `port` and `aclose()`.

        Raises:
            OSError: The port is not available.
            StoreError: The store of `offline_queue` cannot be opened.
            StoreUnavailableError: The registry of the cluster did not answer.
            LayoutError: The registry of the cluster has data of another version.
            ValueError: The port is out of range, the certificates do not meet the security profile, or nothing checks
                the passwords of profile 1 or 2. Also for two places to listen, a socket that does not listen,
                and `proxy_protocol` without `trusted_proxies`.
            TypeError: An argument has the wrong type.
            RuntimeError: The server is closing, or systemd passed no such socket.
        """
        options = self._options
        profile = None if security_profile is None else SecurityProfile(security_profile)
        tls = options.tls if ssl is None else ssl
        expect_tls(tls)
        expect_place(port, host, backlog, reuse_port=reuse_port, fd=fd, systemd=systemd)
        expect_trust(proxy_protocol, options)
        self._expect_here()
        with self._plan_listener(profile) as plan:
            plan.expect_deciders()
            plan.expect_listener(tls=tls is not None)
            profiles = plan.profiles(tls=True)
            live = None if tls is None else LiveTLS(load(tls, options, profiles), profiles)
            place = _Place(port, host, backlog, reuse_port, fd, systemd, proxy_protocol)
            return await self._listen(plan, profile, live, place)

    # Internals

    async def _listen(
        self, plan: RoutingPlan, profile: SecurityProfile | None, live: LiveTLS | None, place: _Place
    ) -> Listener:
        with self._begin(live):
            self._closed = None
            runtime, acceptor = self._start()
            for rules in (plan.own, *plan.routes):
                await warm_up_in_thread(rules.options)
            if self._outbox is not None:
                await self._outbox.open_store()
            if self._cluster is not None:
                await self._cluster.open()
            self._expect_not_closed(acceptor)
            context = None if live is None else live.context
            connected = partial(acceptor.connected, profile=profile)
            listener = await runtime.listen(
                place.port,
                place.host,
                ssl=context,
                backlog=place.backlog,
                reuse_port=place.reuse_port,
                inherited=inherited_sockets(place.fd, place.systemd),
                connected=connected,
                rules=acceptor.proxied.listen() if place.proxy_protocol else acceptor.rules,
            )
            await self._expect_open_for(listener, acceptor)
            self._profiles = {each: self._profiles[each] for each in self._open_listeners()} | {listener: profile}
            self._listeners = {**self._open_listeners(), listener: live}
            if place.proxy_protocol:
                self._proxied.add(listener)
        self._renewal.start(runtime, self._options)
        self._log.info(f"listening on {listener.host} port {listener.port}")
        return listener

    def _expect_not_closed(self, acceptor: Acceptor) -> None:
        """Raise RuntimeError if `close` was called since `listen` began."""
        if acceptor.is_closing or acceptor is not self._acceptor:
            raise RuntimeError("cannot listen: the server is closing")

    async def _expect_open_for(self, listener: Listener, acceptor: Acceptor) -> None:
        """Do the same for a listener that is open already, and close it."""
        try:
            self._expect_not_closed(acceptor)
        except RuntimeError:
            await listener.aclose()
            raise

    def _start(self) -> tuple[SocketRuntime, Acceptor]:
        """Bind to the running event loop."""
        if self._runtime is None or self._acceptor is None:
            self._runtime = current_runtime(type(self).__name__, in_block=self._in_block, log=self._log)
            self._log.now = self._runtime.now
            if self._metrics is not None:
                self._runtime.count(self._metrics.traffic)
                self._runtime.lag.watch(self._metrics.lag.observe)
            record_engines(self._runtime, self._options.recordings, self._log, self._recording_failed)
            opened, ended = counted(self._registry, self._metrics)
            if self._outbox is not None:
                self._outbox.start(self._runtime)
            if self._cluster is not None:
                self._cluster.start(self._runtime)
                opened, ended = self._cluster.watched(opened, ended)
            self._keep_sessions(self._runtime)
            self._acceptor = Acceptor(
                self._runtime,
                self._plans,
                self._registry,
                ConnectionCallbacks(
                    opened,
                    self._ready,
                    ended,
                    self._close_grace,
                    self._alarmed,
                    self._observers,
                    self._outbox,
                ),
                self._http_handlers,
                refused=self._refused,
                failed=self._failed,
                lost=self._lost,
                alarmed=self._alarmed,
                gate=SocketGate(self._turned_away),
                claim=None if self._cluster is None else self._cluster.claim,
                answers=None if self._cluster is None else self._cluster.sharing.answers,
                make_rates=SharedBuckets if self._cluster is None else self._cluster.sharing.make_rates,
            )
        return self._runtime, self._acceptor

    def _keep_sessions(self, runtime: SocketRuntime) -> None:
        """Keep the sessions of stations from now on, or forget them, as the options say."""
        registry, options = self._registry, self._options
        if self._cluster is not None:
            self._cluster.sharing.set_options(options)
        if not options.keeps_sessions or (self._cluster is not None and self._cluster.sharing.has_sessions):
            registry.sessions = None
        elif registry.sessions is None:
            registry.sessions = SessionKeeper(options, runtime.now)
        else:
            registry.sessions.set_options(options)

    def _recording_failed(self, error: Exception) -> None:
        self._emit("error", ErrorEvent(error))

    def _ready(self, station: OCPPServerClient, release: Callable[[], None]) -> None:
        """Emit `client`; hold CALLs without a handler until its listeners have returned, or for one second."""
        if self._listened_to is None:
            release()
        else:
            self._emit("client", station, after=release)


def expect_trust(proxy_protocol: bool, options: ServerOptions) -> None:
    """Raise TypeError or ValueError if a listener cannot demand the PROXY protocol."""
    if not isinstance(proxy_protocol, bool):
        raise TypeError(f"expected proxy_protocol as bool, got {proxy_protocol!r}")
    if proxy_protocol and not options.trusted_proxies:
        raise ValueError("expected trusted_proxies with proxy_protocol=True: headers of other peers do not count")
