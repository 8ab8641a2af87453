"""Actions for the connection: what to send, when to read, how to open and close it."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.websocket.close import NORMAL_CLOSURE

__all__ = [
    "TURN",
    "CloseStream",
    "CloseTransport",
    "HttpRequest",
    "OpenTransport",
    "Reading",
    "SendText",
    "UpgradeRequested",
    "Yield",
]


@dataclass(slots=True)
class SendText:
    """Send this text as one WebSocket text message."""

    text: str
    """The message."""


@dataclass(slots=True)
class Reading:
    """Stop or resume reading from the transport.

    Reading stops while received messages wait for the application's handlers.
    """

    on: bool
    """True to resume reading, False to stop."""


TURN: Final = 8
"""Units of work until other connections get their turn: each frame is one, and each 2 KiB of a message.

Reading any frame (a text, a ping, an empty fragment, a refused frame) costs about the same.
"""


@dataclass(slots=True)
class Yield:
    """Stop reading, let other connections have their turn, then continue to poll.

    Emitted when the work done since `poll` last returned None reaches `TURN`. A host with nothing else to do may
    continue to poll immediately.
    """


@dataclass(slots=True)
class CloseStream:
    """Close the byte stream once all earlier bytes are written."""

    abort: bool = False
    """True to close it without waiting."""


@dataclass(slots=True)
class CloseTransport:
    """Close the WebSocket once all earlier texts are sent.

    The host must report the end with `TransportLost`, whenever and however it ends.
    """

    code: int = NORMAL_CLOSURE
    """The close code (RFC 6455 §7.4)."""
    reason: str = ""
    """The close reason, at most 123 bytes of UTF-8."""
    abort: bool = False
    """True to end it without a close handshake."""


@dataclass(slots=True)
class OpenTransport:
    """Open a connection.

    The host of a stack reports `StreamOpened` or `StreamFailed`, a message-only host reports `TransportOpened` or
    `TransportFailed`, each with this `attempt`.
    """

    attempt: int
    """The number of this attempt, which the events of this connection repeat."""
    subprotocols: Sequence[str]
    """The subprotocols to offer, in order of preference."""


@dataclass(slots=True)
class UpgradeRequested:
    """Authenticate a well-formed WebSocket upgrade request, then answer with `Accept` or `Reject`."""

    target: str = field(repr=False)
    """The request target as received: path and query, percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """The header fields by their names in lower case, as latin-1 text; the values of a repeated field are joined with
    ", " (RFC 9110 §5.3)."""
    subprotocols: Sequence[str]
    """The offered subprotocols, in the client's order."""


@dataclass(slots=True)
class HttpRequest:
    """Answer a plain HTTP GET, HEAD or OPTIONS without an upgrade with `Respond`."""

    method: str
    """`GET`, `HEAD` or `OPTIONS`."""
    target: str = field(repr=False)
    """The request target as received."""
    headers: Mapping[str, str] = field(repr=False)
    """The header fields in the format of `UpgradeRequested`."""
