"""The methods of a client for messages that outlive connections."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, ClassVar, Unpack, overload

from ocpp_core.action_names import Role
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._handlers._caller import Params
from ocpp_transports._options._reconnect import ReconnectOptions

if TYPE_CHECKING:
    from ocpp_transports.outbox._enqueue_keywords import EnqueueKeywords
    from ocpp_transports.outbox._ticket import Ticket
    from ocpp_transports.outbox._ticket_stream import TicketStream

    from ._client_outbox import ClientOutbox

__all__ = ["EnqueueMixin"]


class EnqueueMixin:
    """Queues messages in the outbox of the client, see the option `offline_queue`."""

    _role: ClassVar[Role]
    _options: ReconnectOptions
    _outbox: "ClientOutbox | None"

    if TYPE_CHECKING:

        def _open_in_memory(self, outbox: "ClientOutbox") -> None:
            """Open a store that never waits, unless the client is closed."""

        @property
        def _spoken(self) -> Collection[str]:
            """The subprotocols in which a message may be sent."""

    @overload
    def enqueue(
        self, message: Message[Any, Any] | RequestModel[Any, Any], /, **options: "Unpack[EnqueueKeywords]"
    ) -> "Ticket": ...
    @overload
    def enqueue(self, action: str, params: Params = ..., /, **options: "Unpack[EnqueueKeywords]") -> "Ticket": ...
    @overload
    def enqueue(
        self, protocol: str, action: str, params: Params = ..., /, **options: "Unpack[EnqueueKeywords]"
    ) -> "Ticket": ...
    def enqueue(self, *args: Any, **options: Any) -> "Ticket":
        """Queue a message until the peer has responded.

        It outlives lost connections and, in a durable store, restarts. It needs no connection, but an open store: enter
        the block or `connect` first. On asyncio, the first message opens a store in memory. Middleware does not see
        messages of the outbox; observers do. In strict mode a payload is checked at once if the version is known, and
        when it is sent.

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
            ValueError: A bad argument, a version that the client does not offer or that the connection does not speak,
                an action that only the peer sends unless `custom` is True, the ticket of a transaction that has ended
                or of another client, or more than `max_outgoing_size` bytes.
            TypeError: An argument of the wrong type.
            RuntimeError: The client has no outbox, or belongs to the event loop of another thread.
        """
        from ocpp_core.outbox.commands import Enqueue  # loaded only when used

        outbox = self._expect_outbox("enqueue")
        outbox.expect_options(options)
        start = options.pop("transaction", None)
        request = read_request(args, {"custom": options.pop("custom", False)})
        request.expect_sent(self._role, self._spoken)
        offered = self._options.protocols
        if request.protocol is not None and request.protocol not in offered:
            raise ValueError(f"expected a message of {', '.join(offered)}, got one of {request.protocol}")
        message = Enqueue(
            action=request.action,
            payload=dict(request.params),
            protocol=request.protocol,
            transaction=None if start is None else outbox.number_of(start),
            **options,
        )
        self._open_in_memory(outbox)
        return outbox.enqueue(message)

    @property
    def queued(self) -> "list[Ticket]":
        """The tickets of the queued messages, those of earlier processes included; settled ones are left out.

        Raises RuntimeError if the client has no outbox.
        """
        return self._expect_outbox("list queued messages").queued

    def outcomes(self) -> "TicketStream":
        """Iterate over the tickets with an outcome that is not acknowledged.

        Those of earlier processes are among them. The iteration ends when the client closes.

            async for ticket in station.outcomes():
                print(ticket.key, await ticket.outcome())
                ticket.acknowledge()

        Raises:
            ClosedError: The outbox is not open.
            RuntimeError: The client has no outbox.
        """
        return self._expect_outbox("read outcomes").outcomes()

    def transaction_id(self, ticket: "Ticket") -> int | None:
        """Return the `transactionId` in the response to a StartTransaction of OCPP 1.6.

        It is None before the response, and after the last message of the transaction is settled. It is -1 if the start
        ended without a usable response (1.6 errata 3.18).

        Raises:
            ClosedError: The outbox is not open.
            ValueError: The ticket belongs to another client.
            TypeError: It is not a ticket.
            RuntimeError: The client has no outbox.
        """
        return self._expect_outbox("read the transaction ID").transaction_id(ticket)

    def set_gate(self, is_open: bool) -> None:
        """Send messages that are not urgent from now on, or hold them.

        This is necessary with `OutboxConfig(gate="manual")`, after each opening of the store. With `"boot"`, the next
        response to a BootNotification decides again.

        Args:
            is_open: True to send them, False to hold them.

        Raises:
            ClosedError: The outbox is not open.
            TypeError: It is not a bool.
            RuntimeError: The client has no outbox.
        """
        self._expect_outbox("set the gate").set_gate(is_open)

    def divert_messages(self, function: Callable[[str], object] | None) -> None:
        """Let a function divert messages of the outbox, to test how the peer handles faults.

        It gets the text of each CALL, also of a repetition, when it would be written. If it returns a true value, the
        text is not written. The function may start a task that sends another text with `send_raw`, or the same one
        later. The outbox handles the message as sent: it awaits the response, counts a timeout as a failed
        transmission, and repeats the message. The function must not use the client itself. If it raises, the exception
        is logged and the text is written.

        Args:
            function: A plain function that does not block; None to write all messages again.

        Raises:
            RuntimeError: The client has no outbox.
            TypeError: It is a coroutine function, or takes other arguments.
        """
        self._expect_outbox("divert messages").divert(function)

    def _expect_outbox(self, verb: str) -> "ClientOutbox":
        if self._outbox is None:
            raise RuntimeError(f"cannot {verb}: the client has no outbox; pass offline_queue=True or a path")
        return self._outbox
