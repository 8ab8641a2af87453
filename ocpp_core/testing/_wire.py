"""The network between a station and the server of a laboratory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

__all__ = ["Wire", "WireFault"]

WireFault: TypeAlias = Callable[[bytes, Random], Iterable[tuple[float, bytes]]]
"""What the wire does to a chunk: the pieces that arrive, each with the seconds it takes on top of the latency."""


@dataclass(slots=True)
class Wire:
    """The network between a station and the server, both ways.

    `latency` is seconds a chunk takes; `reachable` False refuses new streams; `silent` True swallows bytes, as a
    half-open connection does; `fault` does to each chunk what it likes (delay, drop, duplicate, split, corrupt).
    """

    latency: float = 0.01
    reachable: bool = True
    silent: bool = False
    fault: WireFault | None = None

    def carry(self, data: bytes, random: Random) -> Iterable[tuple[float, bytes]]:
        """Say which bytes arrive, and after how many seconds."""
        if self.silent:
            return ()
        if self.fault is None:
            return ((self.latency, data),)
        return [(self.latency + extra, piece) for extra, piece in self.fault(data, random)]
