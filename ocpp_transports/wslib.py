"""Clients and servers on the `websockets` library, for programs that use it already; needs the extra `websockets`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from ocpp_core.inputs import Reject

from ._tls import client_context
from .channel import ChannelClient, ChannelClosed, Incoming, UpgradeOffer
from .server import OCPPServer

__all__ = ["WebsocketsOCPPClient", "serve"]


class WebsocketsOCPPClient(ChannelClient):
    """`OCPPClient` on a connection of `websockets`, with the same options, methods and events; asyncio only.

    `websockets` sends the pings and reports none of them, so that there are no `ping`, `pong` and `pong_timeout`
    events; `defer_pings_on_activity` has no effect, and of `compression` only whether it is wanted.
    """

    async def open_channel(self, subprotocols: Sequence[str]) -> tuple["_WebsocketsChannel", str | None]:
        """Open a connection; see ChannelClient."""
        try:
            connection = await self._connect(subprotocols)
        except InvalidStatus as error:
            answer = error.response
            headers = tuple((name.lower(), value) for name, value in answer.headers.raw_items())
            raise UnexpectedHttpResponse(answer.status_code, headers) from error
        except InvalidHandshake as error:
            raise WebsocketUpgradeError(str(error)) from error
        return _WebsocketsChannel(connection), connection.subprotocol

    async def _connect(self, subprotocols: Sequence[str]) -> ClientConnection:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConnectionFailedError("expected asyncio: websockets runs on nothing else") from None
        options, link = self._options, self._options.link
        return await connect(
            options.address.url,
            subprotocols=[Subprotocol(name) for name in subprotocols],
            additional_headers=options.upgrade.headers,
            user_agent_header=None,
            ssl=client_context(options.tls) if options.address.secure else None,
            compression="deflate" if options.compression else None,
            max_size=_or_none(link.max_message_size),
            ping_interval=_or_none(link.ping_interval),
            ping_timeout=_or_none(link.pong_timeout),
            close_timeout=link.close_timeout,
            open_timeout=None,  # `connect_timeout` bounds it
            proxy=None,
        )


def _or_none(limit: float) -> Any:
    """Write "no limit" as `websockets` does."""
    return None if limit == float("inf") else limit


@asynccontextmanager
async def serve(
    server: OCPPServer, host: str | None = None, port: int | None = None, **options: Any
) -> AsyncIterator[Server]:
    """Have `websockets` listen for a server, and close that at the end of the block.

        async with serve(server, "127.0.0.1", 9000) as listening:
            ...

    `options` are those of `websockets.serve`, except its handler and the hooks that decide on a handshake.
    """
    door = _Door(server)
    async with serve_websockets(
        door.handle, host, port, process_request=door.decide, select_subprotocol=door.select, **options
    ) as listening:
        try:
            yield listening
        finally:
            await server.close()


class _Door:
    """The three hooks of `websockets` that a connection passes."""

    def __init__(self, server: OCPPServer) -> None:
        self._server = server
        self._incoming: WeakKeyDictionary[ServerConnection, Incoming] = WeakKeyDictionary()

    async def decide(self, connection: ServerConnection, request: Request) -> Response | None:
        """Have the server decide on a request; None goes on to the upgrade."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _response(connection, Reject(426, (("upgrade", "websocket"),), "Upgrade Required"))
        incoming = self._server.incoming(_offer(connection, request))
        answer = await incoming.decision()
        if isinstance(answer, Reject):
            return _response(connection, answer)
        self._incoming[connection] = incoming
        return None

    def select(self, connection: ServerConnection, _: Sequence[Subprotocol]) -> Subprotocol | None:
        """Give the subprotocol that was decided on."""
        chosen = self._incoming[connection].subprotocol
        return None if chosen is None else Subprotocol(chosen)

    async def handle(self, connection: ServerConnection) -> None:
        """Carry the conversation."""
        await self._incoming[connection].carry(_WebsocketsChannel(connection))


def _offer(connection: ServerConnection, request: Request) -> UpgradeOffer:
    tls = connection.transport.get_extra_info("ssl_object")
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
    return UpgradeOffer(
        request.path,
        headers=list(request.headers.raw_items()),
        subprotocols=tuple(name.strip() for name in offered.split(",")) if offered else (),
        remote_address=(connection.remote_address or (None,))[0],
        client_certificate=(tls.getpeercert() or None) if tls is not None else None,
        tls=tls is not None,
    )


def _response(connection: ServerConnection, answer: Reject) -> Response:
    response = connection.respond(answer.status, answer.body)
    for name, value in answer.headers:
        response.headers[name] = value
    return response


class _WebsocketsChannel:
    """A channel of a connection of `websockets`, of either role."""

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
