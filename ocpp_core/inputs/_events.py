"""Events: what happened to a connection."""

from collections.abc import Sequence
from dataclasses import field
from typing import final

from ocpp_core._dataclasses import dataclass
from ocpp_core.websocket.close import ABNORMAL_CLOSURE

__all__ = [
    "BinaryReceived",
    "Congested",
    "StreamFailed",
    "StreamLost",
    "StreamOpened",
    "TextReceived",
    "Tick",
    "TransportFailed",
    "TransportLost",
    "TransportOpened",
    "UpgradeReceived",
]


@dataclass(slots=True)
class Tick:
    """A deadline may have passed; an early tick is harmless."""


@dataclass(slots=True)
class Congested:
    """The host's output does not drain, or drains again.

    While it does not drain, decoding stops; timers and close still work. `on` False also reports progress of output
    that the host no longer holds: the wait for a pong starts again.
    """

    on: bool
    """True if the output does not drain, False if it drains again."""


@final
@dataclass(slots=True)
class TextReceived:
    """One whole text message arrived."""

    text: str
    """The message as received."""
    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class BinaryReceived:
    """One whole binary message arrived.

    OCPP-J uses text only, so it is a bad message unless `Leniency` allows it.
    """

    data: bytes
    """The message as received."""
    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class TransportOpened:
    """The WebSocket is open."""

    subprotocol: str | None
    """The negotiated subprotocol; None if the peer chose none."""
    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class TransportFailed:
    """The attempt to connect failed."""

    error: Exception
    """The reason, with which `Connect` settles if this was the first attempt."""
    retry: bool = True
    """False for an error that another attempt is unlikely to solve, such as a wrong accept key or a subprotocol that
    was not offered: the client stops if it was the first attempt, and retries while it reconnects."""
    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""
    retry_after: float = 0.0
    """Least wait in seconds that the server asked for; 0 if it asked for none."""


@dataclass(slots=True)
class TransportLost:
    """The open WebSocket ended."""

    code: int = ABNORMAL_CLOSURE
    """The close code (RFC 6455 §7.4); 1006 without a close frame."""
    reason: str = ""
    """The close reason, empty without one."""
    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class StreamOpened:
    """The byte stream (TCP or TLS) of an attempt is open."""

    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class StreamFailed:
    """The byte stream of an attempt could not be opened."""

    error: Exception
    """The reason, such as an OSError."""
    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class StreamLost:
    """The byte stream broke, and the connection ends immediately.

    Bytes that are not decoded are dropped. After an orderly end, `BytesReceived(b"")`, all received bytes are decoded
    first.
    """

    attempt: int = 0
    """The connection attempt that this belongs to; 0 on a server."""


@dataclass(slots=True)
class UpgradeReceived:
    """An upgrade request arrived at a WebSocket of the host.

    Settles `token` with the decision on it. The decision is `Accept` or `Reject`. It is `Reject` as well if the
    application does not decide in time, or if `subprotocols` are not distinct tokens as RFC 6455 §4.1 requires. All
    fields are as received.
    """

    token: int
    """The number with which `Settle` reports the decision."""
    target: str = field(repr=False)
    """The request target: path and query, percent-encoded."""
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    """The header fields as received, in order."""
    subprotocols: Sequence[str] = ()
    """The offered subprotocols, in the client's order."""
