"""The states of a client, as `StateChanged` reports them.

Times are in the host's seconds.
"""

from typing import TypeAlias

from ._dataclasses import dataclass

__all__ = ["ClientClosing", "ClientState", "Connecting", "Idle", "Online", "Stopped", "Waiting"]


@dataclass(frozen=True, slots=True)
class Idle:
    """`Connect` was not called yet, or the first attempt failed."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """An attempt to connect is in progress."""

    attempt: int
    """The number of the attempt, which its events repeat."""
    until: float
    """When the attempt ends at the latest, in the host's seconds."""
    tries: int
    """Attempts of this outage, this one included; 0 for the first attempt after `Connect`."""


@dataclass(frozen=True, slots=True)
class Online:
    """The connection is open."""

    attempt: int
    """The number of the attempt that opened the connection."""
    subprotocol: str
    """The negotiated subprotocol."""
    since: float
    """When the connection opened, in the host's seconds."""
    tries: int
    """Attempts of the preceding outage."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt to connect starts later."""

    until: float
    """When the next attempt starts, in the host's seconds."""
    tries: int
    """Attempts of this outage, the next one included."""
    delay: float
    """Seconds of the wait."""
    lost: tuple[int, str] | None
    """Close code and reason of the connection that was lost; None after a failed attempt."""


@dataclass(frozen=True, slots=True)
class ClientClosing:
    """The session closes, limited by its own deadlines."""

    attempt: int
    """The number of the attempt that opened the connection."""
    code: int
    """The close code that was sent."""
    reason: str
    """The close reason that was sent."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The client is closed until `Connect`."""

    code: int
    """The close code (RFC 6455 §7.4)."""
    reason: str
    """The close reason."""
    lost: bool = False
    """True if the client stopped because an open connection was lost."""


ClientState: TypeAlias = Idle | Connecting | Online | Waiting | ClientClosing | Stopped
"""The states of a `ClientEngine`."""
