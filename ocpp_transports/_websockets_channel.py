"""A connection of `websockets`, of either role, as a channel; and its logger, which shows no credentials."""

import logging

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ._channel_host import ChannelClosed
from ._logging import is_silent
from ._redaction import REDACTED

__all__ = ["WebsocketsChannel", "logger_below"]


def logger_below(logger: logging.Logger) -> logging.Logger:
    """Return the logger that `websockets` logs to, below that of a client or server.

    At DEBUG it writes every header field of a handshake; the credentials among them are replaced.
    """
    if is_silent(logger):
        return logger
    below = logger.getChild("websockets")
    below.addFilter(_hide_credentials)  # the same one again is not added
    return below


def _hide_credentials(record: logging.LogRecord) -> bool:
    match record.args:
        case (name, _) if str(name).lower() == "authorization":
            record.args = (name, REDACTED)
    return True


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
