"""The method of a server's handle on a station for messages that outlive its connection."""

from typing import TYPE_CHECKING, Any, Final, Unpack, overload

from ocpp_core.identity import StationKey
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._handlers._caller import Params
from ocpp_transports._options._connection import PeerOptions

if TYPE_CHECKING:
    from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords
    from ocpp_transports.outbox._ticket import Ticket

    from ._interface import StationQueue

__all__ = ["NO_QUEUE", "StationQueueMixin"]

NO_QUEUE: Final = "the server has no offline_queue; pass offline_queue=path, or True"


class StationQueueMixin:
    """Queues messages for one station."""

    _options: PeerOptions

    if TYPE_CHECKING:

        @property
        def key(self) -> StationKey:
            """The key of the station."""

        @property
        def _outbox(self) -> StationQueue | None:
            """The outboxes of the server."""

    @overload
    def enqueue(
        self, message: Message[Any, Any] | RequestModel[Any, Any], /, **options: "Unpack[StationEnqueueKeywords]"
    ) -> "Ticket": ...
    @overload
    def enqueue(
        self, action: str, params: Params = ..., /, **options: "Unpack[StationEnqueueKeywords]"
    ) -> "Ticket": ...
    @overload
    def enqueue(
        self, protocol: str, action: str, params: Params = ..., /, **options: "Unpack[StationEnqueueKeywords]"
    ) -> "Ticket": ...
    def enqueue(self, *args: Any, **options: Any) -> "Ticket":
        """Queue a message for this station until it has responded, also on a later connection.

        Args:
            *args: What `call` takes, see `OCPPServer.enqueue`.
            **options: The options of this message, see `StationEnqueueKeywords`.

        Returns:
            The ticket; that of the earlier message if `key` is known.

        Raises:
            RuntimeError: The server has no `offline_queue`, or belongs to the event loop of another thread.
            OCPPError: The queue is full, closed, or cannot write, see `OCPPServer.enqueue`.
            ValueError: A bad argument.
            TypeError: An argument of the wrong type.
        """
        return self._expect_outbox("enqueue").enqueue(self.key, args, options, self._options.protocols, self._options)

    @property
    def queued(self) -> "list[Ticket]":
        """The tickets of the station's queued messages, see `OCPPServer.queued_for`.

        Raises:
            ClosedError: The store is not open.
            RuntimeError: The server has no `offline_queue`, or belongs to the event loop of another thread.
        """
        return self._expect_outbox("list queued messages").queued_for(self.key)

    def _expect_outbox(self, verb: str) -> "StationQueue":
        if self._outbox is None:
            raise RuntimeError(f"cannot {verb}: {NO_QUEUE}")
        return self._outbox
