"""The functions of a server that answer plain HTTP requests, and the parsing of requests and responses."""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from ocpp_core.admission.request import ABSOLUTE
from ocpp_core.inputs import Respond
from ocpp_core.websocket.headers import OWN_IN_RESPONSE, expect_header, expect_response
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports.plain_http import HttpHandler, PlainRequest

__all__ = ["HttpHandlers", "plain_request", "read_answer"]

_PATH: Final = re.compile(r"/[!\"$-\x3e@-~]*")  # printable characters except `?` and `#`


def plain_request(
    method: str, target: str, headers: Mapping[str, str], remote_address: str | None = None
) -> PlainRequest:
    """Return the parsed request; `headers` have lower-case names."""
    absolute = ABSOLUTE.match(target)
    path, _, query = target[absolute.end() if absolute else 0 :].partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return PlainRequest(
        method,
        path or "/",
        MappingProxyType(dict(reversed(pairs))),
        MappingProxyType(dict(headers)),
        remote_address,
    )


def read_answer(answer: object, most: float) -> Respond:
    """Read what a function returned. Raises TypeError or ValueError for what cannot be sent."""
    if not isinstance(answer, tuple) or len(answer) != 3:
        raise TypeError(f"expected a tuple of status, headers and body, got {type(answer).__name__}")
    status, headers, body = answer
    fields = dict(_expect_fields(headers))
    if body is None or isinstance(body, (bytes, bytearray, memoryview)):
        written = bytes(body or b"")
    else:
        written = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        fields = {"content-type": "application/json"} | fields
    expect_response(status, written)
    if len(written) > most:
        raise ValueError(f"expected a body of at most {most:.15g} bytes (max_outgoing_size), got {len(written)}")
    return Respond(int(status), tuple(fields.items()), written)


def _expect_fields(headers: object) -> Iterator[tuple[str, str]]:
    if not isinstance(headers, Mapping):
        raise TypeError(f"expected headers as a mapping of str to str, got {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("expected headers as a mapping of str to str")
        expect_header(name, value, OWN_IN_RESPONSE)
        yield name.lower(), value


class HttpHandlers:
    """The functions of a server that answer plain requests, by path."""

    def __init__(self) -> None:
        self._by_path: dict[str, HttpHandler] = {}

    def add(self, path: str, handler: HttpHandler) -> None:
        """Register a function. Raises TypeError or ValueError unless it is valid and the path is still free."""
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise ValueError(f"expected a path as it is requested, such as '/health', got {path!r}")
        if not callable(handler):
            raise TypeError(f"expected a function for {path}, got {type(handler).__name__}")
        expect_arguments(handler, "http handler", "request")
        if path in self._by_path:
            raise ValueError(f"cannot register a function for {path}: there is one already")
        self._by_path[path] = handler

    def find(self, path: str) -> HttpHandler | None:
        """Return the function for a path, or None."""
        return self._by_path.get(path)
