"""OCPP clients and servers for threads and programs that are not asynchronous: the same methods, and they block."""

from typing import TYPE_CHECKING, Any

from ._client import BlockingClient
from ._context import BlockingHandlerContext, BlockingSignal
from ._events import BlockingEventStream
from ._fleet import BlockingFleetCall
from ._listener import BlockingListener
from ._peer import BlockingPeer
from ._routing._router import BlockingRouter
from ._server import BlockingServer
from ._station import BlockingServerClient

if TYPE_CHECKING:
    from ._outbox._keywords import BlockingEnqueueKeywords
    from ._outbox._ticket import BlockingTicket, BlockingTicketStream

__all__ = [
    "BlockingClient",
    "BlockingEnqueueKeywords",
    "BlockingEventStream",
    "BlockingFleetCall",
    "BlockingHandlerContext",
    "BlockingListener",
    "BlockingPeer",
    "BlockingRouter",
    "BlockingServer",
    "BlockingServerClient",
    "BlockingSignal",
    "BlockingTicket",
    "BlockingTicketStream",
]


if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        """Load what only clients with an offline queue need when it is first used."""
        if name == "BlockingEnqueueKeywords":
            from ._outbox import _keywords as module
        elif name in ("BlockingTicket", "BlockingTicketStream"):
            from ._outbox import _ticket as module
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(module, name)
