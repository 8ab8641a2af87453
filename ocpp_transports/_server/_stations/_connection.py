"""A server's handle on one connection of a station."""

from collections.abc import Callable, Collection
from functools import partial
from logging import INFO
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, Unpack

from ocpp_core._dataclasses import dataclass
from ocpp_core.action_names import Role
from ocpp_core.actions import Dispatch, RegistrationChanged, RegistrationStatus
from ocpp_core.admission.serial_numbers import checks_serial_numbers, conflicting_serial_number
from ocpp_core.admission.sessions import Principal
from ocpp_core.config import Range
from ocpp_core.errors import ConnectionLostError, OCPPError
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import StationKey
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.inbound.registration import BOOT
from ocpp_core.inputs import Close, Command, Reconfigure
from ocpp_core.server import ServerEngine
from ocpp_core.session import Closed, Closing, Open, Session
from ocpp_core.stack import ServerStack
from ocpp_core.websocket.close import POLICY_VIOLATION
from ocpp_transports._calls._directions import sent_by_peer
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._socket import SocketOptions
from ocpp_transports._peer._close_grace import CloseGrace
from ocpp_transports._peer._delegate import nobody_serves
from ocpp_transports._peer._observers import Observers
from ocpp_transports._peer._peer import ConnectionState, Peer
from ocpp_transports._server._queue._station_mixin import StationQueueMixin
from ocpp_transports._server._security._endings import kind_of_closing, kind_of_end
from ocpp_transports.events import OpenEvent, RegistrationEvent, SecurityEvent, SecurityEventKind
from ocpp_transports.handshake import Certificate, Handshake

if TYPE_CHECKING:
    from ocpp_transports._options._keywords import SocketKeywords
    from ocpp_transports._server._queue._delivery import Delivery
    from ocpp_transports._server._queue._interface import StationQueue

    from ._quirks import ConnectionQuirks
    from ._registering import StationRegistration

__all__ = ["ConnectionCallbacks", "MakeRegistration", "OCPPServerClient"]

MakeRegistration: TypeAlias = Callable[[Callable[[RegistrationEvent], None]], "StationRegistration"]
"""Makes the registration of a station on a connection, with what to call when it changes."""


_SECONDS: Final = Range(0, unit="seconds")

_MISMATCH: Final = "serial number does not match certificate"


@dataclass(frozen=True, slots=True)
class ConnectionCallbacks:
    """The callbacks of a server that each of its connections calls; one object for all of them."""

    opened: "Callable[[OCPPServerClient, Driver[Command]], None]"
    """The connection is open, and is the station's newest; feeding a `Close` to the driver ends it."""
    ready: "Callable[[OCPPServerClient, Callable[[], None]], None]"
    """The connection receives requests. Call the function once there was time to register handlers for them."""
    ended: "Callable[[OCPPServerClient], None]"
    """The connection has ended, and `close` is about to be emitted."""
    close_grace: CloseGrace
    alarmed: Callable[[SecurityEvent], None]
    """The connection ends for a reason that may be an attack."""
    observers: "Observers[OCPPServerClient | None] | None" = None
    """The observers of all connections."""
    outbox: "StationQueue | None" = None
    """The messages for stations that are away."""

    @property
    def directions(self) -> MakeDirections | None:
        """Makes the directions of each session; None for the usual ones."""
        return None if self.outbox is None else self.outbox.directions


