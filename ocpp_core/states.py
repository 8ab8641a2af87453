"""The states of a session, as `StateChanged` tells them; times are in the host's seconds."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Closed", "Closing", "Draining", "Open", "SessionState"]


@dataclass(frozen=True, slots=True)
class Open:
    """Calls and requests flow."""


@dataclass(frozen=True, slots=True)
class Draining:
    """Closing politely: no new calls, answers that somebody waits for are awaited until `until`."""

    until: float
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The transport was told to close; it ends by `until` at the latest."""

    until: float
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The end; close code and reason as in RFC 6455 §7.4."""

    code: int
    reason: str


SessionState: TypeAlias = Open | Draining | Closing | Closed
