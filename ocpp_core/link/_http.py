"""The HTTP/1.1 of the handshake (RFC 6455 §4), parsed with h11."""

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha1
from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.websocket.headers import TCHARS, elements, expect_header, is_token, joined, with_length

from ._deflate import Extension

__all__ = [
    "HeadBuffer",
    "HeadTooLargeError",
    "Headers",
    "RequestHead",
    "ResponseHead",
    "accept_key",
    "check_headers",
    "head",
    "read_extensions",
    "read_request",
    "read_response",
    "response",
]

Headers: TypeAlias = Sequence[tuple[str, str]]

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
# One parameter of an extension (RFC 6455 §9.1); a quoted value must be a token after unquoting.
_PARAMETER: Final = re.compile(
    rf"""[ \t]*(?P<name>{TCHARS})[ \t]*(?:=[ \t]*(?P<q>"?)(?P<value>{TCHARS})(?P=q)[ \t]*)?"""
)
# A server stores the header of every station, so all of them share the texts of frequent names and values.
_SHARED: Final = {
    text.encode(): text
    for text in (
        "authorization",
        "connection",
        "host",
        "origin",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "upgrade",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-proto",
        "13",
        "Upgrade",
        "ocpp1.6",
        "ocpp2.0.1",
        "ocpp2.1",
        "websocket",
    )
}


class HeadTooLargeError(Exception):
    """The head block exceeds the limit: it has no blank line within it."""


class HeadBuffer:
    """The buffered bytes of a handshake: a head block up to its blank line, and the bytes after it."""

    __slots__ = ("_searched", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self._searched = 0

    def clear(self) -> bytes:
        """Remove and return all bytes."""
        rest, self.data, self._searched = bytes(self.data), bytearray(), 0
        return rest

    def take(self, limit: int) -> bytes | None:
        """Remove and return the head block; None while it is incomplete.

        Raises HeadTooLargeError if it exceeds `limit` bytes.
        """
        found = _BLANK_LINE.search(self.data, self._searched, limit)
        if found is None:
            if len(self.data) >= limit:
                raise HeadTooLargeError
            self._searched = max(0, len(self.data) - 2)
            return None
        block = bytes(self.data[: found.end()])
        del self.data[: found.end()]
        self._searched = 0
        return block


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request, with its fields in the format of `UpgradeRequested`."""

    method: str
    target: str
    version: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A response: header names in lower case, values as latin-1 text."""

    status: int
    headers: tuple[tuple[str, str], ...]


def read_request(block: bytes) -> RequestHead | None:
    """Parse the head block of a request; None if it is malformed."""
    import h11  # loaded with the first handshake: it is a twelfth of the instructions of an import

    connection = h11.Connection(h11.SERVER, len(block))
    connection.receive_data(block)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.Request):
        return None
    return RequestHead(
        event.method.decode("ascii"),
        event.target.decode("ascii"),
        event.http_version.decode("ascii"),
        joined(_text(event.headers)),
    )


def read_response(block: bytes) -> ResponseHead | None:
    """Parse the head block of a response to an upgrade request.

    None if it is malformed.
    """
    import h11  # as above

    connection = h11.Connection(h11.CLIENT, len(block))
    # h11 accepts a 101 only after an upgrade request.
    connection.send(h11.Request(method="GET", target="/", headers=[("host", ""), ("upgrade", "websocket")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(block)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, (h11.InformationalResponse, h11.Response)):
        return None
    return ResponseHead(event.status_code, tuple(_text(event.headers)))


def _text(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    shared = _SHARED.get
    return [
        (shared(name) or name.decode("latin-1"), shared(value) or value.decode("latin-1")) for name, value in headers
    ]


def read_extensions(value: str) -> list[Extension]:
    """Parse Sec-WebSocket-Extensions.

    Raises ValueError if it breaks the grammar (RFC 6455 §9.1). Empty elements are ignored (RFC 9110 §5.6.1). An element
    with a repeated parameter is omitted, because RFC 7692 §7 requires that it is declined.
    """
    found: list[Extension] = []
    for element in elements(value):
        name, *parts = element.split(";")
        parameters = [_PARAMETER.fullmatch(part) for part in parts]
        pairs = [(match["name"], match["value"]) for match in parameters if match is not None]
        if not is_token(name.strip(" \t")) or len(pairs) < len(parts):
            raise ValueError("malformed Sec-WebSocket-Extensions")
        if len(dict(pairs)) == len(pairs):
            found.append((name.strip(" \t"), dict(pairs)))
    return found


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2)."""
    return b64encode(sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()).decode()


def check_headers(headers: Iterable[tuple[str, str]], own: Collection[str]) -> list[tuple[str, str]]:
    """Return the caller's headers as a list.

    Raises ValueError for one that must not be sent, see `expect_header`.
    """
    checked = list(headers)
    for name, value in checked:
        expect_header(name, value, own)
    return checked


def head(first_line: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the bytes of a head block."""
    lines = [first_line, *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def response(status: int, headers: Headers, body: bytes, *, is_head: bool = False) -> bytes:
    """Return the last response of a connection, as plain text unless `headers` have a Content-Type.

    With `is_head` the body is omitted but its length is not.
    """
    names = {name.lower() for name, _ in headers}
    # RFC 9110 §15.5.22 and §7.8: a 426 names the protocol, and an Upgrade field is named by Connection.
    written = [
        ("Connection", "close, Upgrade" if "upgrade" in names else "close"),
        *with_length(status, headers, body),
    ]
    return head(f"HTTP/1.1 {status} {_phrase(status)}", written) + (b"" if is_head else body)


def _phrase(status: int) -> str:
    from http import HTTPStatus  # loaded only when used

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
