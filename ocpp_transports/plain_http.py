"""Plain HTTP requests, those without an upgrade, and their responses, as an application sees them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass

__all__ = ["HttpAnswer", "HttpHandler", "PlainRequest"]


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A plain HTTP request on the port of a server."""

    method: str
    """`GET` or `HEAD`; a handler may treat them alike, because a body is not sent in response to HEAD."""
    path: str
    """The path as received, percent-encoded; relative to the mount point of an ASGI application."""
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """The decoded query parameters; the first value of each name."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """The header fields by lower-case name; several values of one name are joined with `, `."""
    remote_address: str | None = None
    """Numeric address of the peer, or of a proxy in front that is not in `trusted_proxies`."""


HttpAnswer: TypeAlias = tuple[int, Mapping[str, str], Any]
"""Status (200 to 599), header fields and body: bytes as they are, None for no body, anything else as JSON.

`Content-Length` and `Connection` are written by the server, `Content-Type` if the fields have none: `application/json`
for JSON, else `text/plain; charset=utf-8`.
"""
HttpHandler: TypeAlias = Callable[[PlainRequest], "HttpAnswer | Awaitable[HttpAnswer]"]
"""A function or coroutine function. A plain function is called at once, in no task, and must not block."""
