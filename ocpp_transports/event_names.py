"""The names of the events of clients and servers, with the type of each event's payload."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from .events import (
    BadMessageEvent,
    CertificateExpiringEvent,
    CloseEvent,
    ConnectingEvent,
    ConnectionFailedEvent,
    DisconnectEvent,
    ErrorEvent,
    HandlerErrorEvent,
    MessageEvent,
    OpenEvent,
    PingEvent,
    PongEvent,
    PongTimeoutEvent,
    QuirkEvent,
    RateExceededEvent,
    ReconnectEvent,
    RegistrationEvent,
    SecurityEvent,
    StationEvent,
    UpgradeAbortedEvent,
    ViolationEvent,
)

__all__ = ["PEER_EVENTS", "SERVER_EVENTS", "STATION_EVENTS", "PeerEventName", "ServerEventName", "StationEventName"]

PeerEventName: TypeAlias = Literal[
    "open",
    "close",
    "error",
    "connecting",
    "reconnect",
    "disconnect",
    "message",
    "call",
    "call_result",
    "call_error",
    "bad_message",
    "violation",
    "quirk",
    "handler_error",
    "rate_exceeded",
    "registration",
    "pong_timeout",
    "ping",
    "pong",
]
"""The events of a client and of a server's handle on a station."""

StationEventName: TypeAlias = Literal[
    "open",
    "close",
    "message",
    "call",
    "call_result",
    "call_error",
    "bad_message",
    "violation",
    "quirk",
    "registration",
]
"""The events of a server that report on any of its connections; the payload is a `StationEvent`."""

ServerEventName: TypeAlias = Literal[
    "client",
    "error",
    "upgrade_aborted",
    "connection_failed",
    "security",
    "certificate_expiring",
    "closing",
    "closed",
    StationEventName,
]
"""The events of a server."""

PEER_EVENTS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "open": OpenEvent,
        "close": CloseEvent,
        "error": ErrorEvent,
        "connecting": ConnectingEvent,
        "reconnect": ReconnectEvent,
        "disconnect": DisconnectEvent,
        "message": MessageEvent,
        "call": MessageEvent,
        "call_result": MessageEvent,
        "call_error": MessageEvent,
        "bad_message": BadMessageEvent,
        "violation": ViolationEvent,
        "quirk": QuirkEvent,
        "handler_error": HandlerErrorEvent,
        "rate_exceeded": RateExceededEvent,
        "registration": RegistrationEvent,
        "pong_timeout": PongTimeoutEvent,
        "ping": PingEvent,
        "pong": PongEvent,
    }
)
"""The payload type of each event of a client and of a server's handle on a station."""

STATION_EVENTS: Final[tuple[StationEventName, ...]] = get_args(StationEventName)
"""The events that a server forwards from all its connections, each as a `StationEvent`."""

SERVER_EVENTS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "client": object,
        "error": ErrorEvent,
        "upgrade_aborted": UpgradeAbortedEvent,
        "connection_failed": ConnectionFailedEvent,
        "security": SecurityEvent,
        "certificate_expiring": CertificateExpiringEvent,
        "closing": CloseEvent,
        "closed": CloseEvent,
        **dict.fromkeys(STATION_EVENTS, StationEvent),
    }
)
"""The payload type of each event of a server; that of `client` is the `OCPPServerClient`."""
