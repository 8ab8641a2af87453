"""Counts the connections of a server as they open and end, for the option `metrics`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ocpp_core.inputs import Command
from ocpp_core.session import Closed
from ocpp_transports._driver._driver import Driver

from ._connection import OCPPServerClient
from ._registry import ConnectionRegistry

if TYPE_CHECKING:
    from ocpp_transports._metrics._metrics import Metrics

__all__ = ["Ended", "Opened", "counted"]

Opened: TypeAlias = Callable[[OCPPServerClient, Driver[Command]], None]
Ended: TypeAlias = Callable[[OCPPServerClient], None]


def counted(registry: ConnectionRegistry, metrics: "Metrics | None") -> tuple[Opened, Ended]:
    """Return the functions that register and remove a connection, and count it if there are metrics."""
    if metrics is None:
        return registry.opened, registry.ended

    def opened(station: OCPPServerClient, driver: Driver[Command]) -> None:
        is_newcomer = registry.connection_of(station.handshake) is None
        registry.opened(station, driver)
        metrics.count("ocpp_connections_opened", station.protocol or "", str(station.security_profile.value))
        if not is_newcomer:
            metrics.count("ocpp_evictions")

    def ended(station: OCPPServerClient) -> None:
        registry.ended(station)
        state = None if station._session is None else station._session.state
        if isinstance(state, Closed):
            metrics.closed(state.code)

    return opened, ended
