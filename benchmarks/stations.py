"""Stations of little cost: raw sockets, and frames made before the clock starts."""

import base64
import select
import socket
from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.traffic import ACCEPTED, PreparedCall, Traffic, frame, inflate, prepared_calls

__all__ = ["PATIENCE", "Crowd", "Station", "connect", "expect_upgrade", "upgrade_request"]

PATIENCE: Final = 30.0
"""Seconds without a byte from the server until the benchmark is void."""
_TEXT: Final = 0x81
_COMPRESSED: Final = 0xC1
_PING: Final = 0x89
_PREPARED: Final = 1024
"""CALLs made in advance. A station that has sent them all starts again."""


def upgrade_request(port: int, identity: str, protocol: str, *, password: str = "", deflate: bool = False) -> bytes:
    """Return the request that opens a WebSocket."""
    lines = [
        f"GET /ocpp/{identity} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {protocol}",
    ]
    if password:
        lines.append(f"Authorization: Basic {base64.b64encode(f'{identity}:{password}'.encode()).decode()}")
    if deflate:
        lines.append(
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        )
    return "\r\n".join([*lines, "\r\n"]).encode()


def expect_upgrade(head: bytes, *, deflate: bool = False) -> None:
    """Raise ConnectionError unless the server opened the WebSocket as requested."""
    if not head.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(f"expected a WebSocket, got {head!r}")
    if deflate != (b"permessage-deflate" in head):
        raise ConnectionError(f"expected compression: {deflate}, got {head!r}")


class Station:
    """One connection with one CALL in flight at a time."""

    __slots__ = ("answered", "awaited", "buffer", "calls", "compressed", "pings", "position", "socket")

    def __init__(self, port: int, request: bytes, calls: Sequence[PreparedCall], position: int) -> None:
        self.calls = calls
        self.position = position % len(calls)
        self.answered = 0
        self.compressed = 0
        self.pings = 0
        self.awaited = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = self._upgrade(request)
        self.socket.settimeout(None)  # with a timeout, Python polls before it reads: one more system call

    def _upgrade(self, request: bytes) -> bytes:
        """Open the WebSocket. Returns the bytes that the server sent after its response."""
        self.socket.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError(f"the server closed the connection during the handshake after {head!r}")
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        expect_upgrade(head, deflate=b"permessage-deflate" in request)
        return rest

    def send_next(self) -> None:
        """Send the next CALL."""
        call = self.calls[self.position]
        self.position += 1
        if self.position == len(self.calls):
            self.position = 0
        self.awaited = call.message_id
        self.socket.send(call.frame)

    def receive(self) -> bool:
        """Receive bytes from the server, and answer pings.

        Returns True if the bytes complete the response to the last CALL.
        """
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        if not self.buffer and data[0] == _TEXT and len(data) == 2 + data[1]:
            return self._accept(data[2:])
        self.buffer += data
        return self._read_frames()

    def _accept(self, text: bytes) -> bool:
        if not text.startswith(ACCEPTED) or self.awaited not in text[:64]:
            raise ValueError(f"expected a CALLRESULT for {self.awaited!r}, got {text[:300]!r}")
        self.answered += 1
        return True

    def _read_frames(self) -> bool:
        """Receive anything that is not one complete text frame: partial frames, pings."""
        before = self.answered
        while len(data := self.buffer) >= 2:
            length, start = data[1], 2
            if length == 126:
                length, start = int.from_bytes(data[2:4], "big"), 4
            if len(data) < start + length:
                break
            self._take(data[0], data[start : start + length])
            self.buffer = data[start + length :]
        return self.answered > before

    def _take(self, first: int, payload: bytes) -> None:
        if first == _TEXT:
            self._accept(payload)
        elif first == _COMPRESSED:
            self.compressed += 1
            self._accept(inflate(payload))
        elif first == _PING:
            self.pings += 1
            self.socket.send(frame(0xA, payload))
        else:
            raise ConnectionError(f"expected a text frame or a ping, got {first:#x}, {payload[:100]!r}")

    def call_once(self) -> None:
        """Send one CALL and wait for its response."""
        self.send_next()
        while not self.receive():
            pass


def connect(port: int, traffic: Traffic, count: int, first: int = 0) -> list[Station]:
    """Return this many stations, connected one after the other."""
    calls = prepared_calls(traffic, _PREPARED)
    return [
        Station(port, upgrade_request(port, f"CP{number}", traffic.protocol), calls, number)
        for number in range(first, first + count)
    ]


class Crowd:
    """Many stations on one epoll."""

    def __init__(self) -> None:
        self._poller = select.epoll()
        self._by_descriptor: dict[int, Station] = {}

    def add(self, stations: Iterable[Station]) -> None:
        """Add these stations to the epoll."""
        for station in stations:
            descriptor = station.socket.fileno()
            self._by_descriptor[descriptor] = station
            self._poller.register(descriptor, select.EPOLLIN)

    def __len__(self) -> int:
        return len(self._by_descriptor)

    @property
    def stations(self) -> list[Station]:
        """All stations, in the order in which they were added."""
        return list(self._by_descriptor.values())

    def answered(self, timeout: float) -> list[Station]:
        """Wait at most this many seconds for bytes. Returns the stations whose CALL was answered."""
        by_descriptor = self._by_descriptor
        return [
            station for descriptor, _ in self._poller.poll(timeout) if (station := by_descriptor[descriptor]).receive()
        ]
