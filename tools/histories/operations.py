"""The operations of a history: data, so that a history can be shortened and printed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

__all__ = ["FAULTS", "REQUESTS", "SILENT", "Kind", "Operation", "random_operations", "shrunk"]

Kind: TypeAlias = Literal[
    "call", "command", "enqueue", "deliver", "cut", "freeze", "half_open", "partition", "refuse", "heal", "wait"
]

_WEIGHTS: Final[dict[Kind, int]] = {
    "call": 6,
    "command": 6,
    "enqueue": 3,
    "deliver": 2,
    "cut": 3,
    "freeze": 2,
    "half_open": 1,
    "partition": 2,
    "refuse": 1,
    "heal": 4,
    "wait": 11,
}
SILENT: Final = frozenset({"freeze", "half_open"})
"""The faults that only pings notice, which a network of whole messages does not have."""
FAULTS: Final = frozenset({"cut", "freeze", "half_open", "partition", "refuse"})
"""The operations that harm the network."""
REQUESTS: Final = frozenset({"call", "command", "enqueue", "deliver"})
"""The operations that begin requests; the last two queue them, at the station and at the server."""
_MOST_CALLS: Final = 12
_LONGEST: Final = 40.0
"""Seconds of the longest wait."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a history, which draws nothing: leaving another one out does not change it."""

    kind: Kind
    station: int = 0
    number: int = 0
    """Calls, commands or messages."""
    seconds: float = 0.0
    """Seconds to wait."""

    def __repr__(self) -> str:
        more = {"wait": self.seconds}.get(self.kind, self.station)
        return f"{self.kind} {more:g}" + (f" x {self.number}" if self.number else "")


def random_operations(seed: int, count: int, stations: int) -> tuple[Operation, ...]:
    """Return the operations of the history of a seed."""
    random = Random(f"{seed}/operations")
    kinds = random.choices([*_WEIGHTS], [*_WEIGHTS.values()], k=count)
    return tuple(_operation(kind, random, stations) for kind in kinds)


def _operation(kind: Kind, random: Random, stations: int) -> Operation:
    station, calls = random.randrange(stations), random.randint(1, _MOST_CALLS)
    seconds = random.choice((0.01, 0.1, 1.0, 5.0, _LONGEST)) * random.random()
    if kind == "wait":
        return Operation(kind, seconds=round(seconds, 3))
    return Operation(kind, station, calls if kind in REQUESTS else 0)


def shrunk(operations: Sequence[Operation], fails: Callable[[Sequence[Operation]], bool]) -> tuple[Operation, ...]:
    """Return operations that still fail, of which none can be left out: halves first, then ever smaller parts."""
    left, size = tuple(operations), max(1, len(operations) // 2)
    while True:
        start, shortened = 0, False
        while start < len(left):
            candidate = left[:start] + left[start + size :]
            if fails(candidate):
                left, shortened = candidate, True
            else:
                start += size
        if size == 1 and not shortened:
            return left
        size = max(1, size // 2)
