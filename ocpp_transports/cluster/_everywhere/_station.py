"""A station that is connected to another node: it can be called, and nothing else."""

from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any

from ocpp_core.cluster.records import NodeId
from ocpp_core.errors import (
    OCPPError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.identity import StationKey
from ocpp_transports._calls._calling import read_request
from ocpp_transports._handlers._caller import CallMethod, SafeCallMethod
from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._node import ClusterNode

__all__ = ["Check", "ClusterStation", "key_of"]

Check = Callable[[tuple[Any, ...], Mapping[str, Any]], None]
"""Raises for bad arguments of a call, as for a station that is connected here."""


def key_of(name: str) -> StationKey:
    """Return the key of a station by its name in the registry."""
    namespace, separator, identity = name.partition("\0")
    return StationKey(namespace, identity) if separator else StationKey("", name)


class ClusterStation:
    """A station of a cluster, on whichever server it is: each call looks up where it is at that time.

    Args:
        name: The name of the station in the registry.
        node: The node of this process.
        log: The log for failed calls.
        check: Function that raises for bad arguments of a call.
        holder: The node that has the station; empty if it has not been looked up.
    """

    def __init__(self, name: str, node: ClusterNode, log: Log, check: Check, holder: NodeId | None = None) -> None:
        self._name = name
        self._node = node
        self._log = log
        self._check = check
        self._holder = holder or ""

    def __repr__(self) -> str:
        return f"<ClusterStation {str(self.key)!r}>"

    @property
    def identity(self) -> str:
        """The identity of the station, in lower case if the servers have `ignore_identity_case`."""
        return self.key.identity

    @property
    def key(self) -> StationKey:
        """The key of the station, by which methods of a server or of `ClusterClient` find it."""
        return key_of(self._name)

    @property
    def node(self) -> str:
        """The name of the server that had the station when it was found, as its `Cluster` has it."""
        return self._holder.rpartition(".")[0]

    @property
    def call(self) -> CallMethod:
        """Call the station on the server that has it now; see `OCPPServer.call`."""
        return self._call

    @property
    def safe_call(self) -> SafeCallMethod:
        """Call, and return None if the call fails; see `OCPPServer.safe_call`."""
        return self._safe_call

    async def _call(self, *args: Any, **options: Any) -> Any:
        """Call the station, as `Peer.call` does; `check` runs here, and its error is not sent to the station."""
        self._check(args, options)
        request = read_request(args, options)
        result = await self._node.call(self._name, request)
        check = request.options.check
        if check is not None:
            passed = check(result)
            if isawaitable(passed):
                await passed
        return result if request.response is None else request.response.from_wire(result)

    async def _safe_call(self, *args: Any, **options: Any) -> Any:
        try:
            return await self._call(*args, **options)
        except TimeoutError:
            return None
        except OCPPError as error:
            self._log.call_failed(read_request(args, options).action, error)
            return None
