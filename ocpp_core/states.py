"""The states of a session, as `StateChanged` reports them.

Times are in the host's seconds.
"""

from typing import TypeAlias

from ._dataclasses import dataclass

__all__ = ["Closed", "Closing", "Draining", "Open", "SessionState"]


@dataclass(frozen=True, slots=True)
class Open:
    """Calls and requests are exchanged."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The session starts no calls and waits for outstanding responses of both sides."""

    until: float
    """When the wait ends at the latest, in the host's seconds."""
    code: int
    """The close code to send."""
    reason: str
    """The close reason to send."""
    besides: tuple[int, ...] = ()
    """The requests for which it does not wait, see `Close.besides`."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The transport is closing."""

    until: float
    """When the transport ends at the latest, in the host's seconds."""
    code: int
    """The close code that was sent."""
    reason: str
    """The close reason that was sent."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended."""

    code: int
    """The close code (RFC 6455 §7.4)."""
    reason: str
    """The close reason."""


SessionState: TypeAlias = Open | Draining | Closing | Closed
"""The states of a `Session`."""
