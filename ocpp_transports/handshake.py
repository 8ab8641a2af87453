"""The application's view of a handshake: the request, the decision functions, and their choices."""

from typing import Literal, TypeAlias

from ocpp_core.admission.handshake import (
    AcceptHandshake,
    AuthHandler,
    BrokenEscapes,
    Certificate,
    ConnectionFacts,
    Credentials,
    Handshake,
    Identify,
    Namespace,
    RejectHandshake,
    UnmatchedProtocol,
)
from ocpp_core.admission.middleware import ConnectionContext, ConnectionMiddleware, HandshakeRejectedError
from ocpp_core.admission.passwords import Verify
from ocpp_core.admission.pins import Pins
from ocpp_core.admission.replacement import Replace
from ocpp_core.proxies.trusted import ForwardedHeader

__all__ = [
    "AcceptHandshake",
    "AuthHandler",
    "BeforeRegistration",
    "BrokenEscapes",
    "Certificate",
    "ConnectionContext",
    "ConnectionFacts",
    "ConnectionMiddleware",
    "Credentials",
    "ForwardedHeader",
    "Handshake",
    "HandshakeRejectedError",
    "Identify",
    "Namespace",
    "Pins",
    "RegistrationRule",
    "RejectHandshake",
    "Replace",
    "UnmatchedProtocol",
    "Verify",
]

RegistrationRule: TypeAlias = Literal["optional", "required"]
"""Whether a station must register before it is served."""
BeforeRegistration: TypeAlias = Literal["wait", "refuse"]
"""What happens to a call to a station that is not registered."""
