"""One connection of the virtual network: two flows, an end at the station, and one at the server once it accepts."""

import asyncio
import errno
from collections.abc import Callable
from contextvars import Context
from functools import partial
from random import Random
from typing import Any

from ._conditions import Conditions
from ._flow import Arrival, Flow, Segment
from ._loop import NetworkLoop
from ._transport import VirtualTransport

__all__ = ["Link"]


class Link:
    """One connection. Until the server accepts it, the link itself takes what arrives there.

    Args:
        name: The identity of the station, by which faults name it.
        loop: The event loop.
        seed: The seed of this link.
        conditions: Those of the ways to the server and to the station.
        accept: Called when the handshake of TCP has ended.
        forget: Called once nothing is left of it.
    """

    def __init__(
        self,
        name: str,
        loop: NetworkLoop,
        seed: str,
        conditions: tuple[Conditions, Conditions],
        accept: Callable[["Link"], None],
        forget: Callable[["Link"], None],
    ) -> None:
        self.name = name
        self.is_frozen: bool = False
        """True if nothing arrives any more, on either way."""
        self.station: VirtualTransport | None = None
        self.server: VirtualTransport | None = None
        self._loop = loop
        self._accept = accept
        self._forget = forget
        cut = partial(self.cut)
        self.to_server = Flow(loop, Random(f"{seed}/to server"), conditions[0], cut)
        self.to_station = Flow(loop, Random(f"{seed}/to station"), conditions[1], cut)

    def open(
        self, protocol: asyncio.Protocol | asyncio.BufferedProtocol, context: Context, extra: dict[str, Any]
    ) -> None:
        """Open the end of the station; the handshake of TCP goes on to the server."""
        self.context = context
        flows = self.to_server, self.to_station
        self.station = VirtualTransport(self._loop, self, flows, context, extra)
        self.to_server.receiver = self.to_station.sender = self
        self.to_server.signal(Segment.OPEN)
        self.station.begin(protocol)

    def accept(
        self, protocol: asyncio.Protocol | asyncio.BufferedProtocol, context: Context, extra: dict[str, Any]
    ) -> VirtualTransport:
        """Open the end of the server."""
        flows = self.to_station, self.to_server
        self.server = VirtualTransport(self._loop, self, flows, context, extra)
        self.server.begin(protocol)
        return self.server

    def refuse(self) -> None:
        """Reset the connection, because no listener is left to accept it."""
        self.to_station.signal(Segment.RESET)

    # FlowEnd, until the server accepts

    context: Context

    def take(self, item: Arrival) -> None:
        """Let the server accept."""
        if item is Segment.OPEN:
            self._accept(self)

    def drained(self) -> None:
        """Do nothing: nothing is sent here."""

    def time_out(self) -> None:
        """Do nothing: nothing is sent here."""

    # Faults

    @property
    def ends(self) -> tuple[VirtualTransport, ...]:
        """The ends that there are."""
        return tuple(end for end in (self.station, self.server) if end is not None)

    def cut(self) -> None:
        """Reset both ends."""
        for flow in (self.to_server, self.to_station):
            flow.stop()
        for end in self.ends:
            end.vanishes = True
            end.drop(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    def hold(self) -> None:
        """Let nothing arrive."""
        self.to_server.hold()
        self.to_station.hold()

    def release(self) -> None:
        """Let what was held arrive, unless the link is frozen."""
        if not self.is_frozen:
            self.to_server.release()
            self.to_station.release()

    def freeze(self) -> None:
        """Lose the connection in silence, for good."""
        self.is_frozen = True
        self.hold()

    def lose_station(self) -> None:
        """Drop the end of the station; the server learns of it with its next bytes."""
        if self.station is not None:
            self.station.vanishes = True
            self.station.drop(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    # TransportOwner

    def ended(self, _: VirtualTransport) -> None:
        """Forget the link once both ends are gone."""
        may_accept = self.server is None and self.to_server.in_flight and not self.is_frozen
        if all(end.is_gone for end in self.ends) and not may_accept:
            self.to_server.stop()
            self.to_station.stop()
            self._forget(self)
