"""The options of connections on the library's own sockets: their WebSocket, and warming up in a worker thread."""

from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import Compression, LinkConfig

from ._connection import PeerOptions, off_at_zero, seconds_or_off
from ._shared._configs import shared

if TYPE_CHECKING:
    from ocpp_transports.recording import Recordings, RecordTo

__all__ = ["SocketOptions"]

_LINK: Final = LinkConfig()


def _read_recordings(record: "RecordTo") -> "Recordings":
    from ocpp_transports.recording import Recordings  # loaded only when used

    return record if isinstance(record, Recordings) else Recordings(record)


@dataclass(frozen=True, kw_only=True)
class SocketOptions(PeerOptions):
    """The options that `OCPPClient` and `OCPPServer` have in common."""

    ping_interval: float = seconds_or_off(_LINK.ping_interval)
    """Seconds between WebSocket pings, each times U(0.75, 1.25); 0 sends none."""
    pong_timeout: float | None = seconds_or_off(None)
    """Seconds after a ping within which any data must arrive; None means ping_interval + 5, 0 no limit."""
    defer_pings_on_activity: bool = _LINK.defer_pings_on_activity
    warm_up: bool = True
    """In strict mode, compile all checks in a worker thread before the first connection."""
    max_message_size: float = _LINK.max_message_size
    message_timeout: float = seconds_or_off(_LINK.message_timeout)
    """Seconds from the first bytes of a message to the last, and one more for every `min_message_rate` bytes, but never
    more than this after the latest bytes; then 1008. At least 1, unless it is off."""
    min_message_rate: float = _LINK.min_message_rate
    max_unfinished_size: float = _LINK.max_unfinished_size
    """Bytes of all unfinished messages of a server, decompressed; if exceeded, connections with large ones get 1009."""
    compression: bool | Compression = False
    """permessage-deflate (RFC 7692); True for its defaults."""

    record: "RecordTo | None" = None
    """Record every connection, for `ocpp_core.recording.replay`: a directory, a function of the name and the lines of a
    recording, or `Recordings` with other limits. Without these, 1 MiB of a connection and 64 MiB together are recorded,
    without identities, ID tokens and passwords. `reconfigure` changes it for clients and servers that open later."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.link
        if self.record is not None:
            object.__setattr__(self, "record", _read_recordings(self.record))

    @property
    def recordings(self) -> "Recordings | None":
        """Where recordings go; None without them."""
        return cast("Recordings | None", self.record)

    @cached_property
    def link(self) -> LinkConfig:
        """The engine's config of a WebSocket connection; shared like `session`."""
        interval = off_at_zero(self.ping_interval)
        compression: object = self.compression
        if isinstance(compression, bool):
            compression = Compression() if compression else None
        elif not isinstance(compression, Compression):
            raise TypeError(f"expected compression as bool or Compression, got {type(compression).__name__}")
        converted = {
            "message_timeout": off_at_zero(self.message_timeout),
            "handshake_timeout": self.handshake_limit,
            "ping_interval": interval,
            "pong_timeout": interval + 5.0 if self.pong_timeout is None else off_at_zero(self.pong_timeout),
            "compression": compression,
        }
        return shared(LinkConfig, self.settings(LinkConfig) | converted)
