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
from ocpp_core.admission.passwords import Verify
from ocpp_core.admission.pins import Pins
from ocpp_core.proxies.trusted import ForwardedHeader

__all__ = [
    "AcceptHandshake",
    "AuthHandler",
    "BrokenEscapes",
    "Certificate",
    "ConnectionFacts",
    "Credentials",
    "ForwardedHeader",
    "Handshake",
    "Identify",
    "Pins",
    "RejectHandshake",
    "UnmatchedProtocol",
    "Verify",
]
