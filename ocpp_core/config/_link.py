"""The settings of one WebSocket."""

from ocpp_core._dataclasses import dataclass

from ._declared import expect_declared, number

__all__ = ["Compression", "LinkConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """The settings of permessage-deflate (RFC 7692).

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool. Without context takeover (the
    default) an idle connection keeps no compressor.
    """

    level: int = number(6, least=0, most=9, unit="")
    """zlib level, 0 to 9."""
    threshold: int = number(1024, least=0, unit="bytes")
    """Messages shorter than this many bytes are sent uncompressed."""
    window_bits: int = number(12, least=9, most=15, unit="")
    """LZ77 window of this side's compressor, 9 to 15 (RFC 7692 §7.1.2). The memory for each message grows with it."""
    context_takeover: bool = False
    """True to keep the compression window from message to message, in both directions (RFC 7692 §7.1.1)."""

    def __post_init__(self) -> None:
        expect_declared(self)


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class LinkConfig:
    """The settings of one WebSocket.

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool and a `compression` that is not
    a `Compression`.
    """

    max_message_size: float = number(1 << 20, above=0, unit="bytes")
    """Bytes of one message, after decompression; beyond, the connection is closed with 1009. The compressed message may
    be larger by a quarter and 64 KiB, because compression enlarges incompressible data."""
    max_fragments: float = number(1024, least=1, unit="fragments")
    """Fragments of one message; beyond, the connection is closed with 1009."""
    message_timeout: float = number(60.0, least=1)
    """Seconds a message may take from its first bytes to its last ones, plus one second for every `min_message_rate`
    bytes of it, pings not counted, and the most seconds between two of its bytes; beyond, the connection is closed with
    1008. Time while reading is stopped does not count. `inf`: no limit."""
    min_message_rate: float = number(100.0, above=0, unit="bytes a second")
    """Bytes a second at which a long message must arrive on average; beyond `message_timeout`, 1008. The default is a
    tenth of the rate of a GPRS modem."""
    max_unfinished_size: float = number(64 << 20, above=0, unit="bytes")
    """Bytes of all unfinished messages, decompressed, of the links that share a `link.Unfinished`; beyond, a connection
    that holds more than 64 KiB of them is closed with 1009. Never less than one message of `max_message_size`."""
    max_header_size: int = number(16384, least=256, unit="bytes")
    """Bytes of the HTTP header block; beyond, 431 (server) or a failed attempt (client)."""
    max_early_data: int = number(65536, least=0, unit="bytes")
    """Bytes that may follow the upgrade request before its response; beyond, 400."""
    handshake_timeout: float = number(30.0, above=0)
    """Seconds from the open stream to the end of the handshake, authentication included; then 408."""
    close_timeout: float = number(5.0, above=0)
    """Seconds the close handshake may take; then the stream is dropped (1006)."""
    ping_interval: float = number(30.0, above=0)
    """Seconds between pings, each multiplied by U(0.75, 1.25); `inf` sends none (OCPP WebSocketPingInterval 0)."""
    pong_timeout: float = number(35.0, above=0)
    """Seconds after a ping in which any bytes must arrive; then the connection is dropped. `inf`: no limit. They start
    again when the host reports that output moves, because the ping may wait behind a long message on a slow line."""
    defer_pings_on_activity: bool = False
    """True to postpone a ping while bytes arrived within the interval."""
    compression: Compression | None = None
    """The permessage-deflate settings to offer or accept; None disables compression."""
    require_connection_header: bool = True
    """True to refuse (400) an upgrade request without a Connection field (RFC 6455 §4.2.1); servers only."""

    def __post_init__(self) -> None:
        expect_declared(self)
        compression: object = self.compression
        if compression is not None and not isinstance(compression, Compression):
            raise TypeError(f"expected compression as Compression or None, got {compression!r}")
