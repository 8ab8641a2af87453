"""The settings of streams between nodes."""

from dataclasses import field

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number
from ocpp_transports._options._tls import TLSOptions

__all__ = ["DirectSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectSettings:
    """The settings of a `DirectCarrier`. Raises ValueError or TypeError for a value that is not allowed."""

    tls: TLSOptions | None = field(default=None, repr=False)
    """Certificate, key and authority of this node for `tls://`: both sides check the certificate of the other."""
    max_frame: int = number(4 * 1024 * 1024, least=1024, unit="bytes")
    """Size of a frame; the stream of a node that sends a larger one is closed."""
    max_streams: int = number(1024, least=1, unit="streams")
    """Streams of greeted nodes that others have opened; further ones are closed."""
    max_greetings: int = number(256, least=1, unit="streams")
    """Streams that others have opened, and that have not exchanged the first frames; beyond, the oldest is closed."""
    max_unsent: int = number(64 * 1024 * 1024, least=1, unit="bytes")
    """Size of all frames that wait to be written; further ones are not sent."""
    max_unsent_frames: int = number(10_000, least=1, unit="frames")
    """Frames of one stream that wait to be written; further ones are not sent."""
    hello_timeout: float = number(5.0, above=0)
    """Seconds to connect; and again to exchange the first frames, on the accepting side with the TLS handshake."""
    keepalive: float = number(3.0, above=0)
    """Seconds between two empty frames, which show that this node is alive."""
    silence: float = number(9.0, above=0)
    """Seconds without a whole frame after which the other node counts as lost; at least twice `keepalive`."""
    send_timeout: float = number(10.0, above=0)
    """Seconds that a frame may take to be written, with those before it; then the stream is closed, at twice the time
    at the latest."""

    def __post_init__(self) -> None:
        expect_declared(self)
        if self.silence < 2 * self.keepalive:
            raise ValueError(f"expected silence >= 2 * keepalive, got {self.silence!r} and {self.keepalive!r}")
