"""Attacks of hostile stations, cheap to send and meant to be expensive for a server. Used by `siege`."""

import socket
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from select import select
from typing import Final

from ocpp_core.link._frames import encode_frame
from ocpp_core.link._opcode import Opcode

__all__ = ["ATTACKS", "KEY", "Attack", "knock", "request", "reset", "run"]

KEY: Final = b"\x12\x34\x56\x78"
"""The masking key of all frames."""
_CHUNK: Final = 65536
_REQUEST: Final = (
    "GET /ocpp/{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n{}\r\n"
)
_DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
_RESET: Final = struct.pack("ii", 1, 0)


def _frame(payload: bytes, opcode: Opcode = Opcode.TEXT, *, compressed: bool = False) -> bytes:
    return encode_frame(opcode, payload, key=KEY, compressed=compressed)


def _deflated(text: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return _frame((compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4], compressed=True)


def _again(frame: bytes) -> Callable[[int], bytes]:
    """Return a function that repeats one chunk: the frame as often as it fits, at least once."""
    chunk = frame * max(1, _CHUNK // len(frame))
    return lambda _: chunk


def _calls(payload: bytes, count: int = 1) -> Callable[[int], bytes]:
    """Return a function that makes CALLs with new ids. The server answers copies from memory, which is cheap."""

    def chunk(number: int) -> bytes:
        ids = range(number * count, (number + 1) * count)
        return b"".join(_frame(b'[2,"%d",%s]' % (each, payload)) for each in ids)

    return chunk


_HEARTBEATS: Final = _calls(b'"Heartbeat",{}', 2000)
_FRAGMENT: Final = bytes([0, 0x80]) + KEY
_FRAGMENTS: Final = bytes([1, 0x80]) + KEY + _FRAGMENT * 1000 + bytes([0x80, 0x80]) + KEY
_BRACKETS: Final = b'"DataTransfer",{"vendorId":"v","data":[' + b"[]," * 340_000 + b"[]]}"
_CLOSERS: Final = b"]" * 1_048_000 + b"[" * 129
_STREAMS: Final = _frame(b"\x03\x00" * 32_000, compressed=True)
_LARGE: Final = b'"DataTransfer",{"vendorId":"v","data":"%s"}' % (b"x" * 900_000)


@dataclass(frozen=True, slots=True)
class Attack:
    """The bytes that one connection sends, and their rate."""

    chunk: Callable[[int], bytes]
    """Returns the n-th chunk."""
    rate: float = 0.0
    """Bytes per second; 0 is as fast as the server reads."""
    reads: bool = True
    compressed: bool = False
    what: str = ""


_SLOW: Final = 524288 / 8

ATTACKS: Final = {
    "calls": Attack(_HEARTBEATS, what="CALLs without a pause"),
    "deaf": Attack(_HEARTBEATS, reads=False, what="CALLs whose responses are never read"),
    "copies": Attack(_again(_frame(b'[2,"a","Heartbeat",{}]')), what="one CALL again and again"),
    "pings": Attack(_again(_frame(b"", Opcode.PING)), what="pings without a pause"),
    "empty": Attack(_again(_frame(b"")), what="empty texts without a pause"),
    "binary": Attack(_again(_frame(b"x", Opcode.BINARY)), rate=_SLOW, what="binary messages"),
    "bad": Attack(_again(_frame(b"{")), rate=_SLOW, what="texts that are not JSON"),
    "answers": Attack(_again(_frame(b'[3,"a",{}]')), rate=_SLOW, what="responses without a CALL"),
    "fragments": Attack(_again(_FRAGMENTS), what="texts of empty fragments"),
    "deep": Attack(_again(_deflated(b"[" * (1 << 20))), rate=42000 / 8, compressed=True, what="a MiB of [ in 1 kB"),
    "closers": Attack(_again(_deflated(_CLOSERS)), rate=42000 / 8, compressed=True, what="a MiB of ] in 1 kB"),
    "streams": Attack(_again(_STREAMS), compressed=True, what="messages of empty deflate streams"),
    "brackets": Attack(_calls(_BRACKETS), rate=1 << 20, what="CALLs of a MiB full of []"),
    "large": Attack(_calls(_LARGE), rate=1 << 21, what="CALLs of almost a MiB, which are allowed"),
}


def request(identity: str, headers: str = "") -> bytes:
    """Return an upgrade request with further header lines."""
    return _REQUEST.format(identity, headers).encode()


def knock(port: int, identity: str, *, compressed: bool = False) -> socket.socket:
    """Connect and complete the handshake, blocking."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(request(identity, _DEFLATE if compressed else ""))
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(1)
        if not piece:
            raise ConnectionError(f"expected 101, got {answer!r}")
        answer += piece
    if not answer.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(f"expected 101, got {answer!r}")
    return connection


def reset(connection: socket.socket) -> None:
    """Reset a connection, as after a power failure of the station."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def run(attack: Attack, port: int, identity: str, until: float, sent: Callable[[int], None]) -> None:
    """Send the attack until the monotonic time `until`, with a reconnect after each disconnect."""
    while time.monotonic() < until:
        with suppress(OSError):
            connection = knock(port, identity, compressed=attack.compressed)
            try:
                _send(attack, connection, until, sent)
            finally:
                reset(connection)
        time.sleep(0.05)


def _send(attack: Attack, connection: socket.socket, until: float, sent: Callable[[int], None]) -> None:
    connection.settimeout(0.2)
    begin, total, rest, number = time.monotonic(), 0, b"", 0
    while (now := time.monotonic()) < until:
        if attack.reads:
            _read(connection)
        if attack.rate and total > attack.rate * (now - begin):
            time.sleep(0.01)
            continue
        if not rest:
            rest, number = attack.chunk(number), number + 1
        with suppress(TimeoutError):
            count = connection.send(rest[:_CHUNK])
            rest = rest[count:]
            total += count
            sent(count)


def _read(connection: socket.socket) -> None:
    """Read the received bytes without waiting for more."""
    while select([connection], [], [], 0)[0]:
        if not connection.recv(_CHUNK):
            raise ConnectionError("the server closed the connection")
