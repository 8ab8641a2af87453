"""The states of a client, as `StateChanged` reports them; times are in the host's seconds."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["ClientClosing", "ClientState", "Connecting", "Idle", "Online", "Stopped", "Waiting"]


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing was asked for yet, or the first attempt failed."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """Attempt `attempt` is under way until `until`; it is the `tries`-th of this outage, 0 the very first one."""

    attempt: int
    until: float
    tries: int


@dataclass(frozen=True, slots=True)
class Online:
    """Connected since `since`; `tries` attempts of this outage came before."""

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
    """The session closes, bounded by its own deadlines; `attempt` is the connection's."""

    attempt: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Closed and not coming back until `Connect`; `lost` tells that an open connection ended by this."""

    code: int
    reason: str
    lost: bool = False


ClientState: TypeAlias = Idle | Connecting | Online | Waiting | ClientClosing | Stopped
