"""The errors that the library raises: responses of the peer, and failures on this side."""

import builtins
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from .versions import ErrorCode
from .websocket.close import ABNORMAL_CLOSURE

__all__ = [
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
    "StoreError",
    "TimeoutError",
    "UnexpectedHttpResponse",
    "WebsocketUpgradeError",
    "create_rpc_error",
]

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_REASON_LENGTH: Final = 200


class OCPPError(Exception):
    """The base class of all errors that occur at run time."""


class RPCError(OCPPError):
    """An RPC error: received as CALLERROR, or sent as one if a handler raises it."""

    default_code: ClassVar[str] = ErrorCode.GENERIC_ERROR.value
    """The code if none is passed."""
    default_description: ClassVar[str] = ""
    """The description if none is passed."""

    def __init__(
        self,
        code: str | None = None,
        description: str | None = None,
        details: Mapping[str, Any] | None = None,
        *,
        remote: bool = False,
    ) -> None:
        self.code: str = str(self.default_code if code is None else code)
        """The code on the wire, unknown and vendor codes included."""
        self.description: str = str(self.default_description if description is None else description)
        """The errorDescription, unchanged if the peer sent it."""
        self.details: dict[str, Any] = dict(details or {})
        """The errorDetails, unchanged if the peer sent them."""
        self.remote = remote
        """True if the peer sent the error, False if this side detected it, for example a response that breaks its
        schema."""
        super().__init__(self.code, self.description)

    def __str__(self) -> str:
        return f"{self.code}: {self.description}" if self.description else self.code


class _CodedError(RPCError):
    """An RPC error whose class implies the code: `RPCInternalError("why", {...})`."""

    def __init__(
        self,
        description: str | None = None,
        details: Mapping[str, Any] | None = None,
        *,
        code: str | None = None,
        remote: bool = False,
    ) -> None:
        super().__init__(code, description, details, remote=remote)


class RPCGenericError(_CodedError):
    """Any other error not covered by the more specific ones."""

    default_code = ErrorCode.GENERIC_ERROR.value


class RPCNotImplementedError(_CodedError):
    """The action is not known by the receiver."""

    default_code = ErrorCode.NOT_IMPLEMENTED.value
    default_description = "The action is not known here"


class RPCNotSupportedError(_CodedError):
    """The action is recognised but not supported by the receiver."""

    default_code = ErrorCode.NOT_SUPPORTED.value
    default_description = "The action is known but not supported here"


class RPCInternalError(_CodedError):
    """An internal error occurred while the receiver processed the action."""

    default_code = ErrorCode.INTERNAL_ERROR.value
    default_description = "An internal error occurred while the action was processed"


class RPCProtocolError(_CodedError):
    """The payload does not conform to the structure of the action."""

    default_code = ErrorCode.PROTOCOL_ERROR.value


class RPCSecurityError(_CodedError):
    """A security issue prevented the receiver from completing the action."""

    default_code = ErrorCode.SECURITY_ERROR.value


class RPCFormatViolationError(_CodedError):
    """The payload is syntactically incorrect (OCPP 2.x; sent as FormationViolation on 1.6)."""

    default_code = ErrorCode.FORMAT_VIOLATION.value


RPCFormationViolationError = RPCFormatViolationError
"""The 1.6 name of the same class: `except` catches the code in either spelling by either name."""


class RPCPropertyConstraintViolationError(_CodedError):
    """A field has a value that is not allowed."""

    default_code = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION.value


class RPCOccurrenceConstraintViolationError(_CodedError):
    """A field is missing or occurs too often (sent as OccurenceConstraintViolation on 1.6)."""

    default_code = ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION.value


class RPCTypeConstraintViolationError(_CodedError):
    """A field has the wrong data type."""

    default_code = ErrorCode.TYPE_CONSTRAINT_VIOLATION.value


class RPCMessageTypeNotSupportedError(_CodedError):
    """A message type number is not supported by the receiver (not in 1.6: sent as GenericError)."""

    default_code = ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED.value


class RPCFrameworkError(_CodedError):
    """The message is not a valid RPC request (not in 1.6: sent as GenericError)."""

    default_code = ErrorCode.RPC_FRAMEWORK_ERROR.value


class RPCGenericTransportError(_CodedError):
    """The transport failed, and the response of the peer is unknown."""

    default_code = ErrorCode.GENERIC_ERROR.value


class ConnectionLostError(RPCGenericTransportError):
    """There is no connection, or it ended before the response arrived."""

    def __init__(self, description: str, *, sent: bool, close_code: int = ABNORMAL_CLOSURE) -> None:
        super().__init__(description)
        self.sent = sent
        """True if the CALL had been written: the peer may have acted on it. False if the peer has not seen it."""
        self.close_code = close_code
        """The WebSocket close code (RFC 6455 §7.4); 1006 if no close frame arrived."""

    def __str__(self) -> str:
        return self.description  # without the code, which no peer sent


