"""A connection of `websockets`, of either role, as a channel; and its logger, which hides credentials."""

import asyncio
import logging
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from ocpp_core.websocket.close import ABNORMAL_CLOSURE
from ocpp_transports._logging._log import child_logger
from ocpp_transports._logging._redaction import REDACTED

from ._channel import ChannelClosed
from ._tcp import unconfirmed

__all__ = ["PatientConnection", "WebsocketsChannel", "logger_below"]

_HARMLESS: Final = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "date",
        "host",
        "retry-after",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "server",
        "upgrade",
        "user-agent",
    }
)
"""The header fields whose values are logged."""


def logger_below(logger: logging.Logger) -> logging.Logger:
    """Return the logger for `websockets`, below that of a client or server.

    At DEBUG `websockets` writes requests with their queries, header fields and the beginnings of messages. All of them
    may hold secrets, so only values that cannot are kept. The log of the client or server has the messages, redacted.
    """
    below = child_logger(logger, "websockets")
    if below is not logger:
        below.addFilter(_hide_secrets)  # the same filter is not added twice
    return below


def _hide_secrets(record: logging.LogRecord) -> bool:
    values = record.args
    if isinstance(values, tuple):
        is_field = len(values) == 2 and str(record.msg).endswith("%s: %s")
        is_secret = is_field and str(values[0]).lower() not in _HARMLESS
        record.args = (values[0], REDACTED) if is_secret else tuple(map(_harmless, values))
    return True


def _harmless(value: object) -> object:
    """Return a value of a record without the text of a message, or the query of a request target."""
    if isinstance(value, Frame):
        return str(value) if value.opcode is Opcode.CLOSE else f"{value.opcode.name} [{len(value.data)} bytes]"
    if isinstance(value, str) and "?" in value:
        return f"{value.partition('?')[0]}?{REDACTED}"
    return value


class PatientConnection(Connection):
    """A connection that waits for a pong as long as a long message before the ping makes progress on a slow line."""

    async def keepalive(self) -> None:
        """Ping at every interval, and drop the connection if no pong arrives."""
        try:
            while self.ping_interval is not None:
                await asyncio.sleep(self.ping_interval)
                pong = asyncio.ensure_future(self._ping_and_wait())
                try:
                    if not await self._has_come(pong, self.ping_timeout):
                        self.transport.abort()
                        return
                    await pong  # or raise because the connection is closed
                finally:
                    pong.cancel()
        except ConnectionClosed:
            return

    async def _ping_and_wait(self) -> float:
        return await (await self.ping())  # the ping itself may have to wait for output that does not drain

    async def _has_come(self, pong: asyncio.Future[float], timeout: float | None) -> bool:
        before: int | None = 0
        while not (await asyncio.wait([pong], timeout=timeout))[0]:
            if not self.transport.is_reading():
                continue  # there is no room for more requests: the pong may be in the unread data
            outflow = unconfirmed(self.transport.get_extra_info("socket"))
            if outflow == before or outflow is None:
                return False
            before = outflow
        return True


class WebsocketsChannel:
    """The channel over a connection of `websockets`."""

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
        return ChannelClosed(self._connection.close_code or ABNORMAL_CLOSURE, self._connection.close_reason or "")
