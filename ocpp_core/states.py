"""The states of a session, as `StateChanged` reports them.

Times are in the host's seconds.
"""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Closed", "Closing", "Draining", "Open", "SessionState"]


@dataclass(frozen=True, slots=True)
class Open:
    """Calls and requests are exchanged."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The session starts no calls and waits for outstanding responses, until `until` at the latest."""

    until: float
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The transport is closing; it ends at `until` at the latest."""

    until: float
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended with this close code and reason (RFC 6455 §7.4)."""

    code: int
    reason: str


SessionState: TypeAlias = Open | Draining | Closing | Closed
