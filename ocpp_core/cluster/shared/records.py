"""What the nodes of a cluster write into their common memory, and what they read from it."""

from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass

__all__ = [
    "MOST_ANSWERS",
    "AnswerChange",
    "SessionChange",
    "SharedAnswer",
    "SharedChange",
    "SharedSession",
    "StationMemory",
]

MOST_ANSWERS: Final = 8
"""Responses that are shared of one station: the newest. A conforming station can miss the last one only."""


@dataclass(frozen=True, slots=True)
class SharedSession:
    """The session of a station as it was written last."""

    fence: int
    """The fence of the claim under which it was written: a session with a larger one is newer."""
    text: str
    """A JSON object; empty for a session that was cleared."""


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """A CALLRESULT, and the CALL that it answers."""

    message_id: str
    """The message ID of both."""
    digest: str
    """The digest of the text of the CALL, see `digest_of`."""
    text: str
    """The text of the CALLRESULT."""


@dataclass(frozen=True, slots=True)
class StationMemory:
    """What is known of a station that connects."""

    session: SharedSession | None = None
    """Its session; None if there is none for its principal."""
    answers: tuple[tuple[SharedAnswer, float], ...] = ()
    """The responses that it got, the oldest first, and the seconds for which each still answers copies of its CALL."""


@dataclass(frozen=True, slots=True)
class SessionChange:
    """The session of a station at this moment. It is not written if a newer claim of the station is known."""

    name: str
    """The name of the station in the registry."""
    key: str
    """The key of its session, see `session_key`."""
    fence: int
    """The fence of the node's claim of the station."""
    text: str
    """A JSON object; empty for a session that was cleared, which is written too: older sessions do not return."""
    ttl: float
    """Seconds until it expires."""


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """New responses to a station, the oldest first."""

    name: str
    """The name of the station in the registry."""
    answers: tuple[SharedAnswer, ...]
    """At most `MOST_ANSWERS`."""
    window: float
    """Seconds for which they answer copies of their CALLs."""
    replaces: bool = False
    """True if the earlier ones count no more: the station has reused a message ID."""


SharedChange: TypeAlias = SessionChange | AnswerChange
