"""What an application sees of a handshake: who wants to connect, the functions it decides with, and its choices."""

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

__all__ = [
    "AcceptHandshake",
    "AuthHandler",
    "BrokenEscapes",
    "Certificate",
    "ConnectionFacts",
    "Credentials",
    "Handshake",
    "Identify",
    "RejectHandshake",
    "UnmatchedProtocol",
]
