"""A connection of `websockets`, of either role, as a channel; and its logger, which shows no credentials."""

import logging
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ._channel_host import ChannelClosed
from ._redaction import REDACTED

__all__ = ["LOGGER", "WebsocketsChannel"]

LOGGER: Final = logging.getLogger("ocpp_ws_io.websockets")
"""What `websockets` logs to, unless it is told otherwise: at DEBUG it writes every header field of a handshake."""


def _hide_credentials(record: logging.LogRecord) -> bool:
    match record.args:
        case (name, _) if str(name).lower() == "authorization":
            record.args = (name, REDACTED)
    return True


LOGGER.addFilter(_hide_credentials)


class WebsocketsChannel:
    """The channel."""

    def __init__(self, connection: ClientConnection | ServerConnection) -> None:
        self._connection = connection

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed:
            raise self._end() from None

    async def send(self, text: str, /) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise self._end() from None

    async def close(self, code: int, reason: str) -> None:
        await self._connection.close(code, reason)

    def abort(self) -> None:
        self._connection.transport.abort()

    def _end(self) -> ChannelClosed:
        return ChannelClosed(self._connection.close_code or 1006, self._connection.close_reason or "")
