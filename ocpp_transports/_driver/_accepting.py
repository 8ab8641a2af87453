"""The interface through which a server's listeners hand over accepted connections."""

from collections.abc import Callable
from socket import socket
from typing import Any, Final, Protocol, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_transports.events import ConnectionFailedEvent
from ocpp_transports.handshake import ConnectionFacts

from ._interfaces import Connection, InputSink, StreamInput
from ._limits import MAX_TLS_HANDSHAKES, TLS_TIMEOUT

__all__ = ["BAD_PROXY_HEADER", "AcceptRules", "Admit", "Connected", "ProxiedSocket"]

BAD_PROXY_HEADER: Final = "a connection without a valid PROXY header was closed"
"""What failed, for `AcceptRules.failed`."""

Connected: TypeAlias = Callable[[Connection[bytes], ConnectionFacts], InputSink[StreamInput]]
"""Called for every accepted stream after its TLS handshake; returns the driver that the connection feeds."""

Admit: TypeAlias = Callable[[str | None], Callable[[], None] | None]
"""Called for every accepted socket, with its numeric address, before anything is done with it.

Returns a function to call once the socket is closed, or None if the socket must be closed at once.
"""


class ProxiedSocket(Protocol):
    """An accepted socket that begins with a header of the PROXY protocol."""

    @property
    def address(self) -> str | None:
        """The address of the proxy, and that of the station once the header is read."""

    @property
    def is_check(self) -> bool:
        """True for a connection that the proxy makes for itself."""

    async def read(self, accepted: socket, /) -> bool:
        """Return True once the header is read; False, after a report, if the socket must be closed."""

    def connected(self, connection: Connection[bytes], facts: ConnectionFacts, /) -> InputSink[StreamInput]:
        """Hand the connection over, with what its header states."""

    def released(self) -> None:
        """Note that the socket is closed."""


def _admit_all(_: str | None) -> Callable[[], None]:
    """Admit every socket without counting it."""
    return lambda: None


def _ignore_failure(kind: str, event: ConnectionFailedEvent) -> None:
    """Do nothing: no server is listening to events."""


@dataclass(slots=True)
class AcceptRules:
    """How a server's listeners treat a connection before they hand it over; changes apply from then on."""

    tls_timeout: float = TLS_TIMEOUT
    """Seconds for a TLS handshake."""
    max_tls_handshakes: int = MAX_TLS_HANDSHAKES
    """TLS handshakes in progress on one listener."""
    admit: Admit = _admit_all
    """Decides which sockets may stay."""
    failed: Callable[[str, ConnectionFailedEvent], None] = _ignore_failure
    """Called for every connection that failed: what failed, and the event for it."""
    accept_channel: Callable[[Connection[str], ConnectionFacts], tuple[Any, Any, Any]] | None = None
    """Serves a connection of whole messages, see `Acceptor.accept_channel`; for runtimes that carry no bytes."""
    proxied: "Callable[[AcceptRules, str | None, Connected, Callable[[], None]], ProxiedSocket] | None" = None
    """Called for every admitted socket of a listener for proxies, with these rules, its address, and the functions to
    call once it is connected and closed. None for other listeners."""
