"""The runtime of asyncio on a virtual network: the production hosts, tasks and timers, on virtual connections."""

from typing import Any

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._hosts._asyncio_socket import SocketConnection
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._asyncio import AsyncioRuntime
from ocpp_transports._runtime._base import Address

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
        self.sources = SeededSources(seed)
        self.network = network
        self.virtual_listeners = {}

    async def reach(self, stream: SocketConnection, address: Address) -> None:
        """Connect a stream; see AsyncioRuntime."""
        await self.network.connect(stream, address, self.context.copy(), _tls_extra(is_tls=address.ssl is not None))

    def accept_link(self, is_tls: bool, connected: Connected, rules: AcceptRules, link: ByteLink) -> None:
        """Serve a connection; see VirtualPorts."""
        address = self.network.address_of(link.name)
        closed = rules.admit(address)
        if closed is None:
            link.refuse()
            return
        connection = self._new_socket(self, connected, closed=closed)
        context = self.context.copy()
        context.run(
            link.accept, connection, context, {"peername": (address, STATION_PORT), **_tls_extra(is_tls=is_tls)}
        )


class _PlayedTLS:
    """What a connection knows of a TLS that is not played: it is protected, and the peer showed no certificate."""

    def getpeercert(self, binary_form: bool = False) -> None:  # as the standard library has it
        """Return None: there is no certificate."""


def _tls_extra(*, is_tls: bool) -> dict[str, Any]:
    return {"sslcontext": True, "ssl_object": _PlayedTLS()} if is_tls else {}
