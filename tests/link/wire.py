"""The other end of a link, made by hand: requests, frames and answers as bytes, and what a link does as a list."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from math import inf
from random import Random
from struct import pack, unpack_from
from typing import Any

from ocpp_core.actions import LinkAction, Report, SendBytes, Yield
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import Accept, BytesReceived, LinkInput, Tick
from ocpp_core.link import ClientLink, ServerLink

Link = ServerLink | ClientLink

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
EOF = BytesReceived(b"")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 §1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

DEFAULT = (
    ("Host", "csms.example"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
)


def settings(**options: Any) -> LinkConfig:
    """A config without pings unless a test is about them."""
    return LinkConfig(**{"ping_interval": inf, **options})


def request(
    *more: tuple[str, str],
    line: str = "GET /CP1 HTTP/1.1",
    without: Sequence[str] = (),
) -> bytes:
    """An upgrade request: the default headers but those of `without`, then `more`."""
    fields = [*(field for field in DEFAULT if field[0] not in without), *more]
    return "".join([f"{line}\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"]).encode("latin-1")


def answer(link_request: bytes, *more: tuple[str, str], without: Sequence[str] = ()) -> bytes:
    """A right 101 for the client's request, with headers left out or added."""
    key = link_request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]
    kept = [*(field for field in fields if field[0] not in without), *more]
    lines = ["HTTP/1.1 101 Switching Protocols\r\n", *(f"{name}: {value}\r\n" for name, value in kept), "\r\n"]
    return "".join(lines).encode("latin-1")


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True, length: int | None = None
) -> bytes:
    """One frame; `length` announces another length than the payload has."""
    size = len(payload) if length is None else length
    first, mask = fin << 7 | rsv << 4 | opcode, masked << 7
    if size < 126:
        head = bytes([first, mask | size])
    elif size < 1 << 16:
        head = pack("!BBH", first, mask | 126, size)
    else:
        head = pack("!BBQ", first, mask | 127, size)
    if not masked:
        return head + payload
    key = b"\x12\x34\x56\x78"
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def read_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Whole frames as (first byte, unmasked payload)."""
    frames = []
    while data:
        first, second = data[0], data[1]
        at, size = 2, second & 127
        if size == 126:
            at, size = 4, unpack_from("!H", data, 2)[0]
        elif size == 127:
            at, size = 10, unpack_from("!Q", data, 2)[0]
        key = b"\0\0\0\0"
        if second & 128:
            key, at = data[at : at + 4], at + 4
        frames.append((first, bytes(byte ^ key[i % 4] for i, byte in enumerate(data[at : at + size]))))
        data = data[at + size :]
    return frames


def drain(link: Link) -> list[LinkAction]:
    """Every action until there is none, as a host with nothing else to do sees them: the ends of turns left out."""
    actions = []
    while (action := link.poll()) is not None:
        if type(action) is not Yield:
            actions.append(action)
    return actions


def feed(link: Link, *events: LinkInput | bytes, now: float = 0.0) -> list[LinkAction]:
    """Feed inputs, bytes as received ones, and drain after each."""
    actions = []
    for event in events:
        link.handle(BytesReceived(event, link._attempt) if isinstance(event, bytes) else event, now)
        actions += drain(link)
    return actions


def tick(link: Link, now: float) -> list[LinkAction]:
    """Let the time come."""
    return feed(link, Tick(), now=now)


def news(actions: Sequence[LinkAction]) -> list[LinkAction]:
    """The actions but bytes and reports."""
    return [action for action in actions if not isinstance(action, (SendBytes, Report))]


def sent(actions: Sequence[LinkAction]) -> bytes:
    """The bytes sent."""
    return b"".join(action.data for action in actions if isinstance(action, SendBytes))


def open_server(config: LinkConfig | None = None, *more: tuple[str, str], now: float = 0.0) -> ServerLink:
    """A server's link with the handshake behind it."""
    link = ServerLink(config or settings(), random=Random(1), now=now)
    feed(link, request(*more), Accept(None), now=now)
    return link


def open_client(config: LinkConfig | None = None, *more: tuple[str, str], now: float = 0.0) -> ClientLink:
    """A client's link with the handshake behind it."""
    link = ClientLink(
        config or settings(), host="csms.example", target="/CP1", subprotocols=(), random=Random(2), now=now
    )
    feed(link, answer(sent(drain(link)), *more), now=now)
    return link


class Server:
    """What a test over both roles needs, for a server's link."""

    masked = True
    open = staticmethod(open_server)


class Client:
    """The same for a client's link."""

    masked = False
    open = staticmethod(open_client)


def server_link(**options: Any) -> ServerLink:
    """A server's end, waiting for its request."""
    return ServerLink(settings(**options), random=Random(1), now=0.0)


def head_of(data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status and headers (lower-case names) of a response, and its body."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split(" ")[1]), headers, body


def upgrade_without(name: str, *values: str) -> bytes:
    """An upgrade request but for one header, which has these values instead."""
    return request(*((name, value) for value in values), without=[name])
