"""Whether another attempt to connect may succeed where one has failed."""

from typing import Final

from ocpp_core.errors import ConnectionFailedError, OCPPError, UnexpectedHttpResponse, WebsocketUpgradeError

__all__ = ["may_be_up_later"]

_SERVER_ERROR: Final = 500
"""The lowest HTTP status that is the fault of the server (RFC 9110 §15.6), as a proxy answers while nobody is there."""


def may_be_up_later(error: OCPPError) -> bool:
    """Whether waiting may help where no connection could be made: not if a server was there, and refused it."""
    if isinstance(error, UnexpectedHttpResponse):
        return error.status >= _SERVER_ERROR
    return isinstance(error, ConnectionFailedError) and not isinstance(error, WebsocketUpgradeError)
