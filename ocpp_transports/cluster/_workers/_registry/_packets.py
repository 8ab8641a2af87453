"""Packets between a worker and its supervisor, in both directions of one stream.

A packet is its length in 4 bytes, a line of JSON, and perhaps a frame from node to node, which may have any bytes. The
line is `[number, what, …]`: a worker numbers its requests from 1, the answer has the same number and the result.
Packets of the supervisor with the number 0 answer nothing.
"""

import json
from typing import Any, Final, NamedTuple

__all__ = ["BUCKETS", "LENGTH", "SENT", "Packet", "length_of", "read_packet", "write_packet"]

BUCKETS: Final = 64
"""Buckets of the registry."""
SENT: Final = "sent"
"""The result of a frame that was passed on; any other one is the reason why not."""
LENGTH: Final = 4
"""Bytes of the length."""
_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of the longest packet, without its length."""


class Packet(NamedTuple):
    """A packet."""

    number: int
    line: list[Any]
    """What it is, and its arguments."""
    frame: bytes


def length_of(begin: bytes | bytearray) -> int:
    """Return the length of the packet that begins with these bytes. Raises ValueError if it is too long."""
    length = int.from_bytes(begin[:LENGTH], "big")
    if length > _LONGEST:
        raise ValueError(f"expected a packet of at most {_LONGEST} bytes, got {length}")
    return length


def write_packet(number: int, *line: Any, frame: bytes = b"") -> bytes:
    """Return a packet with its length. Raises ValueError for one that is too long."""
    packet = b"%s\n%s" % (json.dumps([number, *line]).encode(), frame)
    if len(packet) > _LONGEST:
        raise ValueError(f"expected a packet of at most {_LONGEST} bytes, got {len(packet)}")
    return len(packet).to_bytes(LENGTH, "big") + packet


def read_packet(packet: bytes) -> Packet:
    """Return a packet without its length. Raises ValueError for anything else."""
    line, _, frame = packet.partition(b"\n")
    number, *rest = json.loads(line)
    return Packet(number, rest, frame)
