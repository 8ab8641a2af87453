"""The application's view of a handshake: the request, the decision functions, and their choices."""

from ocpp_core.admission.handshake import (
    AcceptHandshake,
    AuthHandler,
    BrokenEscapes,
    Certificate,
    ConnectionFacts,
    Credentials,
    Handshake,
    Identify,
    RejectHandshake,
    UnmatchedProtocol,
)
from ocpp_core.admission.middleware import ConnectionContext, ConnectionMiddleware, HandshakeRejectedError
from ocpp_core.admission.passwords import Verify
from ocpp_core.admission.pins import Pins

__all__ = [
    "AcceptHandshake",
    "AuthHandler",
    "BrokenEscapes",
    "Certificate",
    "ConnectionContext",
    "ConnectionFacts",
    "ConnectionMiddleware",
    "Credentials",
    "Handshake",
    "HandshakeRejectedError",
    "Identify",
    "Pins",
    "RejectHandshake",
    "UnmatchedProtocol",
    "Verify",
]
