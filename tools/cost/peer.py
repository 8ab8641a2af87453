"""The bytes that a peer sends in the counted scenarios, and parsers for those that it receives."""

import base64
import hashlib
import re
from itertools import cycle
from typing import Final

__all__ = ["PONG", "REQUEST", "TEXT", "accepting", "call_text", "frame", "unmasked"]

TEXT, PONG = 0x81, 0x8A  # the last frame of a text, a pong (RFC 6455 §5.2)
REQUEST: Final = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_KEY: Final = b"\x37\xfa\x21\x3d"


def _xored(payload: bytes, key: bytes) -> bytes:
    return bytes(byte ^ part for byte, part in zip(payload, cycle(key), strict=False))


def frame(first: int, payload: bytes, *, masked: bool) -> bytes:
    """Return one frame with `first` as first byte, masked for a client."""
    size = len(payload)
    bit = 0x80 if masked else 0
    head = bytes((first, bit | size)) if size < 126 else bytes((first, bit | 126)) + size.to_bytes(2, "big")
    return head + _KEY + _xored(payload, _KEY) if masked else head + payload


def unmasked(data: bytes) -> bytes:
    """Return the payload of one masked frame of less than 126 bytes."""
    return _xored(data[6:], data[2:6])


def call_text(number: int, action: str, payload_json: str) -> str:
    """Return the text of a CALL."""
    return f'[2,"{number:08x}","{action}",{payload_json}]'


def accepting(request: bytes) -> bytes:
    """Return the response that accepts an upgrade request to OCPP 1.6 (RFC 6455 §4.2.2)."""
    found = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    assert found is not None
    accept = base64.b64encode(hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    )
