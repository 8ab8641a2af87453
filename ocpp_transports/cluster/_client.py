"""Calls to the stations of a cluster from a process that has none."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, Unpack, overload

from ocpp_core.config import SessionConfig
from ocpp_core.identity import IdentityRule, StationKey, expect_station_key, scoped_name
from ocpp_core.outbound.call import check_command
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._logging._log import Log, Logging, logger_of
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords
from ocpp_transports.outbox._ticket import Ticket

from ._node import ClusterNode, queue_backend
from ._queue._messages import new_command
from ._queue._settings import ClusterQueue
from ._queue._tickets import ClusterTickets
from ._remote_station import RemoteStation
from ._settings import Cluster

__all__ = ["ClusterClient"]

_SESSION: Final = SessionConfig()


class ClusterClient:
    """Calls the stations of a cluster from a process without stations, for example a worker of a web application.

        async with ClusterClient("redis://127.0.0.1:6379") as cluster:
            await cluster.call("CP1", "Reset", {"type": "Soft"})

    Args:
        cluster: The cluster, as the servers name it: the URL of Redis, or a `Cluster`.
        ignore_identity_case: What the servers' option of this name says.
        offline_queue: The `ClusterQueue` for `enqueue`, if the servers have one; None without one.
        logging: True for the logger `ocpp_ws_io`, False for none, or a logger.

    Raises:
        ValueError: The URL is not one of Redis.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        cluster: str | Cluster,
        *,
        ignore_identity_case: bool = False,
        offline_queue: ClusterQueue | None = None,
        logging: Logging = True,
    ) -> None:
        if not isinstance(cluster, (str, Cluster)):
            raise TypeError(f"expected the URL of Redis or a Cluster, got {type(cluster).__name__}")
        self._cluster = Cluster(cluster) if isinstance(cluster, str) else cluster
        self._rule = IdentityRule(ignore_case=ignore_identity_case)
        self._log = Log(logger_of(logging), "cluster", is_station=False)
        self._tickets = None if offline_queue is None else self._new_tickets(offline_queue)
        self._runtime: SocketRuntime | None = None
        self._node: ClusterNode | None = None

    async def __aenter__(self) -> Self:
        runtime = self._runtime = current_runtime(type(self).__name__, in_block=True, log=self._log)
        self._log.now = runtime.now
        self._node = ClusterNode(self._cluster, runtime, self._log, tickets=self._tickets)
        try:
            await self._node.open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        node, runtime = self._node, self._runtime
        self._node = self._runtime = None
        try:
            if node is not None:
                await node.aclose()
        finally:
            if runtime is not None:
                await runtime.aclose()

    @overload
    async def call(
        self, identity: str | StationKey, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    async def call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT: ...
    @overload
    async def call(
        self, identity: str | StationKey, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    async def call(self, identity: str | StationKey, /, *args: Any, **options: Any) -> Any:
        """Call a station, whichever server it is connected to: `OCPPServer.call` of that server.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `OCPPServer.call`.
            **options: The options of one call. The defaults are those of the server of the station.

        Raises:
            ConnectionLostError: With `sent=False`, no server has the station, or the registry did not answer. With
                `sent=True`, the server of the station ended before its response.
            OCPPError: The call failed, see `OCPPServer.call`.
            ValueError: A bad argument.
            TypeError: An argument of the wrong type.
            RuntimeError: Outside the block.
        """
        if self._node is None:
            raise RuntimeError("cannot call: the block has not begun; use `async with ClusterClient(...) as cluster:`")
        station = RemoteStation(self._name_of(identity), self._node, self._log, _check)
        return await station.call(*args, **options)

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

    def _new_tickets(self, queue: ClusterQueue) -> ClusterTickets:
        if not isinstance(queue, ClusterQueue):
            raise TypeError(f"expected offline_queue as ClusterQueue, got {type(queue).__name__}")
        queue_backend(self._cluster)
        return ClusterTickets(queue, self._log)

    def _name_of(self, identity: str | StationKey) -> str:
        key = identity if isinstance(identity, StationKey) else StationKey("", identity)
        name = self._rule.key(key.identity)
        return scoped_name(key.namespace, name) if key.namespace or "\0" in name else name


def _key_of(identity: str | StationKey) -> StationKey:
    key = StationKey("", identity) if isinstance(identity, str) else identity
    if not isinstance(key, StationKey):
        raise TypeError(f"expected the identity of a station or its StationKey, got {type(key).__name__}")
    expect_station_key(key)
    return key


def _check(args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    check_command(read_request(args, options).command(0), _SESSION, 0.0)
