"""The errors of calls as JSON, so that a caller on another node gets the same error."""

from collections.abc import Mapping
from typing import Any, Final

from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RegistrationRequiredError,
    RPCError,
    StoreError,
    TimeoutError,  # ours, a subclass of the builtin
    create_rpc_error,
)
from ocpp_core.websocket.close import ABNORMAL_CLOSURE

__all__ = ["OtherVersionError", "read_error", "write_error"]


class OtherVersionError(ValueError):
    """A call is for one version of OCPP, and the station of another node speaks another one."""


_WITHOUT_FIELDS: Final[Mapping[str, type[Exception]]] = {
    each.__name__: each
    for each in (CallDroppedError, OtherVersionError, RegistrationRequiredError, StoreError, ValueError, TypeError)
}
_FAILED: Final = "the call failed on the node of the station"


def write_error(error: Exception) -> list[Any]:
    """Return an error as JSON. An unknown one is written without its text: it is a fault of the other node."""
    if isinstance(error, ConnectionLostError):
        return ["ConnectionLostError", error.description, error.sent, error.close_code]
    if isinstance(error, RPCError):
        return ["RPCError", error.code, error.description, error.details, error.remote]
    if isinstance(error, TimeoutError):
        return ["TimeoutError", str(error), error.sent, error.message_id]
    if isinstance(error, ClosedError):  # the node of the station is closing, not that of the caller
        return ["ConnectionLostError", str(error), error.sent, ABNORMAL_CLOSURE]
    if isinstance(error, CallCancelledError):
        return ["CallCancelledError", str(error), error.sent]
    name = type(error).__name__
    return [name, str(error)] if _WITHOUT_FIELDS.get(name) is type(error) else ["unknown"]


def read_error(written: list[Any]) -> Exception:
    """Return the error that was written; an `RPCInternalError` for one that is not known."""
    return _read_with_fields(written) or _read_without_fields(written)


def _read_with_fields(written: list[Any]) -> OCPPError | None:
    match written:
        case ["ConnectionLostError", str(description), bool(sent), int(close_code)]:
            return ConnectionLostError(description, sent=sent, close_code=close_code)
        case ["RPCError", str(code), str(description), dict(details), bool(remote)]:
            return create_rpc_error(code, description, details, remote=remote)
        case ["TimeoutError", str(text), bool(sent), (str() | None) as message_id]:
            return TimeoutError(text, sent=sent, message_id=message_id)
        case ["CallCancelledError", str(text), bool(sent)]:
            return CallCancelledError(text, sent=sent)
        case _:
            return None


def _read_without_fields(written: list[Any]) -> Exception:
    match written:
        case [str(name), str(text)] if name in _WITHOUT_FIELDS:
            return _WITHOUT_FIELDS[name](text)
        case _:
            return create_rpc_error("InternalError", _FAILED)
