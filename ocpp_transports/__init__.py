"""OCPP clients and servers on asyncio and trio, and a client in the browser.

Names are loaded when they are first used (PEP 562), so that a program in a browser never loads sockets and TLS.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocpp_core._version import __version__
    from ocpp_core.actions import Direction
    from ocpp_core.backoff import Backoff, ExponentialBackoff, OCPPBackoff
    from ocpp_core.config import Compression, ValidationRule, Validator, Violation
    from ocpp_core.errors import (
        CallCancelledError,
        CallDroppedError,
        ClosedError,
        ConnectionFailedError,
        ConnectionLostError,
        OCPPError,
        RegistrationRequiredError,
        RPCError,
        RPCFormationViolationError,
        RPCFormatViolationError,
        RPCFrameworkError,
        RPCGenericError,
        RPCGenericTransportError,
        RPCInternalError,
        RPCMessageTypeNotSupportedError,
        RPCNotImplementedError,
        RPCNotSupportedError,
        RPCOccurrenceConstraintViolationError,
        RPCPropertyConstraintViolationError,
        RPCProtocolError,
        RPCSecurityError,
        RPCTypeConstraintViolationError,
        TimeoutError,  # the reference's name, and a subclass of the builtin
        UnexpectedHttpResponse,
        WebsocketUpgradeError,
        create_rpc_error,
    )
    from ocpp_core.handshake import SecurityProfile
    from ocpp_core.messages import Leniency, MessageType
    from ocpp_core.times import write_time
    from ocpp_core.tolerance import QuirkProfile, load_quirks
    from ocpp_core.validation import create_validator, load_validator
    from ocpp_core.validation.explaining import explain
    from ocpp_transports.handshake import ConnectionContext, ConnectionMiddleware, Handshake, HandshakeRejectedError

    from . import events, fleet
    from ._fleet._stats import ServerStats
    from ._handlers._caller import Caller
    from ._handlers._contexts import CallContext, HandlerContext
    from ._handlers._table import NOREPLY, Middleware, NoReply
    from ._handlers._time import utc_now
    from ._options._tls import TLSOptions
    from ._options._validators import warm_up
    from ._peer._event_stream import EventStream
    from ._peer._peer import ConnectionState, Peer
    from ._runtime._base import Listener
    from ._server._stations._connection import OCPPServerClient
    from ._server._stations._directory import StationCaller, StationDirectory
    from .browser import BrowserOCPPClient
    from .certificates import LoadedCertificate
    from .client import OCPPClient
    from .plain_http import HttpAnswer, HttpHandler, PlainRequest
    from .router import OCPPRouter, StationKey
    from .server import OCPPServer

_HOMES = {
    "ocpp_core._version": ("__version__",),
    "ocpp_core.actions": ("Direction",),
    "ocpp_core.backoff": ("Backoff", "ExponentialBackoff", "OCPPBackoff"),
    "ocpp_core.config": ("Compression", "ValidationRule", "Validator", "Violation"),
    "ocpp_core.errors": (
        "CallCancelledError",
        "CallDroppedError",
        "ClosedError",
        "ConnectionFailedError",
        "ConnectionLostError",
        "OCPPError",
        "RPCError",
        "RPCFormatViolationError",
        "RPCFormationViolationError",
        "RPCFrameworkError",
        "RPCGenericError",
        "RPCGenericTransportError",
        "RPCInternalError",
        "RPCMessageTypeNotSupportedError",
        "RPCNotImplementedError",
        "RPCNotSupportedError",
        "RPCOccurrenceConstraintViolationError",
        "RPCPropertyConstraintViolationError",
        "RPCProtocolError",
        "RPCSecurityError",
        "RPCTypeConstraintViolationError",
        "RegistrationRequiredError",
        "TimeoutError",
        "UnexpectedHttpResponse",
        "WebsocketUpgradeError",
        "create_rpc_error",
    ),
    "ocpp_core.handshake": ("SecurityProfile",),
    "ocpp_core.messages": ("Leniency", "MessageType"),
    "ocpp_core.times": ("write_time",),
    "ocpp_core.tolerance": ("QuirkProfile", "load_quirks"),
    "ocpp_core.validation": ("create_validator", "load_validator"),
    "ocpp_core.validation.explaining": ("explain",),
    "ocpp_transports._fleet._stats": ("ServerStats",),
    "ocpp_transports._peer._event_stream": ("EventStream",),
    "ocpp_transports._handlers._caller": ("Caller",),
    "ocpp_transports._handlers._contexts": ("CallContext", "HandlerContext"),
    "ocpp_transports._handlers._table": ("NOREPLY", "Middleware", "NoReply"),
    "ocpp_transports._runtime._base": ("Listener",),
    "ocpp_transports._handlers._time": ("utc_now",),
    "ocpp_transports._options._tls": ("TLSOptions",),
    "ocpp_transports._options._validators": ("warm_up",),
    "ocpp_transports.handshake": (
        "ConnectionContext",
        "ConnectionMiddleware",
        "Handshake",
        "HandshakeRejectedError",
    ),
    "ocpp_transports.plain_http": ("HttpAnswer", "HttpHandler", "PlainRequest"),
    "ocpp_transports.browser": ("BrowserOCPPClient",),
    "ocpp_transports.certificates": ("LoadedCertificate",),
    "ocpp_transports.client": ("OCPPClient",),
    "ocpp_transports._peer._peer": ("ConnectionState", "Peer"),
    "ocpp_transports.router": ("OCPPRouter", "StationKey"),
    "ocpp_transports.server": ("OCPPServer",),
    "ocpp_transports._server._stations._connection": ("OCPPServerClient",),
    "ocpp_transports._server._stations._directory": ("StationCaller", "StationDirectory"),
}
_MODULES = ("events", "fleet")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "NOREPLY",
    "Backoff",
    "BrowserOCPPClient",
    "CallCancelledError",
    "CallContext",
    "CallDroppedError",
    "Caller",
    "ClosedError",
    "Compression",
    "ConnectionContext",
    "ConnectionFailedError",
    "ConnectionLostError",
    "ConnectionMiddleware",
    "ConnectionState",
    "Direction",
    "EventStream",
    "ExponentialBackoff",
    "HandlerContext",
    "Handshake",
    "HandshakeRejectedError",
    "HttpAnswer",
    "HttpHandler",
    "Leniency",
    "Listener",
    "LoadedCertificate",
    "MessageType",
    "Middleware",
    "NoReply",
    "OCPPBackoff",
    "OCPPClient",
    "OCPPError",
    "OCPPRouter",
    "OCPPServer",
    "OCPPServerClient",
    "Peer",
    "PlainRequest",
    "QuirkProfile",
    "RPCError",
    "RPCFormatViolationError",
    "RPCFormationViolationError",
    "RPCFrameworkError",
    "RPCGenericError",
    "RPCGenericTransportError",
    "RPCInternalError",
    "RPCMessageTypeNotSupportedError",
    "RPCNotImplementedError",
    "RPCNotSupportedError",
    "RPCOccurrenceConstraintViolationError",
    "RPCPropertyConstraintViolationError",
    "RPCProtocolError",
    "RPCSecurityError",
    "RPCTypeConstraintViolationError",
    "RegistrationRequiredError",
    "SecurityProfile",
    "ServerStats",
    "StationCaller",
    "StationDirectory",
    "StationKey",
    "TLSOptions",
    "TimeoutError",
    "UnexpectedHttpResponse",
    "ValidationRule",
    "Validator",
    "Violation",
    "WebsocketUpgradeError",
    "__version__",
    "create_rpc_error",
    "create_validator",
    "events",
    "explain",
    "fleet",
    "load_quirks",
    "load_validator",
    "utc_now",
    "warm_up",
    "write_time",
]


if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