class ClosedError(OCPPError):
    """The call was refused or abandoned because this side is closing or closed."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        """True if the CALL had been written."""


class CallDroppedError(OCPPError):
    """The call was dropped from a full queue before it was sent."""

    sent: Final = False
    """False: the CALL was not written."""


class RegistrationRequiredError(OCPPError):
    """The call was refused because the station has not registered yet."""

    sent: Final = False
    """False: the CALL was not written."""


class StoreError(OCPPError):
    """A message could not be stored, so it is neither queued nor sent."""


class CallCancelledError(OCPPError):
    """The caller cancelled the call."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent
        """True if the CALL had been written."""


class TimeoutError(OCPPError, builtins.TimeoutError):  # noqa: A001 - the reference's name, and a subclass of the builtin
    """No response arrived in time, or the time to live expired before the write."""

    def __init__(self, message: str, *, sent: bool = False, message_id: str | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        """True if no response arrived in time, False if the time to live expired before the write."""
        self.message_id = message_id
        """The message ID of the CALL; None if it was not sent."""


class ConnectionFailedError(OCPPError, ConnectionError):
    """No connection could be opened: refused, unreachable, timed out, or TLS failed.

    The cause is chained.
    """


class WebsocketUpgradeError(ConnectionFailedError):
    """The peer responded with an invalid 101 Switching Protocols (RFC 6455 §4.1).

    After it, a client stops if it was the first attempt, and retries while it reconnects.
    """


class UnexpectedHttpResponse(ConnectionFailedError):  # noqa: N818 - the reference's name
    """The peer responded to the upgrade request with a status other than 101."""

    def __init__(self, status: int, headers: tuple[tuple[str, str], ...] = (), body: str = "") -> None:
        wants_tls = any(name == "upgrade" and "tls/" in value.lower() for name, value in headers)  # RFC 2817 §4.2
        hint = "; the port speaks TLS: use wss://" if wants_tls else ""
        reason = _one_line(body)
        quoted = f", with the reason {reason!r}" if reason else ""
        super().__init__(f"the server refused the WebSocket: expected HTTP status 101, got {status}{quoted}{hint}")
        self.status = status
        """The HTTP status code."""
        self.headers = headers
        """The response header fields with lower-case names, in received order."""
        self.reason = reason
        """The beginning of the body: one line of at most 200 printable characters, without control and bidirectional
        characters; empty without a body. The server wrote it, so do not trust it."""

    @property
    def retry_after(self) -> float:
        """Seconds of the Retry-After header (RFC 9110 §10.2.3).

        A date instead of seconds would need a clock and counts as 0.
        """
        values = [value for name, value in self.headers if name == "retry-after"]
        return float(values[0]) if len(values) == 1 and _SECONDS.fullmatch(values[0]) else 0.0


def _one_line(text: str) -> str:
    """Return the beginning of a peer's text as one line that is safe in a log."""
    beginning = text[: 20 * _REASON_LENGTH]  # much of it may be blank
    line = " ".join("".join(char if char.isprintable() else " " for char in beginning).split())
    return line if len(line) <= _REASON_LENGTH else line[: _REASON_LENGTH - 1] + "…"


_BY_CODE: Final[Mapping[str, type[_CodedError]]] = {
    cls.default_code: cls
    for cls in (
        RPCGenericError,
        RPCNotImplementedError,
        RPCNotSupportedError,
        RPCInternalError,
        RPCProtocolError,
        RPCSecurityError,
        RPCFormatViolationError,
        RPCPropertyConstraintViolationError,
        RPCOccurrenceConstraintViolationError,
        RPCTypeConstraintViolationError,
        RPCMessageTypeNotSupportedError,
        RPCFrameworkError,
    )
} | {
    "FormationViolation": RPCFormatViolationError,
    "OccurenceConstraintViolation": RPCOccurrenceConstraintViolationError,
}


def create_rpc_error(
    code: str,
    description: str | None = None,
    details: Mapping[str, Any] | None = None,
    *,
    remote: bool = False,
) -> RPCError:
    """Return the error for a code in any version's spelling.

    Args:
        code: The error code.
        description: The errorDescription; None for the default of the class.
        details: The errorDetails; None for an empty object.
        remote: True if the peer sent the error.

    Returns:
        An object of the class of the code; a plain `RPCError` for an unknown code.
    """
    cls = _BY_CODE.get(code)
    if cls is None:
        return RPCError(code, description, details, remote=remote)
    return cls(description, details, code=code, remote=remote)
