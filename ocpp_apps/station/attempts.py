"""Start of a station before its central system is up."""

from collections.abc import Callable
from typing import Final

from ocpp_core.errors import ConnectionFailedError, OCPPError, UnexpectedHttpResponse, WebsocketUpgradeError

from .clock import Clock
from .station import Station

__all__ = ["may_be_up_later", "start_when_up"]

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
"""Seconds between two attempts. The pause doubles up to this limit."""
_SERVER_ERROR: Final = 500
"""Lowest HTTP status of a server error (RFC 9110 §15.6). A proxy sends one while its server is not up."""


def may_be_up_later(error: OCPPError) -> bool:
    """Return True if a later attempt may succeed: no response, or a server error."""
    if isinstance(error, UnexpectedHttpResponse):
        return error.status >= _SERVER_ERROR
    return isinstance(error, ConnectionFailedError) and not isinstance(error, WebsocketUpgradeError)


async def start_when_up(
    station: Station, clock: Clock, wait: float, failed: Callable[[ConnectionFailedError], None] = lambda _: None
) -> None:
    """Start a station, and retry for `wait` seconds while its central system cannot be reached.

    `failed` receives the error of each attempt. Raises the error of the last one, see `Station.start`.
    """
    until, pause = clock.monotonic() + wait, _FIRST_PAUSE
    while True:
        try:
            await station.start()
        except ConnectionFailedError as error:
            failed(error)
            left = until - clock.monotonic()
            if left <= 0 or not may_be_up_later(error):
                raise
            await clock.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return
