"""Loads of a bad day, each bounded in count: what many careless or hostile peers do at a server. Used by `siege`.

A load returns how many of its peers or messages the server has treated as it must. With a lower count it takes less
time, for the tests.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from ocpp_core.link._frames import encode_frame
from ocpp_core.link._opcode import Opcode
from tools.attacks import KEY, knock, request, reset

__all__ = ["LOADS", "REFUSED", "Load"]

REFUSED: Final = "REFUSED"
"""The beginning of the identities that the server refuses with 401."""

_THREADS: Final = 8
_PIPELINED: Final = 50
"""CALLs that the greedy station sends before it reads their responses."""
_RESERVED: Final = encode_frame(Opcode.TEXT, b"x", key=KEY).replace(b"\x81", b"\x83", 1)
_NOT_JSON: Final = encode_frame(Opcode.TEXT, b"{", key=KEY)


@dataclass(frozen=True, slots=True)
class Load:
    """A load: `run(port, count)` returns how many of `count` were treated as they must be."""

    run: Callable[[int, int], int]
    count: int
    what: str


def _each(function: Callable[[int, int], bool], port: int, count: int) -> int:
    """Call a function for each number, in threads; return how often it returned True."""
    with ThreadPoolExecutor(_THREADS) as threads:
        return sum(threads.map(lambda number: function(port, number), range(count)))


def _slow_handshakes(port: int, count: int) -> int:
    """Send requests byte by byte, all at the same time, and never end them."""
    text = request("SLOW")[:-2]
    with ExitStack() as stack:
        peers = [stack.enter_context(_connect(port)) for _ in range(count)]
        for at in range(len(text)):
            for peer in peers:
                with suppress(OSError):
                    peer.send(text[at : at + 1])
            time.sleep(count / 10_000)
        return len(peers)


def _refused(port: int, number: int) -> bool:
    with _connect(port) as peer:
        peer.sendall(request(f"{REFUSED}{number}"))
        answer = peer.recv(64)
        while peer.recv(4096):
            pass
        return answer.startswith(b"HTTP/1.1 401")


def _refused_upgrades(port: int, count: int) -> int:
    return _each(_refused, port, count)


def _invalid_frames(port: int, count: int) -> int:
    """Send texts that are not JSON, and after each hundred of them a frame that breaks the protocol."""
    closed = 0
    for _ in range(max(1, count // 100)):
        connection = knock(port, "INVALID")
        with connection, suppress(ConnectionError):
            connection.sendall(_NOT_JSON * 99 + _RESERVED)
            closed += _closes(connection, 1002)
    return closed * 100


def _closes(connection: socket.socket, code: int) -> bool:
    """Return True if the server closes the connection with this code."""
    received, wanted = b"", struct.pack("!H", code)
    while piece := connection.recv(65536):
        received += piece
        if any(payload.startswith(wanted) for payload, _ in _frames(received)):
            return True
    return False


def _greedy_calls(port: int, count: int) -> int:
    """Send CALLs as one station as fast as they are answered; return the number of responses."""
    answered = 0
    with knock(port, "GREEDY") as connection:
        for first in range(0, count, _PIPELINED):
            ids = range(first, min(count, first + _PIPELINED))
            frames = (encode_frame(Opcode.TEXT, b'[2,"%d","Heartbeat",{}]' % each, key=KEY) for each in ids)
            connection.sendall(b"".join(frames))
            answered += _responses(connection, len(ids))
    return answered


def _responses(connection: socket.socket, count: int) -> int:
    """Read frames until this many were CALLRESULTs, or the connection ends; return their number."""
    received, seen = b"", 0
    while seen < count:
        piece = connection.recv(65536)
        if not piece:
            return seen
        received += piece
        end = 0
        for payload, end in _frames(received):  # noqa: B007 - the last end is needed after the loop
            seen += payload.startswith(b"[3,")
        received = received[end:]
    return seen


def _frames(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Iterate over the complete frames of a server, shorter than 64 KiB: each one's payload and its end."""
    at = 0
    while len(data) >= at + 4:
        is_long = data[at + 1] == 126
        start = at + (4 if is_long else 2)
        at = start + (int.from_bytes(data[at + 2 : at + 4], "big") if is_long else data[at + 1])
        if len(data) < at:
            return
        yield data[start:at], at


def _half_open(port: int, count: int) -> int:
    """Connect, half of them up to the 101, and then do nothing at all: not even answer a ping."""
    with ExitStack() as stack:
        for number in range(count):
            peer = knock(port, f"SILENT{number}") if number % 2 else _connect(port)
            stack.callback(reset, peer)
        time.sleep(count / 100)
    return count


def _reconnects(port: int, count: int) -> int:
    """Connect again and again as one station, without ending the connection before."""
    replaced = 0
    older = knock(port, "RESTLESS")
    for _ in range(count - 1):
        newer = knock(port, "RESTLESS")
        with older:
            replaced += _closes(older, 4000)
        older = newer
    older.close()
    return replaced + 1


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


LOADS: Final = {
    "slow-handshakes": Load(_slow_handshakes, 200, "requests that arrive byte by byte and never end"),
    "refused-upgrades": Load(_refused_upgrades, 5_000, "upgrades that `auth` refuses"),
    "invalid-frames": Load(_invalid_frames, 10_000, "texts that are not JSON, and frames with a reserved opcode"),
    "greedy-calls": Load(_greedy_calls, 50_000, "CALLs of one station, 50 at a time"),
    "half-open": Load(_half_open, 500, "sockets that stay open and silent"),
    "reconnects": Load(_reconnects, 2_000, "connections of one identity, each replacing the one before"),
}
