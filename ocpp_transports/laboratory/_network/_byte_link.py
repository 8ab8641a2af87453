"""A connection that carries bytes between two transports."""

import asyncio
import errno
from contextvars import Context
from typing import Any, TypeAlias

from ._link import Link
from ._transport import VirtualTransport

__all__ = ["ByteLink"]

_AnyProtocol: TypeAlias = asyncio.Protocol | asyncio.BufferedProtocol


class ByteLink(Link):
    """A connection that carries bytes, with a transport at each end."""

    station: VirtualTransport | None = None
    server: VirtualTransport | None = None

    def open(self, protocol: _AnyProtocol, context: Context, extra: dict[str, Any]) -> None:
        """Open the end of the station; the handshake of TCP goes on to the server."""
        self.station = VirtualTransport(self._loop, self, (self.to_server, self.to_station), context, extra)
        self._begin(context)
        self.station.begin(protocol)

    def accept(self, protocol: _AnyProtocol, context: Context, extra: dict[str, Any]) -> None:
        """Open the end of the server."""
        self.server = VirtualTransport(self._loop, self, (self.to_station, self.to_server), context, extra)
        self.server.begin(protocol)

    @property
    def ends(self) -> tuple[VirtualTransport, ...]:
        """The ends that there are."""
        return tuple(end for end in (self.station, self.server) if end is not None)

    @property
    def is_accepted(self) -> bool:
        """True once the server has accepted it."""
        return self.server is not None

    @property
    def has_ended(self) -> bool:
        """True if each end that there is has ended."""
        return all(end.is_gone for end in self.ends)

    def _lose_ends(self) -> None:
        """Reset both ends."""
        for end in self.ends:
            end.vanish(_reset())

    def lose_station(self) -> None:
        """Drop the end of the station; the server learns of it with its next bytes."""
        if self.station is not None:
            self.station.vanish(_reset())


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
