"""Begins the delivery on a connection, when its station is registered."""

from typing import Any

from ocpp_transports._driver._driver import Driver
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.handshake import Handshake

from ._delivery import Delivery, QueueConnection

__all__ = ["Beginning"]


class Beginning:
    """What decides when the stations of a server get their messages.

    Args:
        registry: The connections of the server.
        options: The options of the server.
    """

    def __init__(self, registry: ConnectionRegistry, options: ServerOptions) -> None:
        self._registry = registry
        self._options = options

    def delivery(
        self,
        connection: QueueConnection,
        handshake: Handshake,
        driver: Driver[Any],
        protocol: str,
        *,
        must_register: bool,
    ) -> Delivery:
        """Return the delivery on a connection.

        Args:
            connection: The connection, as the queue sees it.
            handshake: Its handshake.
            driver: Its driver.
            protocol: Its subprotocol.
            must_register: True if the server requires registration, which then is reported to the delivery.
        """
        delivery = Delivery(connection)
        if not protocol.startswith("ocpp"):  # another subprotocol may have no BootNotification
            delivery.begin(None)
        elif not must_register:
            registering = self._registry.registering(handshake, driver, self._options.boot_limit, asks=False)
            delivery.begin(registering(lambda _: None))
        return delivery
