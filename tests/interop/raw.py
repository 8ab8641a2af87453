"""The other end as raw bytes over a real socket: what no client or server of ours would send."""

import json
import socket
import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream

from tests.kinds import an
from tests.link.wire import CLOSE, TEXT, frame, request
from tests.transports.pairs import SECONDS, client_of

__all__ = [
    "LEAKS",
    "Answer",
    "Raw",
    "basic",
    "connected",
    "hello",
    "knock",
    "playing",
    "refused",
    "serves_a_good_station",
    "station",
]

LEAKS = ("Traceback", "RuntimeError", "KeyError", "ValueError", "File ", "12-34")
"""What no answer to a peer may hold: words of Python, and those of the tests' exceptions."""


def hello(target: str = "/ocpp/CP1", *headers: tuple[str, str], offer: str | None = "ocpp1.6") -> bytes:
    """Write the upgrade request of a good station."""
    offered = () if offer is None else (("Sec-WebSocket-Protocol", offer),)
    return request(*offered, *headers, line=f"GET {target} HTTP/1.1")


def basic(identity: str, password: bytes) -> tuple[str, str]:
    """Write an Authorization header."""
    return "Authorization", "Basic " + b64encode(identity.encode() + b":" + password).decode()


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: str


class Raw:
    """One end of a TCP connection that sends what it is told, and knows what it received."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._data = b""

    async def send(self, *parts: bytes) -> None:
        """Send bytes, each part on its own."""
        for part in parts:
            await self._stream.send(part)

    async def text(self, message: object) -> None:
        """Send a text message as a client does; anything but text is written as JSON."""
        text = message if isinstance(message, str) else json.dumps(message)
        await self.send(frame(TEXT, text.encode()))

    async def half_close(self) -> None:
        """Send no more."""
        with suppress(OSError):  # the other end is gone already
            await self._stream.send_eof()

    async def reset(self) -> None:
        """Cut the connection as a crash does: the other end gets a TCP reset."""
        raw_socket = self._stream.extra(SocketAttribute.raw_socket)
        raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self._stream.aclose()

    async def _more(self) -> bytes:
        """Wait for bytes; none at the end, and only an orderly end is one."""
        with anyio.fail_after(SECONDS):
            try:
                chunk = await self._stream.receive()
            except anyio.EndOfStream:
                return b""
        self._data += chunk
        return chunk

    async def head(self) -> bytes:
        """Receive a block of header lines, of a request or of a response."""
        while b"\r\n\r\n" not in self._data:
            assert await self._more(), f"the stream ended within a head: {self._data!r}"
        block, _, self._data = self._data.partition(b"\r\n\r\n")
        return block + b"\r\n\r\n"

    async def refusal(self, *, patient: bool = False) -> Answer:
        """Receive the one HTTP answer there is and the orderly end behind it, and judge them strictly.

        Our end follows the answer, as HTTP clients do it; a `patient` one waits for the server's end first.
        """
        judge = h11.Connection(h11.CLIENT)
        judge.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        judge.send(h11.EndOfMessage())
        if self._data:
            judge.receive_data(self._data)
        events: list[h11.Event | type] = []
        while not events or not isinstance(events[-1], h11.EndOfMessage):
            events.append(judge.next_event())
            if events[-1] is h11.NEED_DATA:
                events.pop()
                judge.receive_data(await self._more())
        if not patient:
            await self.half_close()
        judge.receive_data(await self._more())
        assert judge.trailing_data == (b"", True)
        response, *body, _ = events
        assert isinstance(response, h11.Response)
        headers = {name.decode(): value.decode() for name, value in response.headers}
        assert "close" in headers["connection"]
        return Answer(response.status_code, headers, b"".join(an(h11.Data, part).data for part in body).decode())

    async def begins(self) -> None:
        """Receive something, or the end: a peer that loses patience may leave before it has said a word."""
        with suppress(anyio.BrokenResourceError):
            if not self._data:
                await self._more()

    async def frame(self) -> tuple[int, bytes]:
        """Receive a frame: its opcode and payload."""
        while (whole := _first_frame(self._data)) is None:
            assert await self._more(), f"the stream ended within a frame: {self._data!r}"
        opcode, payload, size = whole
        self._data = self._data[size:]
        return opcode, payload

    async def message(self) -> Any:
        """Receive the next message, read as JSON; control frames before it are skipped."""
        while True:
            opcode, payload = await self.frame()
            assert opcode != CLOSE, payload
            if opcode == TEXT:
                return json.loads(payload)

    async def closed(self) -> tuple[int, str]:
        """Receive a close frame, whatever comes before it."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2]), payload[2:].decode()

    async def drained(self) -> None:
        """Receive all there is until the end, however it comes."""
        with suppress(anyio.BrokenResourceError):
            while await self._more():
                pass

    async def end(self) -> None:
        """Receive the end, and nothing before it."""
        assert await self._more() == b""
        assert self._data == b""


