"""How a server begins: it binds to an event loop and accepts streams from listeners and from other libraries."""

from abc import abstractmethod
from collections.abc import Callable
from ssl import SSLContext

from ocpp_core.handshake import check_listener_profile
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._tls import TLSOptions, expect_tls
from ocpp_transports._options._warm_up import warm_up_in_thread
from ocpp_transports._runtime._base import Listener, SocketRuntime
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports._server._admitting._acceptor import Acceptor
from ocpp_transports._server._admitting._quota import SocketGate
from ocpp_transports._server._observed import ObservedMixin
from ocpp_transports._server._plain._http_handlers import HttpHandlers
from ocpp_transports._server._renewal._mixin import RenewalMixin
from ocpp_transports._server._renewal._renewal import load
from ocpp_transports._server._stations._connection import ConnectionCallbacks, OCPPServerClient
from ocpp_transports._server._stations._sessions import SessionKeeper
from ocpp_transports._tls._loaded import LiveTLS

from ._ports import expect_place, inherited_sockets

__all__ = ["OpeningMixin"]


class OpeningMixin(ObservedMixin, RenewalMixin):
    """Listens, and starts the admission of connections."""

    _http_handlers: HttpHandlers
    _in_block: bool
    _runtime: SocketRuntime | None
    _acceptor: Acceptor | None
    _closed: Acceptor | None
    """The acceptor of before `close`, which still refuses connections from other libraries."""

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

        Returns:
            The listener, with its `host`, `port` and `aclose()`.

        Raises:
            OSError: The port is not available.
            ValueError: The port is out of range, the certificates do not meet the security profile, or nothing checks
                the passwords of profile 1 or 2. Also for two places to listen, and a socket that does not listen.
            TypeError: An argument has the wrong type.
            RuntimeError: The server is closing, or systemd passed no such socket.
        """
        options = self._options
        tls = options.tls if ssl is None else ssl
        expect_tls(tls)
        options.expect_deciders()
        check_listener_profile(options.security_profile, tls=tls is not None, tls_terminated=options.tls_terminated)
        live = None if tls is None else LiveTLS(load(tls, options))
        expect_place(port, host, backlog, reuse_port=reuse_port, fd=fd, systemd=systemd)
        self._expect_here()
        with self._begin(live):
            await warm_up_in_thread(options)
            self._closed = None
            runtime, acceptor = self._start()
            if acceptor.is_closing:
                raise RuntimeError("cannot listen: the server is closing")
            listener = await runtime.listen(
                port,
                host,
                ssl=None if live is None else live.context,
                backlog=backlog,
                reuse_port=reuse_port,
                inherited=inherited_sockets(fd, systemd),
                connected=acceptor.connected,
                rules=acceptor.rules,
            )
            self._listeners = {**self._open_listeners(), listener: live}
        if self._runtime is runtime:  # it was not closed meanwhile
            self._renewal.start(runtime, self._options)
        self._log.info(f"listening on {listener.host} port {listener.port}")
        return listener

    # Internals

    @property
    @abstractmethod
    def _handlers(self) -> Handlers:
        """The handlers that serve every station."""

    def _start(self) -> tuple[SocketRuntime, Acceptor]:
        """Bind to the running event loop."""
        if self._runtime is None or self._acceptor is None:
            self._runtime = current_runtime(type(self).__name__, in_block=self._in_block, log=self._log)
            self._log.now = self._runtime.now
            self._keep_sessions(self._runtime)
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
                gate=SocketGate(self._turned_away),
            )
        return self._runtime, self._acceptor

    def _keep_sessions(self, runtime: SocketRuntime) -> None:
        """Keep the sessions of stations from now on, or forget them, as the options say."""
        registry, options = self._registry, self._options
        if not options.keeps_sessions:
            registry.sessions = None
        elif registry.sessions is None:
            registry.sessions = SessionKeeper(options, runtime.now)
        else:
            registry.sessions.set_options(options)

    def _ready(self, station: OCPPServerClient, release: Callable[[], None]) -> None:
        """Emit `client`; hold CALLs without a handler until its listeners have returned, or for one second."""
        if self._listened_to is None:
            release()
        else:
            self._emit("client", station, after=release)
