"""Rejection of web pages from other machines, for servers that serve this machine."""

from collections.abc import Collection
from re import IGNORECASE
from re import compile as regex
from typing import Final

from ocpp_transports.handshake import AcceptHandshake, Handshake, RejectHandshake
from ocpp_transports.server import OCPPServer

__all__ = ["is_of_this_machine", "refuse_foreign_pages"]

_THIS_MACHINE: Final = regex(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", IGNORECASE)


def is_of_this_machine(origin: str) -> bool:
    """Return True if this machine served the page of this origin (RFC 6454 §6), on any port."""
    return _THIS_MACHINE.fullmatch(origin) is not None


def refuse_foreign_pages(server: OCPPServer, allowed: Collection[str] = ()) -> None:
    """Reject handshakes of web pages with 403, unless this machine or an allowed origin served them.

    Any page can open a WebSocket to a port of this machine. The browser sends the page's origin (RFC 6455 §10.2);
    stations send none. Raises ValueError if the server already has an `auth` handler.
    """

    @server.auth
    def decide(accept: AcceptHandshake, reject: RejectHandshake, handshake: Handshake) -> None:
        origin = handshake.headers.get("origin")
        if origin is None or is_of_this_machine(origin) or origin in allowed:
            accept()
        else:
            reject(403, "expected no Origin or one of this machine")
