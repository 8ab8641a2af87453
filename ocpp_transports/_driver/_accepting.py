"""How a server's listeners hand on the connections that they accept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ocpp_transports.events import ConnectionFailedEvent
from ocpp_transports.handshake import ConnectionFacts

from ._interfaces import Connection, InputSink, StreamInput
from ._limits import MAX_TLS_HANDSHAKES, TLS_TIMEOUT

__all__ = ["AcceptRules", "Admit", "Connected"]

Connected: TypeAlias = Callable[[Connection[bytes], ConnectionFacts], InputSink[StreamInput]]
"""Called for every accepted stream, its TLS handshake done; makes the driver that the connection is to feed."""

Admit: TypeAlias = Callable[[str | None], Callable[[], None] | None]
"""Asked for every accepted socket, with its numeric address, before anything is done with it.

Returns what to call once the socket is closed, or None to have it closed at once.
"""


def _admit_all(_: str | None) -> Callable[[], None]:
    """Admit every socket, and count none."""
    return lambda: None


def _ignore_failure(kind: str, event: ConnectionFailedEvent) -> None:
    """Do nothing: no server listens."""


@dataclass(slots=True)
class AcceptRules:
    """How a server's listeners treat a connection before it is handed on; changes count from then on."""

    tls_timeout: float = TLS_TIMEOUT
    """Seconds for a TLS handshake."""
    max_tls_handshakes: int = MAX_TLS_HANDSHAKES
    """In progress on one listener."""
    admit: Admit = _admit_all
    """Which sockets may stay."""
    failed: Callable[[str, ConnectionFailedEvent], None] = _ignore_failure
    """Called for every connection that came to nothing: what failed, and the event for it."""
