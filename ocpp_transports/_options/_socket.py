"""The options of connections on our own sockets: their WebSocket, and the worker thread that a browser has not."""

from dataclasses import dataclass
from functools import cached_property

from ocpp_core.config import Compression, LinkConfig

from ._connection import PeerOptions, off_at_zero

__all__ = ["SocketOptions"]


@dataclass(frozen=True, kw_only=True)
class SocketOptions(PeerOptions):
    """What `OCPPClient` and `OCPPServer` have in common."""

    ping_interval: float = 30.0
    """Between WebSocket pings, each times U(0.75, 1.25); 0 sends none."""
    pong_timeout: float | None = None
    """After a ping, anything at all must arrive; None means ping_interval + 5, 0 never."""
    defer_pings_on_activity: bool = False
    """Postpone a ping while something arrived within the interval."""
    warm_up: bool = True
    """In strict mode, compile all checks in a worker thread before the first connection."""
    max_message_size: float = 1 << 20
    """Of one message; beyond, the connection is closed with 1009."""
    message_timeout: float = 60.0
    """From the first bytes of a message to the last, and a second for every `min_message_rate` bytes, but never more
    than this after the latest bytes; then 1008."""
    min_message_rate: float = 100.0
    """Bytes a second that are waited for."""
    max_unfinished_size: float = 64 << 20
    """Of all unfinished messages of a server, decompressed; beyond, connections with large ones get 1009."""
    compression: bool | Compression = False
    """permessage-deflate (RFC 7692); True for its defaults."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.link

    @cached_property
    def link(self) -> LinkConfig:
        """The engine's config of a WebSocket."""
        interval = off_at_zero(self.ping_interval, "ping_interval")
        pong = interval + 5.0 if self.pong_timeout is None else off_at_zero(self.pong_timeout, "pong_timeout")
        compression = Compression() if self.compression is True else self.compression or None
        if compression is not None and not isinstance(compression, Compression):
            raise TypeError(f"expected compression as bool or Compression, got {type(compression).__name__}")
        return LinkConfig(
            max_message_size=self.max_message_size,
            message_timeout=off_at_zero(self.message_timeout, "message_timeout"),
            min_message_rate=self.min_message_rate,
            max_unfinished_size=self.max_unfinished_size,
            handshake_timeout=self.handshake_limit,
            close_timeout=self.close_timeout,
            ping_interval=interval,
            pong_timeout=pong,
            defer_pings_on_activity=self.defer_pings_on_activity,
            compression=compression,
        )
