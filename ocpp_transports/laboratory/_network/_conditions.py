"""The conditions of one direction of a connection."""

from dataclasses import field
from math import inf
from typing import TypedDict

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import Range

__all__ = ["ConditionChanges", "Conditions"]

_SHARE = Range(0, 1)
_DELAY = Range(0, 3600, unit="seconds")
_RATE = Range(1, unit="bytes a second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The conditions of one direction of a connection. Bytes are never lost, doubled or reordered: TCP prevents that.

    Raises:
        ValueError: A value is out of its range.
    """

    latency: float = 0.01
    """Seconds that a chunk takes, 0 to 3600."""
    jitter: float = 0.0
    """Seconds that a chunk may take longer, 0 to 3600; the order is kept."""
    bandwidth: float = inf
    """Bytes a second, at least 1."""
    loss: float = 0.0
    """Share of chunks that are lost, 0 to 1; each arrives 0.2 s later, because TCP sends it again."""
    cut: float = 0.0
    """Share of chunks that reset the connection instead of arriving, 0 to 1."""
    chop: float = 0.0
    """Share of chunks that arrive in pieces, 0 to 1."""
    slow: float = inf
    """Bytes a second that the receiver reads, at least 1."""
    refuse: bool = False
    """True to refuse new connections."""
    is_plain: bool = field(init=False, repr=False, compare=False)
    """True if a chunk needs `latency` seconds and nothing else happens to it."""

    def __post_init__(self) -> None:
        for name in ("latency", "jitter"):
            _expect(name, getattr(self, name), _DELAY)
        for name in ("loss", "cut", "chop"):
            _expect(name, getattr(self, name), _SHARE)
        for name in ("bandwidth", "slow"):
            _expect(name, getattr(self, name), _RATE)
        is_plain = self.bandwidth == inf and not (self.jitter or self.loss or self.cut or self.chop)
        object.__setattr__(self, "is_plain", is_plain)


def _expect(name: str, value: float, allowed: Range) -> None:
    if value not in allowed:
        raise ValueError(f"expected {name} {allowed}, got {value!r}")


class ConditionChanges(TypedDict, total=False):
    """Some of the conditions, see `Conditions`."""

    latency: float
    jitter: float
    bandwidth: float
    loss: float
    cut: float
    chop: float
    slow: float
    refuse: bool
