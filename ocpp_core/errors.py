"""Every error a user of the library meets: what the peer answered, and what happened on our side."""

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
    "TimeoutError",
    "UnexpectedHttpResponse",
    "WebsocketUpgradeError",
    "create_rpc_error",
]

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_REASON_LENGTH: Final = 200


class OCPPError(Exception):
    """The base of every error this library raises for what happened at run time."""


class RPCError(OCPPError):
    """An RPC error: received as CALLERROR, or to be sent as one by raising it in a handler.

    `code` is the text on the wire, unknown and vendor codes included; `description` and `details` are what the
    peer sent, unchanged. `remote` is True when the peer sent it, False when it was found on this side (for example
    an answer that breaks its schema).
    """

    default_code: ClassVar[str] = ErrorCode.GENERIC_ERROR.value
    default_description: ClassVar[str] = ""

    def __init__(
        self,
        code: str | None = None,
        description: str | None = None,
        details: Mapping[str, Any] | None = None,
        *,
        remote: bool = False,
    ) -> None:
        self.code: str = str(self.default_code if code is None else code)
        self.description: str = str(self.default_description if description is None else description)
        self.details: dict[str, Any] = dict(details or {})
        self.remote = remote
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
    """A field holds a value that it must not hold."""

    default_code = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION.value


class RPCOccurrenceConstraintViolationError(_CodedError):
    """A field is missing or occurs too often (on 1.6 the wire says OccurenceConstraintViolation)."""

    default_code = ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION.value


class RPCTypeConstraintViolationError(_CodedError):
    """A field has the wrong data type."""

    default_code = ErrorCode.TYPE_CONSTRAINT_VIOLATION.value


class RPCMessageTypeNotSupportedError(_CodedError):
    """A message type number is not supported by the receiver (not in 1.6: sent as GenericError)."""

    default_code = ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED.value


class RPCFrameworkError(_CodedError):
    """The message is no valid RPC request (not in 1.6: sent as GenericError)."""

    default_code = ErrorCode.RPC_FRAMEWORK_ERROR.value


class RPCGenericTransportError(_CodedError):
    """The transport failed: nothing can be said about the peer's answer."""

    default_code = ErrorCode.GENERIC_ERROR.value


class ConnectionLostError(RPCGenericTransportError):
    """There is no connection, or it ended before the answer came.

    `sent` tells whether the CALL had been written: if True the peer may have acted on it, if False it has not.
    `close_code` is the WebSocket close code (RFC 6455 §7.4), 1006 where no close frame came.
    """

    def __init__(self, description: str, *, sent: bool, close_code: int = ABNORMAL_CLOSURE) -> None:
        super().__init__(description)
        self.sent = sent
        self.close_code = close_code

    def __str__(self) -> str:
        return self.description  # its code is a stand-in: no peer sent one


class ClosedError(OCPPError):
    """The call was refused or given up because this side closes or has closed; `sent` as in ConnectionLostError."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class CallDroppedError(OCPPError):
    """The call was dropped from a full queue before it was sent."""

    sent: Final = False


class CallCancelledError(OCPPError):
    """The call was cancelled by its caller; `sent` as in ConnectionLostError."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class TimeoutError(OCPPError, builtins.TimeoutError):  # noqa: A001 - the reference's name, and a subclass of the builtin
    """No answer came in time (`sent` is True), or the call was not sent within its time to live (False)."""

    def __init__(self, message: str, *, sent: bool = False, message_id: str | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.message_id = message_id


class ConnectionFailedError(OCPPError, ConnectionError):
    """No connection could be made: refused, unreachable, timed out, or TLS failed; the cause is chained."""


class WebsocketUpgradeError(ConnectionFailedError):
    """The peer answered 101 Switching Protocols, but wrongly (RFC 6455 §4.1).

    A client whose first attempt ends so does not try again by itself; while it reconnects, it does.
    """


class UnexpectedHttpResponse(ConnectionFailedError):  # noqa: N818 - the reference's name
    """The peer answered the upgrade request by another status than 101.

    `status` is the HTTP status code, `headers` the response header fields with lower-case names in received order.
    `reason` is how the body of the response begins: one line of at most 200 printable characters, without control and
    bidirectional characters; empty without a body. The server wrote it, so it proves nothing.
    """

    def __init__(self, status: int, headers: tuple[tuple[str, str], ...] = (), body: str = "") -> None:
        wants_tls = any(name == "upgrade" and "tls/" in value.lower() for name, value in headers)  # RFC 2817 §4.2
        hint = "; the port speaks TLS: use wss://" if wants_tls else ""
        reason = _one_line(body)
        said = f", with the reason {reason!r}" if reason else ""
        super().__init__(f"the server refused the WebSocket: expected HTTP status 101, got {status}{said}{hint}")
        self.status = status
        self.headers = headers
        self.reason = reason

    @property
    def retry_after(self) -> float:
        """Seconds of Retry-After (RFC 9110 §10.2.3); its other form, a date, would need a clock and counts as 0."""
        given = [value for name, value in self.headers if name == "retry-after"]
        return float(given[0]) if len(given) == 1 and _SECONDS.fullmatch(given[0]) else 0.0


def _one_line(text: str) -> str:
    """Return the beginning of a peer's text as something that can stand in a log."""
    beginning = text[: 20 * _REASON_LENGTH]  # of which much may be blank
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
    """Make the error of a code in any version's spelling; an unknown code gives a plain `RPCError` that keeps it."""
    cls = _BY_CODE.get(code)
    if cls is None:
        return RPCError(code, description, details, remote=remote)
    return cls(description, details, code=code, remote=remote)
