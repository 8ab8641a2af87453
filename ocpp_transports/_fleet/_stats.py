"""How many of everything a server has at one time."""

from collections import Counter
from collections.abc import Collection, Mapping
from types import MappingProxyType

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import SecurityProfile
from ocpp_transports._server._stations._connection import OCPPServerClient

__all__ = ["ServerStats", "gauges_of", "stats_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStats:
    """What a server had when `OCPPServer.stats` was called; it does not change afterwards."""

    stations: int
    """Connected stations."""
    by_protocol: Mapping[str, int]
    """Connected stations by subprotocol."""
    by_security_profile: Mapping[SecurityProfile, int]
    """Connected stations by the security profile that they met."""
    connections: int
    """Connections that have not ended, including replaced ones that are closing."""
    handshakes: int
    """Handshakes that wait for a function of the application, such as `credentials` or `auth`."""
    sockets: int
    """Open sockets of the listeners, also in TLS handshakes; 0 for connections of another WebSocket library."""
    listeners: int
    """Ports on which the server listens."""
    kept_sessions: int
    """Sessions kept of stations that are not connected, see the option `session_ttl`."""
    outstanding_calls: int
    """CALLs to stations that were sent and have no response yet."""
    queued_calls: int
    """CALLs to stations that wait for their turn."""
    queued_messages: int
    """Messages of `enqueue` for stations that are connected or away, until each has its outcome."""
    open_requests: int
    """CALLs of stations whose handlers have not responded yet, without held ones."""
    held_requests: int
    """CALLs of stations that are held, because too many are open or arrive too fast."""


def stats_of(
    stations: Collection[OCPPServerClient],
    *,
    connections: int,
    handshakes: int,
    sockets: int,
    listeners: int,
    kept_sessions: int,
    queued_messages: int,
) -> ServerStats:
    """Count what the stations have, and add what only their server knows."""
    sessions = [session for station in stations if (session := station._session) is not None]
    return ServerStats(
        stations=len(stations),
        by_protocol=MappingProxyType(Counter(station.protocol or "" for station in stations)),
        by_security_profile=MappingProxyType(Counter(station.security_profile for station in stations)),
        connections=connections,
        handshakes=handshakes,
        sockets=sockets,
        listeners=listeners,
        kept_sessions=kept_sessions,
        outstanding_calls=sum(session.calls.pending for session in sessions),
        queued_calls=sum(session.calls.waiting for session in sessions),
        queued_messages=queued_messages,
        open_requests=sum(len(session.requests) for session in sessions),
        held_requests=sum(session.requests.held for session in sessions),
    )


def gauges_of(stations: Collection[OCPPServerClient], stats: ServerStats) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the numbers of a server as gauges of `Metrics`."""
    kinds = Counter((station.protocol or "", str(station.security_profile.value)) for station in stations)
    gauges: dict[tuple[str, tuple[str, ...]], float] = {
        ("ocpp_stations", labels): float(count) for labels, count in kinds.items()
    }
    for name, value in (
        ("ocpp_connections", stats.connections),
        ("ocpp_handshakes", stats.handshakes),
        ("ocpp_sockets", stats.sockets),
        ("ocpp_outstanding_calls", stats.outstanding_calls),
        ("ocpp_queued_calls", stats.queued_calls),
        ("ocpp_queued_messages", stats.queued_messages),
        ("ocpp_open_requests", stats.open_requests),
        ("ocpp_held_requests", stats.held_requests),
    ):
        gauges[name, ()] = float(value)
    return gauges
