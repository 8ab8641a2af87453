"""Failures of handlers: the CALLERROR with what the peer may know, and who learns the rest."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from ocpp_core.errors import ConnectionLostError, RPCError, RPCInternalError
from ocpp_core.inputs import Fail
from ocpp_core.versions import ErrorCode

from ._contexts import HandlerContext

__all__ = ["HandlerObserver", "failure_of"]

_LONGEST_TEXT: Final = 500
"""Characters of an exception's text that detailed errors send."""


class HandlerObserver(Protocol):
    """What a dispatcher reports to; one object instead of bound methods, which every connection would hold."""

    def handler_failed(self, context: HandlerContext, error: BaseException, /) -> None:
        """Note that a handler raised, after the peer has its response."""

    def handler_missing(self, action: str, /) -> None:
        """Note that an action has no handler, once for each action."""


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
