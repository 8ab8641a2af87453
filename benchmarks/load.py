"""The load generator: stations that cost next to nothing, in a process of their own.

Raw sockets on one epoll and frames made before the clock starts, so that what it pays for a message is mostly the
kernel's part. It counts its own cost, too, and how busy the server was: a server that waits for its load is not
measured at its best. Prints one JSON object.

    python benchmarks/load.py busy PORT PID --connections 50 --warmup 1 --seconds 3
    python benchmarks/load.py idle PORT PID --connections 2000
"""

import argparse
import json
import select
import socket
import time
from collections.abc import Iterable
from typing import Final

from benchmarks.process import cpu_seconds, resident_bytes
from benchmarks.traffic import ACCEPTED, SUBPROTOCOL, PreparedCall, frame, prepared_calls

__all__ = ["Station", "busy", "idle"]

_PATIENCE: Final = 30.0
"""Seconds a server may leave a station without a byte; then the benchmark is void."""
_TEXT: Final = 0x81
_PING: Final = 0x89
_FIRST_MEMORY: Final = 50
"""Connections opened before memory is looked at, so that what a server loads once is not counted."""


class Station:
    """One connection with one CALL in flight at a time."""

    __slots__ = ("answered", "awaited", "buffer", "calls", "position", "socket")

    def __init__(self, port: int, identity: str, calls: list[PreparedCall], position: int) -> None:
        self.calls = calls
        self.position = position % len(calls)
        self.answered = 0
        self.awaited = b""
        self.buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upgrade(port, identity)

    def _upgrade(self, port: int, identity: str) -> None:
        self.socket.sendall(
            f"GET /ocpp/{identity} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError(f"the server hung up during the handshake after {head!r}")
            head += data
        head, _, self.buffer = head.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"expected a WebSocket, got {head!r}")

    def send_next(self) -> None:
        """Send the next CALL."""
        call = self.calls[self.position]
        self.position += 1
        if self.position == len(self.calls):
            self.position = 0
        self.awaited = call.message_id
        self.socket.send(call.frame)

    def receive(self) -> None:
        """Take bytes from the server, and send the next CALL when they complete the answer to the last one."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        data = self.buffer + data if self.buffer else data
        if data[0] == _TEXT and data[1] < 126 and len(data) == 2 + data[1]:
            self._accept(data[2:])
        else:
            self._accept_all(data)

    def _accept(self, text: bytes) -> None:
        if not text.startswith(ACCEPTED) or self.awaited not in text[:64]:
            raise ValueError(f"expected a CALLRESULT for {self.awaited!r}, got {text[:300]!r}")
        self.buffer = b""
        self.answered += 1
        self.send_next()

    def _accept_all(self, data: bytes) -> None:
        """Take what is no whole single text frame: partial frames, pings."""
        self.buffer = data
        while len(data := self.buffer) >= 2:
            length, start = data[1], 2
            if length == 126:
                length, start = int.from_bytes(data[2:4], "big"), 4
            if len(data) < start + length:
                return
            payload, rest = data[start : start + length], data[start + length :]
            if data[0] == _TEXT:
                self._accept(payload)
            elif data[0] == _PING:
                self.socket.send(frame(0xA, payload))
            else:
                raise ConnectionError(f"unexpected frame {data[:100]!r}")
            self.buffer = rest

    def call_once(self) -> None:
        """Send one CALL and wait for its answer, without another one after it."""
        self.send_next()
        answer = self.socket.recv(65536)
        if not answer.startswith(bytes((_TEXT,))) or ACCEPTED not in answer[:8]:
            raise ValueError(f"expected a CALLRESULT, got {answer[:300]!r}")


def _connect(port: int, count: int, first: int = 0) -> list[Station]:
    calls = prepared_calls(1024)
    return [Station(port, f"CP{number}", calls, number) for number in range(first, first + count)]


def _drive(stations: Iterable[Station], poller: select.epoll, by_descriptor: dict[int, Station], seconds: float) -> int:
    """Let the stations talk for a time; return how many CALLs were answered meanwhile."""
    before = sum(station.answered for station in stations)
    now = time.monotonic
    end = now() + seconds
    while now() < end:
        ready = poller.poll(_PATIENCE)
        if not ready:
            raise TimeoutError("the server stopped answering")
        for descriptor, _ in ready:
            by_descriptor[descriptor].receive()
    return sum(station.answered for station in stations) - before


def busy(port: int, pid: int, connections: int, warmup: float, seconds: float) -> dict[str, float]:
    """Measure what an answered CALL costs the server, with every station in a closed loop."""
    stations = _connect(port, connections)
    by_descriptor = {station.socket.fileno(): station for station in stations}
    poller = select.epoll()
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLIN)
    for station in stations:
        station.send_next()
    _drive(stations, poller, by_descriptor, warmup)
    server, own, wall = cpu_seconds(pid), time.process_time(), time.monotonic()
    answered = _drive(stations, poller, by_descriptor, seconds)
    server, own, wall = cpu_seconds(pid) - server, time.process_time() - own, time.monotonic() - wall
    return {
        "answered": answered,
        "server_us": server / answered * 1e6,
        "load_us": own / answered * 1e6,
        "server_share": server / wall,
    }


def idle(port: int, pid: int, connections: int, settle: float) -> dict[str, float]:
    """Measure what an open connection costs the server in memory, after one answered Heartbeat."""
    stations = _connect(port, _FIRST_MEMORY)
    for station in stations:
        for _ in range(4):
            station.call_once()
    before = _settled_memory(pid, settle)
    more = _connect(port, connections, len(stations))
    for station in more:
        station.position = 0  # a Heartbeat
        station.call_once()
    after = _settled_memory(pid, settle)
    return {"connections": connections, "bytes_each": (after - before) / connections}


def _settled_memory(pid: int, settle: float) -> int:
    """Return the least memory of a while: garbage that a collector has not found yet is not the connections'."""
    least = resident_bytes(pid)
    for _ in range(5):
        time.sleep(settle / 5)
        least = min(least, resident_bytes(pid))
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["busy", "idle"])
    parser.add_argument("port", type=int)
    parser.add_argument("pid", type=int, help="the server's process")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds before the clock starts")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds that are measured")
    parser.add_argument("--settle", type=float, default=1.0, help="seconds in which memory may shrink")
    args = parser.parse_args()
    if args.mode == "busy":
        result = busy(args.port, args.pid, args.connections, args.warmup, args.seconds)
    else:
        result = idle(args.port, args.pid, args.connections, args.settle)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
