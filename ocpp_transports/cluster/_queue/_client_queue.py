"""The queue of a `ClusterClient`: messages for stations that are away."""

from abc import ABC, abstractmethod
from typing import Any, Final, Unpack, overload

from ocpp_core.config import SessionConfig
from ocpp_core.identity import StationKey, expect_station_key
from ocpp_core.outbound.call import check_command
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._handlers._caller import Params
from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords
from ocpp_transports.outbox._ticket import Ticket

from ._messages import new_command
from ._tickets import ClusterTickets

__all__ = ["ClientQueueMixin"]

_SESSION: Final = SessionConfig()


class ClientQueueMixin(ABC):
    """Queues messages for stations in the cluster."""

    _tickets: ClusterTickets | None

    @abstractmethod
    def _name_of(self, identity: str | StationKey) -> str:
        """Return the name of a station in the registry."""

    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        message: Message[Any, Any] | RequestModel[Any, Any],
        /,
        **options: Unpack[StationEnqueueKeywords],
    ) -> Ticket: ...
    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[StationEnqueueKeywords],
    ) -> Ticket: ...
    @overload
    def enqueue(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[StationEnqueueKeywords],
    ) -> Ticket: ...
    def enqueue(self, identity: str | StationKey, /, *args: Any, **options: Any) -> Ticket:
        """Queue a message for a station, which may be away: `OCPPServer.enqueue` of a server in the cluster.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `OCPPServer.enqueue`.
            **options: Of `StationEnqueueKeywords`: `key`, `ttl` and `deadline`.

        Returns:
            The ticket. `await ticket.accepted()` returns when the message is stored.

        Raises:
            ClosedError: Outside the block.
            CallDroppedError: Too many messages are not stored yet.
            ValueError: A bad argument.
            TypeError: An argument of the wrong type.
            RuntimeError: It was made without `offline_queue`.
        """
        key = _key_of(identity)
        others = {name: value for name, value in options.items() if name != "custom"}
        request = read_request(args, {"custom": options.get("custom", False)})
        check_command(request.command(0), _SESSION, 0.0)
        command = new_command(request.protocol, request.action, dict(request.params), others)
        return self._expect_tickets("enqueue").enqueue(self._name_of(key), key, command)

    async def tickets_of(self, identity: str | StationKey, /) -> list[Ticket]:
        """Return the tickets of one station's messages that are not acknowledged, the oldest first.

        Those of all processes are among them.

        Raises:
            ClosedError: Outside the block.
            QueueUnavailableError: The queue in the cluster did not answer.
            ValueError: A bad identity.
            TypeError: It is neither an identity nor a `StationKey`.
            RuntimeError: It was made without `offline_queue`.
        """
        key = _key_of(identity)
        return await self._expect_tickets("read the queue").of(self._name_of(key), key).read()

    def _expect_tickets(self, verb: str) -> ClusterTickets:
        if self._tickets is None:
            raise RuntimeError(f"cannot {verb}: there is no queue; pass offline_queue=ClusterQueue()")
        return self._tickets


def _key_of(identity: str | StationKey) -> StationKey:
    key = StationKey("", identity) if isinstance(identity, str) else identity
    if not isinstance(key, StationKey):
        raise TypeError(f"expected the identity of a station or its StationKey, got {type(key).__name__}")
    expect_station_key(key)
    return key
