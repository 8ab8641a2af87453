"""The outcomes of queued messages, as a closed union of small classes.

An outcome is stored in the batch that removes its message, and reported afterwards. It therefore never changes.
"""

from dataclasses import field
from enum import StrEnum
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core._json import loads
from ocpp_core.messages import utf8_length

__all__ = [
    "MessageAnswered",
    "MessageDropped",
    "MessageNotSent",
    "MessageOutcome",
    "MessageRefused",
    "MessageUnknown",
    "NotSentReason",
    "UnknownReason",
]


class NotSentReason(StrEnum):
    """The reason why a message was never transmitted."""

    EXPIRED = "expired"
    """Its time to live or its deadline passed."""
    CANCELLED = "cancelled"
    """The application cancelled it."""
    CLOSED = "closed"
    """The client closed, and the queue is in memory only."""
    INVALID = "invalid"
    """The message is for another version than the one of the connection, or its payload breaks the schema."""
    REPLACED = "replaced"
    """A later message with the same name replaced it."""


class UnknownReason(StrEnum):
    """The reason why it is unknown if the peer received a message."""

    TIMEOUT = "timeout"
    """No transmission got a response within its timeout."""
    LOST = "lost"
    """The connection ended before the response."""
    RESTART = "restart"
    """The process ended before the response."""
    CANCELLED = "cancelled"
    """The application cancelled it after a transmission."""
    EXPIRED = "expired"
    """Its deadline passed after a transmission."""
    CLOSED = "closed"
    """The client closed after a transmission, and the queue is in memory only."""
    INVALID = "invalid"
    """The message may have been transmitted before, and must not be transmitted on this connection."""
    FORGOTTEN = "forgotten"
    """The store of a cluster lost the message, or its outcome."""


@dataclass(frozen=True, slots=True)
class MessageAnswered:
    """The peer responded with a CALLRESULT."""

    text: str = field(repr=False)
    """The payload as JSON text; empty if it was too large to keep."""

    @property
    def payload(self) -> Any:
        """The payload of the CALLRESULT; None if it was too large to keep."""
        return loads(self.text) if self.text else None

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return utf8_length(self.text)


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """The peer responded with a CALLERROR to the last transmission."""

    code: str
    """The error code on the wire."""
    description: str
    """The errorDescription, at most 255 characters."""
    details: str = field(default="{}", repr=False)
    """The errorDetails as JSON text; `{}` if they were too large to keep."""

    @property
    def size(self) -> int:
        """Bytes of the texts."""
        return utf8_length(self.code) + utf8_length(self.description) + utf8_length(self.details)


@dataclass(frozen=True, slots=True)
class MessageNotSent:
    """The message was never transmitted: the peer has not seen it."""

    reason: NotSentReason
    """Why it was not sent."""
    size: int = field(default=0, init=False, repr=False)
    """Bytes that the peer can make grow: 0."""


@dataclass(frozen=True, slots=True)
class MessageDropped:
    """The message was removed from a full queue before it was transmitted."""

    size: int = field(default=0, init=False, repr=False)
    """Bytes that the peer can make grow: 0."""


@dataclass(frozen=True, slots=True)
class MessageUnknown:
    """The message may have been transmitted, and no response arrived: the peer may have acted on it."""

    reason: UnknownReason
    """Why the response is missing."""
    size: int = field(default=0, init=False, repr=False)
    """Bytes that the peer can make grow: 0."""


MessageOutcome: TypeAlias = MessageAnswered | MessageRefused | MessageNotSent | MessageDropped | MessageUnknown
"""What became of a message that was accepted."""
