"""The CALLERROR for a handler's exception: what the peer may know about it."""

from collections.abc import Mapping
from typing import Any, Final

from ocpp_core.errors import ConnectionLostError, RPCError, RPCInternalError
from ocpp_core.inputs import Fail
from ocpp_core.versions import ErrorCode

__all__ = ["failure_of"]

_LONGEST_TEXT: Final = 500
"""Characters of an exception's text that detailed errors send."""


def failure_of(error: BaseException, request: int, *, detailed: bool) -> Fail:
    """Return an RPC error's own code, description and details, or InternalError for any other exception.

    ConnectionLostError is an RPC error by its class only: it concerns another peer, and its text is not for this one.
    `detailed` adds the name and text of other exceptions, never a stack.
    """
    if isinstance(error, RPCError) and not isinstance(error, ConnectionLostError):
        return Fail(request, error.code, str(error.description), error.details)
    details = _details_of(error) if detailed and isinstance(error, Exception) else None
    return Fail(request, ErrorCode.INTERNAL_ERROR, RPCInternalError.default_description, details)


def _details_of(error: Exception) -> Mapping[str, Any]:
    return {"name": type(error).__name__, "message": _text_of(error)}


def _text_of(error: Exception) -> str:
    try:
        text = str(error)
    except BaseException:  # the application's __str__ may raise anything
        return ""
    return text[:_LONGEST_TEXT].encode(errors="replace").decode()
