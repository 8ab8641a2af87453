"""One connection of the virtual network: two flows, an end at the station, and one at the server once it accepts."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import Context
from functools import partial
from random import Random
from typing import Any, TypeAlias

from ._conditions import Conditions
from ._flow import Arrival, Flow, Segment
from ._loop import NetworkLoop

__all__ = ["AcceptLink", "Link"]


class Link(ABC):
    """One connection.

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
        accept: "AcceptLink",
        forget: Callable[["Link"], None],
    ) -> None:
        self.name = name
        self.is_frozen: bool = False
        """True if nothing arrives any more, on either way."""
        self._loop = loop
        self._accept = accept
        self._forget = forget
        self.to_server: Flow = Flow(loop, Random(f"{seed}/to server"), conditions[0], self.cut)
        self.to_station: Flow = Flow(loop, Random(f"{seed}/to station"), conditions[1], self.cut)

    def refuse(self) -> None:
        """Reset the connection, because no listener is left to accept it."""
        self.to_station.fly(Segment.RESET)

    def _begin(self, context: Context) -> None:
        """Let the handshake of TCP go on to the server; `context` is that of the station."""
        self.to_server.receiver = self.to_station.sender = _Unaccepted(context, partial(self._accept, self))
        self.to_server.fly(Segment.OPEN)

    # Faults

    def cut(self) -> None:
        """Reset both ends."""
        self._stop()
        self._lose_ends()
        self.ended(self)  # nothing is on the way any more: a station that has given up need not wait to be accepted

    @abstractmethod
    def _lose_ends(self) -> None:
        """End what there is of both ends at once."""

    @abstractmethod
    def lose_station(self) -> None:
        """Drop the end of the station; the server learns of it with its next bytes."""

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
        self.ended(self)  # the server will not accept it any more: a station that has given up need not wait for that

    # The ends

    @property
    @abstractmethod
    def is_accepted(self) -> bool:
        """True once the server has accepted it."""

    @property
    @abstractmethod
    def has_ended(self) -> bool:
        """True if each end that there is has ended."""

    def ended(self, _: Any) -> None:
        """Forget the link once both ends have ended."""
        may_be_accepted = not self.is_accepted and self.to_server.in_flight and not self.is_frozen
        if self.has_ended and not may_be_accepted:
            self._stop()
            self._forget(self)

    def _stop(self) -> None:
        self.to_server.stop()
        self.to_station.stop()


class _Unaccepted:
    """The end of the server until it accepts; see FlowEnd."""

    def __init__(self, context: Context, accept: Callable[[], None]) -> None:
        self.context = context
        self._accept = accept

    def take(self, item: Arrival) -> None:
        if item is Segment.OPEN:
            self._accept()

    def drained(self) -> None: ...

    def time_out(self) -> None: ...


AcceptLink: TypeAlias = Callable[[Any], None]
"""Accepts a link; each kind of listener knows its kind of link."""
