"""The payloads of the events of clients and servers: one small type for each event.

Payloads hold messages unchanged; their representations do not show secrets. The names of the events
are in `ocpp_transports.event_names`.
"""

from ._connection import (
    BadMessageEvent,
    CloseEvent,
    ConnectingEvent,
    DisconnectEvent,
    ErrorEvent,
    HandlerErrorEvent,
    MessageEvent,
    OpenEvent,
    OverflowEvent,
    PeerEvent,
    PingEvent,
    PongEvent,
    PongTimeoutEvent,
    QuirkEvent,
    RateExceededEvent,
    ReconnectEvent,
    RegistrationEvent,
    ViolationEvent,
)
from ._server import (
    CertificateExpiringEvent,
    ConnectionEvent,
    ConnectionFailedEvent,
    SecurityEvent,
    SecurityEventKind,
    StationEvent,
    UpgradeAbortedEvent,
)

__all__ = [
    "BadMessageEvent",
    "CertificateExpiringEvent",
    "CloseEvent",
    "ConnectingEvent",
    "ConnectionEvent",
    "ConnectionFailedEvent",
    "DisconnectEvent",
    "ErrorEvent",
    "HandlerErrorEvent",
    "MessageEvent",
    "OpenEvent",
    "OverflowEvent",
    "PeerEvent",
    "PingEvent",
    "PongEvent",
    "PongTimeoutEvent",
    "QuirkEvent",
    "RateExceededEvent",
    "ReconnectEvent",
    "RegistrationEvent",
    "SecurityEvent",
    "SecurityEventKind",
    "StationEvent",
    "UpgradeAbortedEvent",
    "ViolationEvent",
]
