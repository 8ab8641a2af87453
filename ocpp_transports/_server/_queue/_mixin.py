"""The methods of a server for stations that are away."""

from abc import ABC
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Unpack, overload

from ocpp_core.identity import StationKey
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._handlers._caller import Params
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._stations._registry import ConnectionRegistry

from ._station_mixin import NO_QUEUE

if TYPE_CHECKING:
    from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords
    from ocpp_transports.outbox._ticket import Ticket
    from ocpp_transports.outbox._ticket_stream import TicketStream

    from ._cluster_outbox import ClusterOutbox
    from ._server_outbox import ServerOutbox

__all__ = ["QueueMixin"]


class QueueMixin(ABC):
    """Queues messages for stations, see the option `offline_queue`."""

    _options: ServerOptions
    _registry: ConnectionRegistry
    _outbox: "ServerOutbox | ClusterOutbox | None" = None

    if TYPE_CHECKING:

        @property
        def _has_namespaces(self) -> bool:
            """True if stations may have namespaces."""

        @property
        def _common_rules(self) -> ServerOptions | None:
            """The options of all stations; None if a route or a quirk may change them."""

        @property
        def _all_protocols(self) -> Collection[str]:
            """The subprotocols of the server and of its routes."""

    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        message: Message[Any, Any] | RequestModel[Any, Any],
        /,
        **options: "Unpack[StationEnqueueKeywords]",
    ) -> "Ticket": ...
    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        action: str,
        params: Params = ...,
        /,
        **options: "Unpack[StationEnqueueKeywords]",
    ) -> "Ticket": ...
    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: "Unpack[StationEnqueueKeywords]",
    ) -> "Ticket": ...
    def enqueue(self, identity: str | StationKey, /, *args: Any, **options: Any) -> "Ticket":
        """Queue a message for a station, which may be away, until it has responded.

        It is sent when the station is connected to this server and registered. By default it is sent once, within an
        hour, and never again. Middleware does not see it. In strict mode the payload is checked now if the version of
        the station is known, and when it is sent. It needs an open store: enter the block or `listen` first.

            ticket = server.enqueue("CP1", "Reset", {"type": "Soft"}, ttl=600)
            outcome = await ticket.outcome()

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
            CallDroppedError: The queues of all stations are full. In a cluster, `Ticket.accepted` raises it.
            StoreError: The store cannot write. In a cluster, `Ticket.accepted` raises it.
            ValueError: A bad argument, a version that the server does not offer or that the connection does not speak,
                an action that only stations send, more than `max_outgoing_size` bytes, or an identity without its
                namespace.
            TypeError: An argument of the wrong type.
            RuntimeError: The server has no `offline_queue`, or belongs to the event loop of another thread.
        """
        outbox = self._expect_outbox("enqueue")
        return outbox.enqueue(self._key_of(identity), args, options, self._all_protocols, self._common_rules)

    @property
    def queued(self) -> "list[Ticket]":
        """The tickets of the queued messages of all stations, those of earlier processes included.

        Settled ones are left out. Raises RuntimeError if the server has no `offline_queue`, or one in a cluster.
        """
        return self._expect_outbox("list queued messages").queued

    def queued_for(self, identity: str | StationKey, /) -> "list[Ticket]":
        """Return the tickets of one station's queued messages, the oldest first.

        Raises:
            ClosedError: The store is not open.
            ValueError: A bad identity, or one without its namespace.
            TypeError: It is neither an identity nor a `StationKey`.
            RuntimeError: The server has no `offline_queue`, or one in a cluster, or belongs to the event loop of
                another thread.
        """
        return self._expect_outbox("list queued messages").queued_for(self._key_of(identity))

    async def tickets_of(self, identity: str | StationKey, /) -> "list[Ticket]":
        """Return the tickets of one station's messages that are not acknowledged, the oldest first.

        Those of earlier processes are among them, in a cluster those of all processes. Look here for a ticket whose
        `number` or `key` you know.

        Raises:
            ClosedError: The store is not open.
            QueueUnavailableError: The queue in the cluster did not answer.
            ValueError: A bad identity, or one without its namespace.
            TypeError: It is neither an identity nor a `StationKey`.
            RuntimeError: The server has no `offline_queue`, or belongs to the event loop of another thread.
        """
        return await self._expect_outbox("read the queue").tickets_of(self._key_of(identity))

    def outcomes(self) -> "TicketStream":
        """Iterate over the tickets with an outcome that is not acknowledged.

        Those of earlier processes are among them. The iteration ends when the server closes.

            async for ticket in server.outcomes():
                print(ticket.station, ticket.key, await ticket.outcome())
                ticket.acknowledge()

        Raises:
            ClosedError: The store is not open.
            RuntimeError: The server has no `offline_queue`, or one in a cluster.
        """
        return self._expect_outbox("read outcomes").outcomes()

    def _expect_outbox(self, verb: str) -> "ServerOutbox | ClusterOutbox":
        if self._outbox is None:
            raise RuntimeError(f"cannot {verb}: {NO_QUEUE}")
        return self._outbox

    def _key_of(self, identity: str | StationKey) -> StationKey:
        """Return the key of a station. Raises ValueError for an identity whose namespace is not known."""
        if isinstance(identity, StationKey):
            return identity
        if not isinstance(identity, str):
            raise TypeError(f"expected the identity of a station or its StationKey, got {type(identity).__name__}")
        station = self._registry.get_client(identity)
        if station is not None:
            return station.key
        if self._has_namespaces:
            raise ValueError(f"expected StationKey(namespace, {identity!r}), because stations may have namespaces")
        return StationKey("", identity)
