"""Clients connected to a server in the same process without sockets: for tests, also in virtual time."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Unpack

import anyio

from ocpp_core.errors import UnexpectedHttpResponse
from ocpp_core.inputs import Reject
from ocpp_core.websocket.close import ABNORMAL_CLOSURE

from ._options._connection import BUNDLED_PROTOCOLS
from ._options._keywords import ClientKeywords
from ._server._stations._connection import OCPPServerClient
from .channel import ChannelClient, ChannelClosed, UpgradeOffer
from .server import OCPPServer

__all__ = ["MemoryOCPPClient", "connected_pair"]

_ENDPOINT = "ws://memory/ocpp"


class MemoryOCPPClient(ChannelClient):
    """`OCPPClient` on a channel to a server in this process, with the same options, methods and events.

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            async with MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"]) as client:
                await client.connect()

    The server decides on the handshake as usual: with identity, subprotocols, password and headers. A `wss://` endpoint
    counts as TLS. There are no pings, and no message size limit.

    Args:
        identity: The identity of the station, the last segment of the URL.
        server: The server to connect to.
        protocols: The subprotocols, in order of preference.
        endpoint: The URL that the server sees, without the identity.

    Raises:
        ValueError: An option has a value that is not allowed.
        TypeError: An option has the wrong type.
        OSError: A certificate cannot be read.
    """

    def __init__(
        self,
        identity: str,
        server: OCPPServer,
        *,
        protocols: Sequence[str] = BUNDLED_PROTOCOLS,
        endpoint: str = _ENDPOINT,
        **options: Unpack[ClientKeywords],
    ) -> None:
        super().__init__(identity, endpoint, protocols=protocols, **options)
        self._server = server
        self._channel: _MemoryChannel | None = None

    def cut(self) -> None:
        """Lose the connection, as if a cable were cut: both sides learn of it at once, as 1006."""
        if self._channel is not None:
            self._channel.abort()

    async def open_channel(self, subprotocols: Sequence[str]) -> tuple["_MemoryChannel", str | None]:
        """Let the server decide, then open a channel; see ChannelClient."""
        request = self._options.upgrade
        offer = UpgradeOffer(
            request.target,
            headers=[("Host", request.host), *request.headers],
            subprotocols=tuple(subprotocols),
            remote_address="127.0.0.1",
            tls=self._options.address.secure,
        )
        incoming = self._server.incoming(offer)
        answer = await incoming.decision()
        if isinstance(answer, Reject):
            raise UnexpectedHttpResponse(answer.status, tuple(answer.headers), answer.body)
        self._channel, theirs = memory_channels()
        incoming.start_carrying(theirs)
        return self._channel, answer.subprotocol


@asynccontextmanager
async def connected_pair(
    identity: str = "CP1", *, protocols: Sequence[str] = BUNDLED_PROTOCOLS, **options: Unpack[ClientKeywords]
) -> AsyncIterator[tuple[MemoryOCPPClient, OCPPServerClient]]:
    """Yield a connected client and the server's handle on it.

        async with connected_pair(protocols=["ocpp1.6"]) as (client, station):
            ...

    Args:
        identity: The identity of the station.
        protocols: The subprotocols of both ends, in order of preference.
        options: Further options of the client.
    """
    async with (
        OCPPServer(protocols=protocols) as server,
        MemoryOCPPClient(identity, server, protocols=protocols, **options) as client,
    ):
        await client.connect()
        yield client, await server.wait_for_client(identity)


class _MemoryChannel:
    """One end of a channel; sending puts a text into the inbox of the other end."""

    def __init__(self) -> None:
        self.other = self
        self._inbox: deque[str] = deque()
        self._arrived = anyio.Event()
        self._end: ChannelClosed | None = None

    async def receive(self) -> str:
        while not self._inbox:
            if self._end is not None:
                raise self._end
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._inbox.popleft()

    async def send(self, text: str, /) -> None:
        if self._end is not None:
            raise self._end
        self.other.put(text)

    async def close(self, code: int, reason: str) -> None:
        self._finish(code, reason)

    def abort(self) -> None:
        self._finish(ABNORMAL_CLOSURE, "")

    def put(self, text: str) -> None:
        self._inbox.append(text)
        self._arrived.set()

    def _finish(self, code: int, reason: str) -> None:
        for end in (self, self.other):
            if end._end is None:
                end._end = ChannelClosed(code, reason)
            end._arrived.set()


def memory_channels() -> tuple[_MemoryChannel, _MemoryChannel]:
    one, two = _MemoryChannel(), _MemoryChannel()
    one.other, two.other = two, one
    return one, two
