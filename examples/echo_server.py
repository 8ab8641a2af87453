"""A WebSocket echo server on `ServerLink`: plain asyncio streams, no OCPP.

    python examples/echo_server.py [--host 127.0.0.1] [--port 9001]

It shows the duties of a link's host: pass bytes and the time in, perform
actions until there are none, and pass a tick at the deadline.
"""

import argparse
import asyncio
from contextlib import suppress
from math import inf
from random import SystemRandom

from ocpp_core.actions import (
    CloseStream,
    HttpRequest,
    LinkAction,
    SendBytes,
    UpgradeRequested,
)
from ocpp_core.config import Compression, LinkConfig
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
    BytesReceived,
    Respond,
    SendMessage,
    TextReceived,
    Tick,
)
from ocpp_core.link import ServerLink

CONFIG = LinkConfig(
    max_message_size=16 << 20,
    max_fragments=inf,
    ping_interval=inf,
    compression=Compression(level=1, threshold=0),
)


class EchoConnection:
    """One accepted stream and its link."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.now = asyncio.get_running_loop().time
        self.link = ServerLink(
            CONFIG, random=SystemRandom(), now=self.now()
        )
        self.over = False

    async def run(self) -> None:
        """Echo until the link reports the end of the stream."""
        try:
            while not self.over:
                self.link.handle(await self._next_input(), self.now())
                while (action := self.link.poll()) is not None:
                    self._perform(action)
        finally:
            self.writer.close()

    async def _next_input(self) -> BytesReceived | Tick:
        """Wait for bytes or the deadline. b"" is the end of the stream."""
        deadline = self.link.deadline
        try:
            async with asyncio.timeout_at(
                None if deadline == inf else deadline
            ):
                await self.writer.drain()
                return BytesReceived(await self.reader.read(65536))
        except TimeoutError:
            return Tick()
        except ConnectionError:
            return BytesReceived(b"")

    def _perform(self, action: LinkAction) -> None:
        if isinstance(action, SendBytes):
            self.writer.write(action.data)
        elif isinstance(action, TextReceived):
            self.link.handle(SendMessage(action.text), self.now())
        elif isinstance(action, BinaryReceived):
            self.link.handle(SendMessage(action.data), self.now())
        elif isinstance(action, UpgradeRequested):
            self.link.handle(Accept(subprotocol=None), self.now())
        elif isinstance(action, HttpRequest):
            self.link.handle(
                Respond(426, body=b"this is a WebSocket endpoint"),
                self.now(),
            )
        elif isinstance(action, CloseStream):
            self.over = True
            if action.abort:
                self.writer.transport.abort()


async def serve(host: str, port: int) -> asyncio.Server:
    """Listen. Port 0 picks a free port."""
    return await asyncio.start_server(
        lambda reader, writer: EchoConnection(reader, writer).run(),
        host,
        port,
    )


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="WebSocket echo server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9001)
    options = parser.parse_args()
    async with await serve(options.host, options.port) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"echo server on ws://{host}:{port}/", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
