"""Which web pages may talk to a server that is meant for this machine."""

from collections.abc import Collection
from re import IGNORECASE
from re import compile as regex
from typing import Final

from ocpp_transports.handshake import AcceptHandshake, Handshake, RejectHandshake
from ocpp_transports.server import OCPPServer

__all__ = ["is_of_this_machine", "refuse_foreign_pages"]

_THIS_MACHINE: Final = regex(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", IGNORECASE)


def is_of_this_machine(origin: str) -> bool:
    """Return True if a page of this origin (RFC 6454 §6) was served by this machine, whatever the port."""
    return _THIS_MACHINE.fullmatch(origin) is not None


def refuse_foreign_pages(server: OCPPServer, allowed: Collection[str] = ()) -> None:
    """Refuse by 403 every handshake of a web page that neither this machine has served nor an allowed origin.

    Any page may open a WebSocket to a port of this machine, and its browser names the page's origin (RFC 6455 §10.2).
    Stations name none. Raises ValueError if the server has an `auth` handler already.
    """

    @server.auth
    def decide(accept: AcceptHandshake, reject: RejectHandshake, handshake: Handshake) -> None:
        origin = handshake.headers.get("origin")
        if origin is None or is_of_this_machine(origin) or origin in allowed:
            accept()
        else:
            reject(403, "expected no Origin, or one of this machine")
