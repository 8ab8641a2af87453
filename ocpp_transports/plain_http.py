"""What an application sees of a plain HTTP request, one without an upgrade, and what its handler returns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = ["HttpAnswer", "HttpHandler", "PlainRequest"]


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A plain HTTP request on the port of a server."""

    method: str
    """`GET` or `HEAD`; a handler may treat them alike, for the body of an answer to HEAD is not sent."""
    path: str
    """As received, percent-encoded; below an ASGI application's mount point."""
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Decoded; the first value of each name."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """By lower-case name; values of one name joined by `, `."""
    remote_address: str | None = None
    """Numeric address of the peer, of the proxy behind one."""


HttpAnswer: TypeAlias = tuple[int, Mapping[str, str], Any]
"""Status (200 to 599), header fields and body: bytes as they are, None for no body, anything else as JSON.

`Content-Length` and `Connection` are written by the server, `Content-Type` if the fields have none: `application/json`
for JSON, else `text/plain; charset=utf-8`.
"""
HttpHandler: TypeAlias = Callable[[PlainRequest], "HttpAnswer | Awaitable[HttpAnswer]"]
"""A function or coroutine function. A plain function is called at once, in no task, and must not block."""
