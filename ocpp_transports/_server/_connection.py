"""A server's handle on one connection of a station."""

from math import inf
from typing import TYPE_CHECKING, Any, Final, Unpack

from ocpp_core.config import SessionConfig
from ocpp_core.errors import ConnectionLostError, OCPPError
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Close, Reconfigure
from ocpp_core.server import ServerEngine
from ocpp_core.session import Closed, Open, Session
from ocpp_core.stack import ServerStack
from ocpp_transports._driver._driver import Driver
from ocpp_transports._handlers._dispatcher import Dispatcher
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._keywords import SocketKeywords
from ocpp_transports._options._socket import SocketOptions
from ocpp_transports._peer._observers import Observers
from ocpp_transports._peer._peer import ConnectionState, Peer
from ocpp_transports._runtime._base import Runtime
from ocpp_transports.events import OpenEvent
from ocpp_transports.handshake import Handshake

from ._admission import Admitted

if TYPE_CHECKING:
    from ._registry import ConnectionRegistry

__all__ = ["EVICTED", "OCPPServerClient"]

EVICTED: Final = 4000
"""The close code for a connection that a newer one of the same identity replaces."""


class OCPPServerClient(Peer):
    """One connection of a station, as its server sees it; the payload of the server's `client` event.

    It is this one connection: when the station comes back, there is another object for it.
    """

    _options: SocketOptions
    _is_one_connection = True

    def __init__(
        self,
        admitted: Admitted,
        protocol: str,
        *,
        options: SocketOptions,
        handlers: Handlers,
        registry: "ConnectionRegistry",
        runtime: Runtime,
        engine: ServerStack | ServerEngine,
        driver: Driver,
    ) -> None:
        super().__init__(admitted.handshake.identity, options, registry.close_grace)
        self.session: dict[str, Any] = admitted.session
        """Whatever `auth` and the application keep for this connection."""
        self._handshake = admitted.handshake
        self._registries = (handlers,)
        self._registry = registry
        self._runtime = runtime
        self._engine = engine
        self._driver = driver
        self._protocol = protocol
        self._closed_here = False
        driver.delegate = self._delegate
        driver.send_timeout = options.send_timeout or inf
        self._log.now = driver.host.now

    @property
    def handshake(self) -> Handshake:
        """What the station sent when it connected."""
        return self._handshake

    @property
    def security_profile(self) -> SecurityProfile:
        """The security profile that the station met."""
        return self._handshake.security_profile

    @property
    def state(self) -> ConnectionState:
        """The state of this connection: OPEN, CLOSING or CLOSED."""
        session = self._session
        if session is None or isinstance(session.state, Closed):
            return ConnectionState.CLOSED
        return ConnectionState.OPEN if isinstance(session.state, Open) else ConnectionState.CLOSING

    def reconfigure(self, **options: Unpack[SocketKeywords]) -> None:
        """Change options for this connection only. Raises as the server's constructor does, changing nothing."""
        made = self._options.changed(options)
        self._set_options(made)
        if self._driver is not None:
            self._driver.feed(Reconfigure(self.session_config))
            self._driver.feed(Reconfigure(made.link))

    # For the server

    @property
    def session_config(self) -> SessionConfig:
        """The engine's config of this conversation."""
        return self._options.session_in(self._protocol or "", trace=self._traces)

    def begin_serving(self, observers: "Observers[OCPPServerClient | None] | None" = None) -> Dispatcher:
        """Get ready for requests; those without a handler are held. From now on `observers` are told of all."""
        self._observers = observers
        if self._driver is None or self._protocol is None:
            raise RuntimeError("expected an open connection to serve")
        return self._begin(self._driver, self._protocol)

    def emit_open(self) -> None:
        """Tell those who listen by now."""
        self._emit("open", OpenEvent(self._protocol or ""))

    def evict(self) -> None:
        """Make way for a newer connection of the station, without waiting for anything."""
        if self._driver is not None:
            self._driver.feed(Close(EVICTED, "replaced by a newer connection", drain=False))

    def start_closing(self, command: Close) -> None:
        """Begin to close, without waiting for the end."""
        if self._driver is not None:
            self._driver.feed(command)

    # For the base class

    @property
    def _session(self) -> Session | None:
        return self._engine.session

    def _not_connected(self) -> OCPPError:
        advice = "use the station's newest connection, get_client() returns it"
        return ConnectionLostError(f"this connection of {self.identity!r} is closed: {advice}", sent=False)

    def _update_tracing(self) -> None:
        if self._driver is not None:
            self._driver.feed(Reconfigure(self.session_config))

    def _state_changed(self, state: object) -> None:
        if isinstance(state, Open):
            self._registry.opened(self)
        elif isinstance(state, Closed):
            self._over(state)
        else:
            self._closed_here = True

    def _over(self, end: Closed) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.stop()
        self._registry.gone(self)
        self._finish(end.code, end.reason, lost=not self._closed_here)
