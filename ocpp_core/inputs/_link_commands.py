"""Commands of the application to a link: HTTP responses and messages."""

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, final

from ocpp_core._dataclasses import dataclass
from ocpp_core.websocket.close import NORMAL_CLOSURE

if TYPE_CHECKING:
    from ocpp_core.config import SessionConfig
    from ocpp_core.limits import Bucket
    from ocpp_core.versions import Version

__all__ = [
    "Accept",
    "CloseLink",
    "Reject",
    "Respond",
    "SendMessage",
]


@dataclass(slots=True)
class Accept:
    """Answer an upgrade request with 101 Switching Protocols."""

    subprotocol: str | None
    """The subprotocol to send, one that was offered; None sends none."""
    headers: Sequence[tuple[str, str]] = ()
    """Further header fields of the response."""
    config: "SessionConfig | None" = None
    """The session config of this connection; None: that of the engine."""
    version: "Version | None" = None
    """The rules of the session; None: those of `subprotocol`."""
    identity: str | None = None
    """The station's identity, under which an `AnswerMemory` stores results for its next connection; None stores
    nothing."""
    shared: "Bucket | None" = field(default=None, repr=False)
    """A token bucket of requests that this connection shares with others, for example with all of its address."""


@dataclass(slots=True)
class Reject:
    """Answer an upgrade request with a status of 400 to 599 and close."""

    status: int
    """The HTTP status code, 400 to 599."""
    headers: Sequence[tuple[str, str]] = ()
    """Further header fields of the response."""
    body: str = ""
    """The text of the body."""


@dataclass(slots=True)
class Respond:
    """Answer a plain HTTP request and close."""

    status: int
    """The HTTP status code, 200 to 599."""
    headers: Sequence[tuple[str, str]] = ()
    """Further header fields of the response."""
    body: bytes = b""
    """The body."""


@final
@dataclass(slots=True)
class SendMessage:
    """Send one WebSocket message."""

    data: str | bytes
    """The message: str is sent as text, bytes as binary."""


@dataclass(slots=True)
class CloseLink:
    """Start the close handshake."""

    code: int = NORMAL_CLOSURE
    """The close code (RFC 6455 §7.4)."""
    reason: str = ""
    """The close reason, at most 123 bytes of UTF-8."""
    force: bool = False
    """True to drop the stream immediately."""