def _first_frame(data: bytes) -> tuple[int, bytes, int] | None:
    """Cut the first whole frame, of a client or of a server: opcode, payload, size."""
    if len(data) < 2:
        return None
    at, size = 2, data[1] & 0x7F
    if size >= 126:
        at = 4 if size == 126 else 10
        size = int.from_bytes(data[2:at])
    key = b""
    if data[1] & 0x80:
        key, at = data[at : at + 4], at + 4
    if len(data) < at + size:
        return None
    payload = data[at : at + size]
    if key:
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return data[0] & 0x0F, payload, at + size


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Raw]:
    """Connect to a port of this machine."""
    with anyio.fail_after(SECONDS):
        stream = await anyio.connect_tcp("127.0.0.1", port)
    async with stream:
        yield Raw(stream)


async def knock(port: int, *parts: bytes) -> Answer:
    """Send these bytes to a server, and return its refusal."""
    async with connected(port) as raw:
        await raw.send(*parts)
        return await raw.refusal()


@asynccontextmanager
async def station(port: int, identity: str = "CP1", *, offer: str = "ocpp1.6") -> AsyncIterator[Raw]:
    """Connect a station made of bytes, upgraded."""
    async with connected(port) as raw:
        await raw.send(hello(f"/ocpp/{identity}", offer=offer))
        assert (await raw.head()).startswith(b"HTTP/1.1 101 ")
        yield raw


async def serves_a_good_station(server: Any, listener: Any) -> None:
    """See that a server is alive: a station of ours connects to it and calls both ways."""
    async with client_of(listener, "good") as client:
        server.remove_handler("Heartbeat")
        server.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
        await client.connect()
        assert await client.call("Heartbeat") == {"currentTime": "now"}
        client.handle("Reset", lambda ctx: {"status": "Accepted"})
        assert await server.call("good", "Reset", {"type": "Soft"}) == {"status": "Accepted"}


@asynccontextmanager
async def playing(script: Callable[[Raw], Awaitable[None]]) -> AsyncIterator[int]:
    """Run a server that plays this script with everyone who connects; yields its port."""

    async def play(stream: SocketStream) -> None:
        async with stream:
            await script(Raw(stream))

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, play)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def refused(server: Any, listener: Any, *parts: bytes) -> Answer:
    """Send a request that gets refused; returns the answer, after the server has served a good station."""
    answer = await knock(listener.port, *parts)
    assert not [leak for leak in LEAKS if leak in answer.body + str(answer.headers)]
    await serves_a_good_station(server, listener)
    return answer


def leaving_the_good_one(auth: Callable[..., Any]) -> Callable[..., Any]:
    """Judge stations by this function, but let the good one in."""

    def decide(accept: Callable[[], None], reject: Callable[[int], None], handshake: Any) -> Any:
        return accept() if handshake.identity == "good" else auth(accept, reject, handshake)

    return decide
