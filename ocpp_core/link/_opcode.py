"""The types of frames, and a whole control frame (RFC 6455 §5.2 and §5.5)."""

from enum import IntEnum

from ocpp_core._dataclasses import dataclass

__all__ = ["Control", "Opcode"]


class Opcode(IntEnum):
    """The type of a frame (RFC 6455 §5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(slots=True)
class Control:
    """A whole control frame."""

    opcode: Opcode
    payload: bytes
