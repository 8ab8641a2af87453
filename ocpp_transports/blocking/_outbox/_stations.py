"""The methods of a blocking server, and of its handles on stations, for stations that are away."""

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Unpack, overload

from ocpp_core.identity import StationKey
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._handlers._caller import Params
from ocpp_transports._server._queue._mixin import QueueMixin
from ocpp_transports._server._queue._station_mixin import StationQueueMixin
from ocpp_transports.blocking._threads._bridge import Bridge, expect_max_wait

if TYPE_CHECKING:
    from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords

    from ._ticket import BlockingTicket, BlockingTicketStream

__all__ = ["BlockingQueueMixin", "BlockingStationQueueMixin"]


class BlockingQueueMixin:
    """Queues messages for stations, see the option `offline_queue`."""

    _wrapped: QueueMixin
    _bridge: Bridge

    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        message: Message[Any, Any] | RequestModel[Any, Any],
        /,
        **options: "Unpack[StationEnqueueKeywords]",
    ) -> "BlockingTicket": ...
    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        action: str,
        params: Params = ...,
        /,
        **options: "Unpack[StationEnqueueKeywords]",
    ) -> "BlockingTicket": ...
    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: "Unpack[StationEnqueueKeywords]",
    ) -> "BlockingTicket": ...
    def enqueue(self, identity: str | StationKey, /, *args: Any, **options: Any) -> "BlockingTicket":
        """Queue a message for a station, which may be away, until it has responded; see `OCPPServer.enqueue`.

        It does not wait for the store: `accepted` of the ticket does.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: What `call` takes: a message or a request model; or an action and its payload, after a subprotocol
                if the message is for this version only.
            **options: The options of this message, see `StationEnqueueKeywords`.

        Returns:
            The ticket; that of the earlier message if `key` is known.

        Raises:
            ClosedError: The store is not open.
            RPCError: The payload violates its schema in strict mode.
            CallDroppedError: The queues of all stations are full.
            StoreError: The store cannot write.
            ValueError: A bad argument, see `OCPPServer.enqueue`.
            TypeError: An argument of the wrong type.
            RuntimeError: The server has no `offline_queue`.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        ticket = self._bridge.run(partial(self._wrapped.enqueue, identity, *args, **options))
        return BlockingTicket(ticket, self._bridge)

    @property
    def queued(self) -> "list[BlockingTicket]":
        """The tickets of the queued messages, see `OCPPServer.queued`. Raises RuntimeError without `offline_queue`."""
        from ._ticket import BlockingTicket  # loaded only when used

        return [BlockingTicket(ticket, self._bridge) for ticket in self._bridge.run(lambda: self._wrapped.queued)]

    def queued_for(self, identity: str | StationKey, /) -> "list[BlockingTicket]":
        """Return the tickets of one station's queued messages, the oldest first.

        Raises:
            ClosedError: The store is not open.
            ValueError: A bad identity, or one without its namespace.
            TypeError: It is neither an identity nor a `StationKey`.
            RuntimeError: The server has no `offline_queue`.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        tickets = self._bridge.run(partial(self._wrapped.queued_for, identity))
        return [BlockingTicket(ticket, self._bridge) for ticket in tickets]

    def tickets_of(self, identity: str | StationKey, /) -> "list[BlockingTicket]":
        """Return the tickets of one station's messages that are not acknowledged, see `OCPPServer.tickets_of`.

        Raises:
            ClosedError: The store is not open.
            QueueUnavailableError: The queue in the cluster did not answer.
            ValueError: A bad identity, or one without its namespace.
            TypeError: It is neither an identity nor a `StationKey`.
            RuntimeError: The server has no `offline_queue`.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        tickets = self._bridge.run(partial(self._wrapped.tickets_of, identity))
        return [BlockingTicket(ticket, self._bridge) for ticket in tickets]

    def outcomes(self, *, max_wait: float = inf) -> "BlockingTicketStream":
        """Iterate over the tickets with an outcome that is not acknowledged.

        Those of earlier processes are among them. The iteration ends when the server closes.

        Args:
            max_wait: Seconds to wait for the next one; then it raises TimeoutError, and the iteration may go on.

        Raises:
            ClosedError: The store is not open.
            RuntimeError: The server has no `offline_queue`.
        """
        from ._ticket import BlockingTicketStream  # loaded only when used

        expect_max_wait(max_wait)
        return BlockingTicketStream(self._bridge.run(self._wrapped.outcomes), self._bridge, max_wait)


class BlockingStationQueueMixin:
    """Queues messages for one station."""

    _wrapped: StationQueueMixin
    _bridge: Bridge

    @overload
    def enqueue(
        self, message: Message[Any, Any] | RequestModel[Any, Any], /, **options: "Unpack[StationEnqueueKeywords]"
    ) -> "BlockingTicket": ...
    @overload
    def enqueue(
        self, action: str, params: Params = ..., /, **options: "Unpack[StationEnqueueKeywords]"
    ) -> "BlockingTicket": ...
    @overload
    def enqueue(
        self, protocol: str, action: str, params: Params = ..., /, **options: "Unpack[StationEnqueueKeywords]"
    ) -> "BlockingTicket": ...
    def enqueue(self, *args: Any, **options: Any) -> "BlockingTicket":
        """Queue a message for this station until it has responded, also on a later connection.

        Args:
            *args: What `call` takes, see `OCPPServer.enqueue`.
            **options: The options of this message, see `StationEnqueueKeywords`.

        Returns:
            The ticket; that of the earlier message if `key` is known.

        Raises:
            RuntimeError: The server has no `offline_queue`.
            OCPPError: The queue is full, closed, or cannot write, see `OCPPServer.enqueue`.
            ValueError: A bad argument.
            TypeError: An argument of the wrong type.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        ticket = self._bridge.run(partial(self._wrapped.enqueue, *args, **options))
        return BlockingTicket(ticket, self._bridge)

    @property
    def queued(self) -> "list[BlockingTicket]":
        """The tickets of the station's queued messages, see `OCPPServer.queued_for`.

        Raises:
            ClosedError: The store is not open.
            RuntimeError: The server has no `offline_queue`.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        return [BlockingTicket(ticket, self._bridge) for ticket in self._bridge.run(lambda: self._wrapped.queued)]
