"""The methods of a blocking client for messages that outlive connections."""

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Unpack, overload

from ocpp_core.errors import ClosedError
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._handlers._caller import Params
from ocpp_transports._peer._enqueueing import EnqueueMixin
from ocpp_transports.blocking._threads._bridge import Bridge, expect_max_wait

if TYPE_CHECKING:
    from ._keywords import BlockingEnqueueKeywords
    from ._ticket import BlockingTicket, BlockingTicketStream

__all__ = ["BlockingEnqueueMixin"]


class BlockingEnqueueMixin:
    """Queues messages in the outbox of the client, see the option `offline_queue`."""

    _wrapped: EnqueueMixin
    _bridge: Bridge

    @overload
    def enqueue(
        self, message: Message[Any, Any] | RequestModel[Any, Any], /, **options: "Unpack[BlockingEnqueueKeywords]"
    ) -> "BlockingTicket": ...
    @overload
    def enqueue(
        self, action: str, params: Params = ..., /, **options: "Unpack[BlockingEnqueueKeywords]"
    ) -> "BlockingTicket": ...
    @overload
    def enqueue(
        self, protocol: str, action: str, params: Params = ..., /, **options: "Unpack[BlockingEnqueueKeywords]"
    ) -> "BlockingTicket": ...
    def enqueue(self, *args: Any, **options: Any) -> "BlockingTicket":
        """Queue a message until the peer has responded; see `OCPPClient.enqueue`.

        It does not wait for the store: `accepted` of the ticket does.

        Args:
            *args: What `call` takes: a message or a request model; or an action and its payload, after a subprotocol
                if the message is for this version only.
            **options: The options of this message, see `EnqueueKeywords`.

        Returns:
            The ticket; that of the earlier message if `key` is known.

        Raises:
            ClosedError: The outbox is not open.
            RPCError: The payload violates its schema in strict mode.
            CallDroppedError: The queue is full.
            StoreError: The store cannot write.
            ValueError: A bad argument, see `OCPPClient.enqueue`.
            TypeError: An argument of the wrong type.
            RuntimeError: The client has no outbox.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        start = options.get("transaction")
        if isinstance(start, BlockingTicket):
            options["transaction"] = start.wrapped
        if not self._bridge.is_open:  # the asynchronous client would open a queue in memory in the caller's event loop
            self._wrapped._expect_outbox("enqueue")
            raise ClosedError("cannot enqueue: the outbox is not open; enter the block or connect() first")
        ticket = self._bridge.run(partial(self._wrapped.enqueue, *args, **options))
        return BlockingTicket(ticket, self._bridge)

    def set_gate(self, is_open: bool) -> None:
        """Send messages that are not urgent from now on, or hold them; see `OCPPClient.set_gate`.

        Args:
            is_open: True to send them, False to hold them.

        Raises:
            ClosedError: The outbox is not open.
            TypeError: It is not a bool.
            RuntimeError: The client has no outbox.
        """
        self._bridge.run(self._wrapped.set_gate, is_open)

    @property
    def queued(self) -> "list[BlockingTicket]":
        """The tickets of the queued messages, see `OCPPClient.queued`. Raises RuntimeError without an outbox."""
        from ._ticket import BlockingTicket  # loaded only when used

        return [BlockingTicket(ticket, self._bridge) for ticket in self._bridge.run(lambda: self._wrapped.queued)]

    def outcomes(self, *, max_wait: float = inf) -> "BlockingTicketStream":
        """Iterate over the tickets with an outcome that is not acknowledged.

        Those of earlier processes are among them. The iteration ends when the client closes.

        Args:
            max_wait: Seconds to wait for the next one; then it raises TimeoutError, and the iteration may go on.

        Raises:
            ClosedError: The outbox is not open.
            RuntimeError: The client has no outbox.
        """
        from ._ticket import BlockingTicketStream  # loaded only when used

        expect_max_wait(max_wait)
        return BlockingTicketStream(self._bridge.run(self._wrapped.outcomes), self._bridge, max_wait)

    def transaction_id(self, ticket: "BlockingTicket") -> int | None:
        """Return the `transactionId` in the response to a StartTransaction, see `OCPPClient.transaction_id`.

        Raises:
            ClosedError: The outbox is not open.
            ValueError: The ticket belongs to another client.
            TypeError: It is not a ticket.
            RuntimeError: The client has no outbox.
        """
        from ._ticket import BlockingTicket  # loaded only when used

        start = ticket.wrapped if isinstance(ticket, BlockingTicket) else ticket
        transaction_id: int | None = self._bridge.run(self._wrapped.transaction_id, start)
        return transaction_id
