"""The runtime of trio on a virtual network: the production hosts, tasks and timers, on virtual connections."""

from collections.abc import Callable
from functools import partial

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._interfaces import Dialer, StreamInput
from ocpp_transports._hosts._failure import failure
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._base import Address
from ocpp_transports._runtime._trio._runtime import TrioRuntime
from ocpp_transports.laboratory._network._byte_link import ByteLink
from ocpp_transports.laboratory._network._network import Network
from ocpp_transports.laboratory._network._ports import STATION_PORT, VirtualPorts
from ocpp_transports.laboratory._network._sources import SeededSources
from ocpp_transports.laboratory._played_tls import ANONYMOUS

from ._stream import VirtualStream

__all__ = ["VirtualTrioRuntime"]


class VirtualTrioRuntime(VirtualPorts, TrioRuntime):
    """The part of trio in virtual time that a client or server uses; see Runtime.

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

    def dialer(self, where: Callable[[], Address]) -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client; see SocketRuntime."""
        return self.stream_dialer(partial(self._reach, where))

    async def _reach(self, where: Callable[[], Address]) -> VirtualStream:
        address = where()
        stream = VirtualStream(None if address.ssl is None else ANONYMOUS)
        try:
            await self.network.connect(stream, address, self.context.copy(), {})
        except OSError as error:
            raise failure(error, f"{address.host}:{address.port}") from error
        return stream

    def accept_link(self, is_tls: bool, connected: Connected, rules: AcceptRules, link: ByteLink) -> None:
        """Serve a connection; see VirtualPorts."""
        address = self.network.address_of(link.name)
        closed = rules.admit(address)
        if closed is None:
            link.refuse()
            return
        stream = VirtualStream(self.network.tls_of(link.name) if is_tls else None)
        link.accept(stream, self.context.copy(), {"peername": (address, STATION_PORT)})
        self.new_stream(self).serve(stream, connected, None, closed)
