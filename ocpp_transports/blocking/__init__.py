"""OCPP clients and servers for threads and programs that are not asynchronous: the same methods, and they block."""

from ._client import BlockingClient
from ._context import BlockingHandlerContext, BlockingSignal
from ._events import BlockingEventStream
from ._fleet import BlockingFleetCall
from ._listener import BlockingListener
from ._peer import BlockingPeer
from ._routing._router import BlockingRouter
from ._server import BlockingServer
from ._station import BlockingServerClient

__all__ = [
    "BlockingClient",
    "BlockingEventStream",
    "BlockingFleetCall",
    "BlockingHandlerContext",
    "BlockingListener",
    "BlockingPeer",
    "BlockingRouter",
    "BlockingServer",
    "BlockingServerClient",
    "BlockingSignal",
]
