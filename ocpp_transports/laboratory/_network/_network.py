"""The virtual network: ports, connections, and the faults that a test causes."""

import asyncio
import errno
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextvars import Context
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias, TypeVar

import anyio

from ocpp_core._dataclasses import dataclass
from ocpp_transports._options._tls import Pem
from ocpp_transports._runtime._base import Address
from ocpp_transports.laboratory._played_tls import ANONYMOUS, PlayedTLS, shown

from ._byte_link import ByteLink
from ._conditions import Conditions
from ._link import Link
from ._listener import VirtualListener
from ._loop import NetworkLoop

__all__ = ["DIAL_TIMEOUT", "Network", "NetworkCounts", "Towards"]

DIAL_TIMEOUT: Final = 127.0
"""Seconds after which an attempt to connect fails if nothing arrives: `tcp_syn_retries` of Linux (tcp(7))."""
_FIRST_PORT: Final = 49152
"""The first port that is chosen for port 0 (RFC 6335 §6)."""

_LinkT = TypeVar("_LinkT", bound=Link)
Towards: TypeAlias = Literal["server", "station"]
"""The direction of a condition."""


@dataclass(slots=True)
class NetworkCounts:
    """What has happened on a network."""

    connections: int = 0
    """Connections that were opened."""
    refused: int = 0
    """Attempts to connect that were refused or timed out."""
    chunks: int = 0
    """Chunks of connections that have ended."""
    faults: int = 0
    """Faults that a test caused."""


