"""A WebSocket client on `ClientLink` that sends back every message.

    python examples/echo_client.py ws://127.0.0.1:9001/

It uses plain asyncio streams without OCPP. The upgrade request is the
link's first action. The rest works like `echo_server.py`.
"""

import argparse
import asyncio
from math import inf
from random import SystemRandom
from urllib.parse import urlsplit

from ocpp_core.actions import CloseStream, LinkAction, SendBytes
from ocpp_core.config import Compression, LinkConfig
from ocpp_core.inputs import (
    BinaryReceived,
    BytesReceived,
    SendMessage,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
)
from ocpp_core.link import ClientLink

CONFIG = LinkConfig(
    max_message_size=16 << 20,
    max_fragments=inf,
    ping_interval=inf,
    compression=Compression(level=1, threshold=0),
)


class EchoClient:
    """One stream to a server and its link. `last` is the last message."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "ws" or parts.hostname is None:
            raise ValueError(
                f"expected a URL like ws://host:port/path, got {url!r}"
            )
        self.address = parts.hostname, parts.port or 80
        self.host = parts.netloc
        self.target = (
            f"{parts.path or '/'}?{parts.query}"
            if parts.query
            else parts.path or "/"
        )
        self.last: str | bytes = ""

    async def run(self) -> TransportLost:
        """Echo until the server closes. Returns the end of the connection.

        Raises ConnectionError if the connection never opened.
        """
        reader, writer = await asyncio.open_connection(*self.address)
        now = asyncio.get_running_loop().time
        link = ClientLink(
            CONFIG,
            host=self.host,
            target=self.target,
            subprotocols=(),
            random=SystemRandom(),
            now=now(),
        )
        try:
            while True:
                while (action := link.poll()) is not None:
                    if isinstance(action, TransportLost):
                        return action
                    if isinstance(action, TransportFailed):
                        raise action.error
                    if (
                        message := self._perform(action, writer)
                    ) is not None:
                        link.handle(SendMessage(message), now())
                link.handle(
                    await self._next_input(reader, writer, link.deadline),
                    now(),
                )
        finally:
            writer.close()

    async def _next_input(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        deadline: float,
    ) -> BytesReceived | Tick:
        """Wait for bytes or the deadline. b"" is the end of the stream."""
        try:
            async with asyncio.timeout_at(
                None if deadline == inf else deadline
            ):
                await writer.drain()
                return BytesReceived(await reader.read(65536))
        except TimeoutError:
            return Tick()
        except ConnectionError:
            return BytesReceived(b"")

    def _perform(
        self, action: LinkAction, writer: asyncio.StreamWriter
    ) -> str | bytes | None:
        """Perform the link's actions. Returns a message to send back."""
        if isinstance(action, SendBytes):
            writer.write(action.data)
        elif isinstance(action, (TextReceived, BinaryReceived)):
            self.last = (
                action.text
                if isinstance(action, TextReceived)
                else action.data
            )
            return self.last
        elif isinstance(action, CloseStream) and action.abort:
            writer.transport.abort()
        return None


async def main() -> None:
    """Echo until the server closes."""
    parser = argparse.ArgumentParser(
        description="WebSocket client that echoes"
    )
    parser.add_argument("url")
    lost = await EchoClient(parser.parse_args().url).run()
    print(f"closed with {lost.code} {lost.reason}".rstrip())


if __name__ == "__main__":
    asyncio.run(main())
