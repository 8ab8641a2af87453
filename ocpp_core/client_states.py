"""The states of a client, as `StateChanged` reports them.

Times are in the host's seconds.
"""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["ClientClosing", "ClientState", "Connecting", "Idle", "Online", "Stopped", "Waiting"]


@dataclass(frozen=True, slots=True)
class Idle:
    """`Connect` was not called yet, or the first attempt failed."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """Attempt `attempt` is in progress, until `until` at the latest.

    It is the `tries`-th attempt of this outage; 0 is the first attempt after `Connect`.
    """

    attempt: int
    until: float
    tries: int


@dataclass(frozen=True, slots=True)
class Online:
    """The connection is open since `since`, after `tries` attempts of the preceding outage."""

    attempt: int
    subprotocol: str
    since: float
    tries: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt, the `tries`-th of this outage, starts at `until`.

    `lost` is the close code and reason of the connection that was lost, None after a failed attempt.
    """

    until: float
    tries: int
    delay: float
    lost: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class ClientClosing:
    """The session closes, limited by its own deadlines.

    `attempt` is that of the connection.
    """

    attempt: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The client is closed until `Connect`.

    `lost` is True if it stopped because an open connection was lost.
    """

    code: int
    reason: str
    lost: bool = False


ClientState: TypeAlias = Idle | Connecting | Online | Waiting | ClientClosing | Stopped