class OCPPServerClient(StationQueueMixin, Peer):
    """One connection of a station, as its server sees it; the payload of the server's `client` event.

    It stands for this one connection: when the station reconnects, there is another object.
    """

    _role: ClassVar[Role] = "csms"
    _sent_by_peer = sent_by_peer("csms")
    _options: SocketOptions
    _is_one_connection = True
    _registration: "StationRegistration | None" = None
    _delivery: "Delivery | None" = None
    _quirks: "ConnectionQuirks | None" = None

    def __init__(
        self,
        handshake: Handshake,
        protocol: str,
        session: dict[str, Any],
        *,
        options: SocketOptions,
        handlers: tuple[Handlers, ...],
        callbacks: ConnectionCallbacks,
        runtime: Runtime,
        engine: ServerStack | ServerEngine,
        driver: Driver[Command],
        check_serial_number: bool = False,
        registering: MakeRegistration | None = None,
        quirks: "ConnectionQuirks | None" = None,
        principal: Principal | None = None,
    ) -> None:
        super().__init__(handshake.identity, options, callbacks.close_grace)
        if handshake.namespace:
            self._log.identity = str(handshake.key)
        self.session: dict[str, Any] = session
        """The values of connection middleware, of `auth` and of the application; kept with the option `session_ttl`."""
        self._principal = principal
        self._handshake = handshake
        self._registries = handlers
        self._observers = callbacks.observers
        self._callbacks = callbacks
        self._runtime = runtime
        self._engine = engine
        self._driver = driver
        self._protocol = self._log.protocol = protocol
        self._closed_here = False
        if registering is not None:
            self._registration = registering(self._registration_changed)
        if quirks is not None:
            self._quirks = quirks
        self._checked = handshake.client_certificate if check_serial_number else None
        driver.serve(self._delegate)
        driver.send_timeout = options.send_timeout or inf
        self._log.now = driver.runtime.now

    @property
    def handshake(self) -> Handshake:
        """The request that the station sent when it connected."""
        return self._handshake

    @property
    def namespace(self) -> str:
        """The namespace of the station's identity; empty without one."""
        return self._handshake.namespace

    @property
    def key(self) -> StationKey:
        """The key of the station, by which methods of the server find it: its namespace and its identity."""
        return self._handshake.key

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

    @property
    def is_ready(self) -> bool:
        """True if the connection is open and, where the server requires it, the station is registered."""
        is_registered = self._registration is None or self._registration.is_accepted
        return is_registered and self.state is ConnectionState.OPEN

    @property
    def registration_status(self) -> RegistrationStatus | None:
        """The status in the last response to its BootNotification: `Accepted`, `Pending` or `Rejected`.

        `Accepted` also for a station that was let in without one. None before, and if the server does not require
        registration.
        """
        return None if self._registration is None else self._registration.status

    @property
    def boot_interval(self) -> float | None:
        """Seconds between the station's Heartbeats, from the response to its BootNotification.

        Until it is accepted, the seconds until its next BootNotification. None if it is not known, and if the server
        does not require registration.
        """
        return None if self._registration is None else self._registration.interval

    async def wait_for_ready(self, *, timeout: float = inf) -> None:
        """Wait until `is_ready` is True.

        Raises:
            TimeoutError: The station was not registered within `timeout` seconds.
            ConnectionLostError: The connection ended before.
            ValueError: `timeout` is negative or not a number.
        """
        if timeout not in _SECONDS:
            raise ValueError(f"expected timeout {_SECONDS}, got {timeout!r}")
        if self._driver is None or self.state is not ConnectionState.OPEN:
            raise self._not_connected()
        self._driver.runtime.expect_here()
        if self._registration is not None:
            await self._registration.wait(timeout)

    def reconfigure(self, **options: "Unpack[SocketKeywords]") -> None:
        """Change options for this connection only.

        Raises the same errors as the server's constructor, and then changes nothing.
        """
        made = self._options.changed(options)
        if "quirks" in options:
            made = self._with_quirks(made)
        self._use(made)

    def _use(self, options: SocketOptions) -> None:
        self._set_options(options)
        if self._driver is not None:
            self._update_tracing()
            self._driver.feed(Reconfigure(options.link))

    # For the base class

    @property
    def _served(self) -> Collection[str]:
        return self._spoken

    @property
    def _session(self) -> Session | None:
        return self._engine.session

    @property
    def _outbox(self) -> "StationQueue | None":
        return self._callbacks.outbox

    def _not_connected(self) -> OCPPError:
        advice = "get_client() returns the station's newest connection"
        return ConnectionLostError(f"cannot send: this connection of {self.identity!r} is closed; {advice}", sent=False)

    def _update_tracing(self) -> None:
        if self._driver is not None:
            config = self._options.session_in(self._protocol or "", trace=self._traces)
            self._driver.feed(Reconfigure(config if self._quirks is None else self._quirks.station.configured(config)))

    def _state_changed(self, state: object) -> None:
        if isinstance(state, Open):
            self._open()
        elif isinstance(state, Closed):
            self._over(state)
        elif isinstance(state, RegistrationChanged):
            if self._registration is not None:
                self._registration.update(state)
            if self._delivery is not None:
                self._delivery.update(state)
        else:
            self._closed_here = True
            if isinstance(state, Closing) and (kind := kind_of_closing(state)) is not None:
                self._alarm(kind, "", state.code, state.reason)

    def _alarm(self, kind: SecurityEventKind, detail: str, code: int, reason: str) -> None:
        address = self._handshake.remote_address
        self._callbacks.alarmed(SecurityEvent(kind, self.identity, address, detail, code, reason, self.namespace))

    def _open(self) -> None:
        """Take the station's place, and hold requests without a handler until the server's listeners have returned."""
        driver, protocol, callbacks = self._driver, self._protocol, self._callbacks
        if driver is None or protocol is None:
            raise RuntimeError("cannot open: the connection has no driver or no subprotocol")
        if self._log.logger.isEnabledFor(INFO):
            self._log.info(f"connected from {self._handshake.remote_address}")
        callbacks.opened(self, driver)
        self._begin(driver, protocol)
        if callbacks.outbox is not None and self._session is not None:
            must_register = self._registration is not None
            self._delivery = callbacks.outbox.delivery(
                self._handshake, self._session, driver, protocol, must_register=must_register
            )
        if self._quirks is not None:
            self._delegate.dispatched = self._serve_until_booted
        if self._checked is not None and checks_serial_numbers(protocol):
            self._delegate.dispatched = partial(self._serve_checked, self._checked)
        callbacks.ready(self, self._release)
        if self._listened_to is not None:
            self._emit("open", OpenEvent(protocol))
        if self._registration is not None:
            self._registration.begin()

    def _registration_changed(self, event: RegistrationEvent) -> None:
        given = " without a BootNotification" if event.is_assumed else ""
        self._log.info(f"registration: {event.status}{given}")
        self._emit("registration", event)

    def _serve_checked(self, certificate: Certificate, action: Dispatch) -> None:
        """Serve a request, unless it is a BootNotification of another station: then close the connection."""
        delegate, driver = self._delegate, self._driver
        serial_number = conflicting_serial_number(action.action, action.payload, certificate)
        if serial_number is None or driver is None:
            self._serve_watched(action)
            delegate.dispatched = partial(self._serve_checked, certificate)
            return
        delegate.dispatched = nobody_serves  # also what was received with it
        detail = f"its BootNotification has serial number {serial_number!r}, which is not the CN of its certificate"
        self._alarm("serial_number_mismatch", detail, POLICY_VIOLATION, _MISMATCH)
        driver.feed(Close(POLICY_VIOLATION, _MISMATCH, drain=False))

    def _serve_until_booted(self, action: Dispatch) -> None:
        self._serve_watched(action)
        if action.action != BOOT:
            self._delegate.dispatched = self._serve_until_booted

    def _serve_watched(self, action: Dispatch) -> None:
        """Serve a request; a BootNotification tells first which quirks the station has."""
        dispatcher = self._delegate.dispatcher
        if action.action == BOOT and self._quirks is not None and self._quirks.boot(action.payload):
            self._use(self._quirks.set(self._options))
        if dispatcher is None:
            self._serve_first(action)
        else:
            self._delegate.dispatched = dispatcher.dispatched
            dispatcher.dispatched(action)

    def _with_quirks(self, options: SocketOptions) -> SocketOptions:
        """Use the profiles of changed options from now on; return the options with their settings."""
        quirks = self._quirks
        if options.quirk_book is None:
            self._quirks = None
            return options if quirks is None else quirks.unset(options)
        if quirks is None:
            from ._quirks import ConnectionQuirks, QuirkMemory  # loaded only when used

            quirks = ConnectionQuirks(options.quirk_book, self._handshake, self._protocol or "", "", QuirkMemory())
            if self._driver is not None and self._checked is None:
                self._delegate.dispatched = self._serve_until_booted
        else:
            quirks.change(options.quirk_book)
        options = quirks.set(options)
        self._quirks = quirks
        return options

    def _over(self, end: Closed) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.stop()
        if self._registration is not None:
            self._registration.end()
        if self._delivery is not None:
            self._delivery.end()
        self._callbacks.ended(self)
        if driver is not None and not self._closed_here:
            violation = self._delegate.violation
            kind = kind_of_end(end, violation=violation, gave_up=driver.gave_up)
            if kind is not None:
                self._alarm(kind, violation, end.code, end.reason)
        self._finish(end.code, end.reason, lost=not self._closed_here)
