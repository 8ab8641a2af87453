"""What an event loop alone costs: python benchmarks/servers/bare_echo.py asyncio|uvloop.

A Python protocol that unmasks only the message id of a CALL, and sends a ready response with it. It reads no JSON and
checks nothing. It expects one whole frame at a time, as the load sends them in a closed loop.
"""

import argparse
import asyncio
from typing import Any, Final

from benchmarks.loops import run
from benchmarks.servers.lifeline import BACKLOG, announce

_ACCEPT: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: %b\r\n\r\n"
)
"""Response to the key of RFC 6455 §1.3, which the load always sends."""
_PROTOCOL: Final = b"Sec-WebSocket-Protocol: "
_UNMASKED: Final = 12
"""Bytes of `[2,"` and the message id, which has eight characters in every CALL of the load."""
_ANSWER: Final = b'",{"currentTime":"2026-03-01T12:00:00.000Z"}]'
_HEAD: Final = bytes((0x81, _UNMASKED + len(_ANSWER))) + b'[3,"'


class _Echo(asyncio.Protocol):
    def __init__(self) -> None:
        self._request = b""
        self._is_open = False

    def connection_made(self, transport: Any) -> None:  # uvloop's is no asyncio.Transport
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            self._upgrade(data)
            return
        start = 4 if data[1] == 0xFE else 2  # 126: two more bytes of length
        mask, masked = data[start : start + 4], data[start + 4 : start + 4 + _UNMASKED]
        text = (int.from_bytes(masked, "big") ^ int.from_bytes(mask * 3, "big")).to_bytes(_UNMASKED, "big")
        self._write(_HEAD + text[4:] + _ANSWER)

    def _upgrade(self, data: bytes) -> None:
        self._request += data
        if b"\r\n\r\n" in self._request:
            protocol = self._request.partition(_PROTOCOL)[2].partition(b"\r\n")[0]
            self._write(_ACCEPT % protocol)
            self._is_open, self._request = True, b""


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Echo, "127.0.0.1", 0, backlog=BACKLOG)
    announce(server.sockets[0].getsockname()[1])
    await loop.create_future()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loop", choices=["asyncio", "uvloop"])
    run(parser.parse_args().loop, _serve())


if __name__ == "__main__":
    main()
