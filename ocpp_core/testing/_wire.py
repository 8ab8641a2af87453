"""The network between a station and the server of a laboratory."""

from collections.abc import Callable, Iterable
from random import Random
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass

__all__ = ["Wire", "WireFault"]

WireFault: TypeAlias = Callable[[bytes, Random], Iterable[tuple[float, bytes]]]
"""A function that changes a chunk: it returns the pieces that arrive, each with its seconds beyond the latency."""


@dataclass(slots=True)
class Wire:
    """The network between a station and the server, in both directions."""

    latency: float = 0.01
    """Seconds that a chunk takes."""
    reachable: bool = True
    """False to refuse new streams."""
    silent: bool = False
    """True to drop all bytes, as a half-open connection does."""
    fault: WireFault | None = None
    """Function that may delay, drop, duplicate, split or corrupt each chunk; None for a perfect network."""

    def carry(self, data: bytes, random: Random) -> Iterable[tuple[float, bytes]]:
        """Return the pieces of bytes that arrive, each with its delay in seconds."""
        if self.silent:
            return ()
        if self.fault is None:
            return ((self.latency, data),)
        return [(self.latency + extra, piece) for extra, piece in self.fault(data, random)]
