"""The functions of a server that answer plain HTTP requests, by path."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports.plain_http import HttpAnswer, HttpHandler, PlainRequest

__all__ = ["HEALTH", "HttpHandlers", "plain_request"]

HEALTH: Final = "/health"
"""The path that the option `http` answers."""

_PATH: Final = re.compile(r"/[!\"$-\x3e@-~]*")  # printable characters except `?` and `#`
_ABSOLUTE: Final = re.compile(r"https?://[^/?]*", re.IGNORECASE)  # RFC 9112 §3.2.2: a server must accept it too


def plain_request(
    method: str, target: str, headers: Mapping[str, str], remote_address: str | None = None
) -> PlainRequest:
    """Return the parsed request; `headers` have lower-case names."""
    absolute = _ABSOLUTE.match(target)
    path, _, query = target[absolute.end() if absolute else 0 :].partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return PlainRequest(
        method,
        path or "/",
        MappingProxyType(dict(reversed(pairs))),
        MappingProxyType(dict(headers)),
        remote_address,
    )


def _be_healthy(_: PlainRequest) -> HttpAnswer:
    return 200, {"cache-control": "no-store"}, {"status": "ok"}


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

    def find(self, path: str, *, is_health_served: bool) -> HttpHandler | None:
        """Return the function for a path; for `/health`, unless one is registered, the default one if enabled."""
        return self._by_path.get(path) or (_be_healthy if is_health_served and path == HEALTH else None)