class Network:
    """The network of one event loop. Stations have names, by which faults and conditions select their connections.

    Args:
        loop: The event loop.
        seed: The seed of all that happens by chance.
    """

    def __init__(self, loop: NetworkLoop, seed: str) -> None:
        self.loop = loop
        self.counts: NetworkCounts = NetworkCounts()
        """What has happened so far."""
        self.links: dict[Link, None] = {}
        """The connections that there are."""
        self._seed = seed
        self._ports: dict[int, VirtualListener] = {}
        self._default = (Conditions(), Conditions())
        self._conditions: dict[str, tuple[Conditions, Conditions]] = {}
        self._dials: Counter[str] = Counter()
        self._addresses: dict[str, str] = {}
        self._certificates: dict[str, PlayedTLS] = {}
        self._partitioned: dict[str, None] = {}
        self._healed = anyio.Event()

    # Ports

    def listen(self, listener: VirtualListener) -> VirtualListener:
        """Open a port, 0 for a free one. Raises OSError if it is taken."""
        if not listener.port:
            listener.port = next(port for port in range(_FIRST_PORT, 65536) if port not in self._ports)
        if listener.port in self._ports:
            raise OSError(errno.EADDRINUSE, f"cannot listen on port {listener.port}: {os.strerror(errno.EADDRINUSE)}")
        self._ports[listener.port] = listener
        return listener

    def forget_listener(self, listener: VirtualListener) -> None:
        """Close a port."""
        self._ports.pop(listener.port, None)

    # Connections

    async def connect(
        self,
        protocol: asyncio.Protocol | asyncio.BufferedProtocol,
        address: Address,
        context: Context,
        extra: dict[str, Any],
    ) -> None:
        """Connect a protocol to a port; the host of the address does not matter.

        Raises:
            ConnectionRefusedError: Nothing listens there, or the conditions refuse.
            TimeoutError: The network is partitioned for longer than `DIAL_TIMEOUT`.
        """
        link = await self.dial(ByteLink, address)
        link.open(protocol, context, {"peername": (address.host, address.port), **extra})

    async def dial(self, kind: type[_LinkT], address: Address) -> _LinkT:
        """Return a link of this kind, to be opened at once. Raises what `connect` raises."""
        try:
            link = await self._dial(kind, address)
        except OSError:
            self.counts.refused += 1
            raise
        self.links[link] = None
        self.counts.connections += 1
        return link

    async def _dial(self, kind: type[_LinkT], address: Address) -> _LinkT:
        name = address.station
        self._dials[name] += 1
        seed, until = f"{self._seed}/link {name}/{self._dials[name]}", self.loop.time() + DIAL_TIMEOUT
        await self._pass(name, until, self.conditions_of(name)[0])
        listener, is_refused = self._ports.get(address.port), self.conditions_of(name)[0].refuse
        await self._pass(name, until, self.conditions_of(name)[1])
        if listener is None or is_refused:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if listener.is_tls is not (address.ssl is not None):
            raise ConnectionResetError(errno.ECONNRESET, "one side speaks TLS, the other does not")
        return kind(name, self.loop, seed, self.conditions_of(name), listener.accept, self._forget)

    async def _pass(self, name: str, until: float, conditions: Conditions) -> None:
        """Wait until a packet of the handshake has arrived."""
        await anyio.sleep(conditions.latency)
        while name in self._partitioned:
            with anyio.CancelScope(deadline=until) as waiting:
                await self._healed.wait()
            if waiting.cancelled_caught:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            await anyio.sleep(conditions.latency)

    def _forget(self, link: Link) -> None:
        self.links.pop(link, None)
        self.counts.chunks += link.to_server.chunks + link.to_station.chunks

    def address_of(self, name: str) -> str:
        """Return the numeric address of a station: each name has its own."""
        if name not in self._addresses:
            number = len(self._addresses) + 1
            self._addresses[name] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return self._addresses[name]

    def show_certificate(self, name: str, certificate: Pem) -> None:
        """Let a station show a client certificate on its next connections with TLS; nothing verifies it.

        Args:
            name: The identity of the station.
            certificate: A file in PEM or DER, or its content; the first one of a chain.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not a certificate.
        """
        self._certificates[name] = shown(certificate)

    def tls_of(self, name: str) -> PlayedTLS:
        """Return what a server sees of the TLS of a station."""
        return self._certificates.get(name, ANONYMOUS)

    # Faults

    def conditions_of(self, name: str) -> tuple[Conditions, Conditions]:
        """Return the conditions of a station's connections, towards the server and towards the station."""
        return self._conditions.get(name, self._default)

    def set(self, name: str | None, towards: Towards | None, changes: dict[str, Any]) -> None:
        """Change the conditions of a station, or of all, for connections of now and of later."""
        self.counts.faults += 1
        for each in self._conditions if name is None else (name,):
            self._conditions[each] = _changed(self.conditions_of(each), towards, changes)
        if name is None:
            self._default = _changed(self._default, towards, changes)
        for link in self._links_of(None if name is None else (name,)):
            link.to_server.conditions, link.to_station.conditions = self.conditions_of(link.name)

    def cut(self, *names: str) -> None:
        """Reset the connections of these stations, of all without a name. Raises ValueError for an unknown one."""
        for link in self._harmed(names):
            link.cut()

    def freeze(self, *names: str) -> None:
        """Lose the present connections of these stations in silence; new ones work. Raises ValueError as `cut`."""
        for link in self._harmed(names):
            link.freeze()

    def lose_station(self, *names: str) -> None:
        """Drop the stations' ends of their connections; the server learns of it with its next bytes.

        Raises ValueError as `cut`.
        """
        for link in self._harmed(names):
            link.lose_station()

    def partition(self, *names: str) -> None:
        """Hold what these stations send and get, until they are healed; they cannot connect either."""
        self.counts.faults += 1
        for name in names:
            self._partitioned[name] = None
        for link in self._links_of(names):
            link.hold()

    def heal(self, *names: str) -> None:
        """End the partition of these stations, of all without a name, and let what was held arrive."""
        for name in names or tuple(self._partitioned):
            self._partitioned.pop(name, None)
        for link in self._links_of(names or None):
            link.release()
        healed, self._healed = self._healed, anyio.Event()
        healed.set()

    def _harmed(self, names: Sequence[str]) -> list[Link]:
        """Count a fault of present connections, and return them. Raises ValueError for a station that never dialled."""
        for name in names:
            if name not in self._dials:
                known = ", ".join(map(repr, sorted(self._dials))) or "none yet"
                raise ValueError(f"expected a station that has connected ({known}), got {name!r}")
        self.counts.faults += 1
        return self._links_of(names or None)

    def _links_of(self, names: Iterable[str] | None) -> list[Link]:
        wanted = None if names is None else frozenset(names)
        return [link for link in self.links if wanted is None or link.name in wanted]


def _changed(
    conditions: tuple[Conditions, Conditions], towards: Towards | None, changes: dict[str, Any]
) -> tuple[Conditions, Conditions]:
    to_server, to_station = conditions
    if towards != "station":
        to_server = replace(to_server, **changes)
    if towards != "server":
        to_station = replace(to_station, **changes)
    return to_server, to_station
