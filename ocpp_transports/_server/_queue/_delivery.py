"""The delivery of a station's messages on one connection: it begins once the station is registered."""

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ocpp_core.actions import RegistrationChanged
from ocpp_core.durable.stations import StationOutboxes
from ocpp_core.inputs import Tick
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_transports._driver._driver import Driver

if TYPE_CHECKING:
    from ocpp_transports._server._stations._registering import StationRegistration

__all__ = ["Delivery", "OutboxConnection", "QueueConnection"]


class QueueConnection(Protocol):
    """A connection of a station, as its queue sees it."""

    def registered(self, *, is_registered: bool) -> None:
        """Deliver from now on, or deliver nothing."""

    def end(self) -> None:
        """Deliver nothing more."""


class OutboxConnection:
    """A connection of a station whose messages are in an outbox of the server.

    Args:
        name: The name of the station.
        calls: The calls of the session.
        protocol: The subprotocol.
        driver: The driver of the connection.
        engine: The outboxes.
    """

    def __init__(
        self, name: str, calls: StationCalls, protocol: str, driver: Driver[Any], engine: StationOutboxes
    ) -> None:
        self._name = name
        self._calls = calls
        self._driver = driver
        self._engine = engine
        engine.connected(name, calls, protocol, partial(driver.feed, Tick()), driver.runtime.now())

    def registered(self, *, is_registered: bool) -> None:
        """Deliver from now on, or deliver nothing."""
        self._engine.registered(self._name, self._calls, is_registered=is_registered)

    def end(self) -> None:
        """Deliver nothing more."""
        self._engine.disconnected(self._name, self._calls, self._driver.runtime.now())


class Delivery:
    """The delivery on one connection.

    If the server requires registration, `update` is called with it. Otherwise `registration` decides when a station
    that does not boot gets its messages; without one, the station gets them at once.
    """

    def __init__(self, connection: QueueConnection) -> None:
        self._connection = connection
        self._registration: StationRegistration | None = None

    def begin(self, registration: "StationRegistration | None") -> None:
        """Deliver as soon as this registration, which nobody else updates, is accepted; None for at once."""
        self._registration = registration
        if registration is None:
            self._connection.registered(is_registered=True)
        else:
            registration.begin()

    def update(self, change: RegistrationChanged) -> None:
        """Follow the registration of the station."""
        if self._registration is not None:
            self._registration.update(change)
        if change.status is not None:
            self._connection.registered(is_registered=change.status == "Accepted")

    def end(self) -> None:
        """Deliver nothing more, because the connection has ended."""
        if self._registration is not None:
            self._registration.end()
        self._connection.end()
