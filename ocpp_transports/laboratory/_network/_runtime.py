"""The runtime of asyncio on a virtual network: the production hosts, tasks and timers, on virtual connections."""

from typing import Any

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._sources import Sources
from ocpp_transports._hosts._asyncio_socket import SocketConnection
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._asyncio import AsyncioRuntime
from ocpp_transports._runtime._base import Address
from ocpp_transports.laboratory._played_tls import ANONYMOUS, PlayedTLS

from ._byte_link import ByteLink
from ._network import Network
from ._ports import STATION_PORT, VirtualPorts
from ._sources import SeededSources

__all__ = ["VirtualRuntime"]


class VirtualRuntime(VirtualPorts, AsyncioRuntime):
    """The part of a virtual event loop that a client or server uses; see Runtime.

    Args:
        log: The log of the client or server.
        network: The network that it listens and dials on.
        seed: The seed of what it draws.
    """

    def __init__(self, log: Log, network: Network, seed: str) -> None:
        super().__init__(log)
        self.sources: Sources = SeededSources(seed)
        self.network = network
        self.virtual_listeners = {}

    async def reach(self, stream: SocketConnection, address: Address) -> None:
        """Connect a stream; see AsyncioRuntime."""
        extra = _tls_extra(None if address.ssl is None else ANONYMOUS)
        await self.network.connect(stream, address, self.context.copy(), extra)

    def accept_link(self, is_tls: bool, connected: Connected, rules: AcceptRules, link: ByteLink) -> None:
        """Serve a connection; see VirtualPorts."""
        address = self.network.address_of(link.name)
        closed = rules.admit(address)
        if closed is None:
            link.refuse()
            return
        connection = self._new_socket(self, connected, closed=closed)
        context = self.context.copy()
        extra = _tls_extra(self.network.tls_of(link.name) if is_tls else None)
        context.run(link.accept, connection, context, {"peername": (address, STATION_PORT), **extra})


def _tls_extra(tls: PlayedTLS | None) -> dict[str, Any]:
    return {} if tls is None else {"sslcontext": True, "ssl_object": tls}
