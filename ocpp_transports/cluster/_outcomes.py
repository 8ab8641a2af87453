"""The outcome of a call as JSON, so that a caller on another node gets the same result or error."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RegistrationRequiredError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
    create_rpc_error,
)
from ocpp_core.websocket.close import ABNORMAL_CLOSURE

__all__ = ["read_error", "write_error"]

_WITHOUT_FIELDS: Final[Mapping[str, type[OCPPError]]] = {
    each.__name__: each for each in (CallDroppedError, RegistrationRequiredError)
}
_WITH_SENT: Final[Mapping[str, Callable[..., OCPPError]]] = {each.__name__: each for each in (CallCancelledError,)}
_FAILED: Final = "the call failed on the node of the station"


def write_error(error: Exception) -> list[Any]:
    """Return an error as JSON. An unknown one is written without its text: it is a fault of the other node."""
    name = type(error).__name__
    if isinstance(error, ConnectionLostError):
        return ["ConnectionLostError", error.description, error.sent, error.close_code]
    if isinstance(error, RPCError):
        return ["RPCError", error.code, error.description, error.details, error.remote]
    if isinstance(error, TimeoutError):
        return [name, str(error), error.sent, error.message_id]
    if isinstance(error, ClosedError):  # the caller's own side is not closed
        return ["ConnectionLostError", str(error), error.sent, ABNORMAL_CLOSURE]
    if isinstance(error, CallCancelledError):
        return [name, str(error), error.sent]
    if name in _WITHOUT_FIELDS or type(error) in (ValueError, TypeError):
        return [name, str(error)]
    return ["RPCInternalError", _FAILED]


def read_error(written: list[Any]) -> Exception:
    """Return the error that was written."""
    match written:
        case ["ConnectionLostError", description, sent, close_code]:
            return ConnectionLostError(description, sent=sent, close_code=close_code)
        case ["RPCError", code, description, details, remote]:
            return create_rpc_error(code, description, details, remote=remote)
        case ["TimeoutError", text, sent, message_id]:
            return TimeoutError(text, sent=sent, message_id=message_id)
        case [name, text, sent] if name in _WITH_SENT:
            return _WITH_SENT[name](text, sent=sent)
        case [name, text] if name in _WITHOUT_FIELDS:
            return _WITHOUT_FIELDS[name](text)
        case ["ValueError", text]:
            return ValueError(text)
        case ["TypeError", text]:
            return TypeError(text)
    return create_rpc_error("InternalError", _FAILED)
