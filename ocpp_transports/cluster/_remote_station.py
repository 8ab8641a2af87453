"""A station that is connected to another node: it can be called, and nothing else."""

from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any

from ocpp_core.errors import (
    OCPPError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_transports._calls._calling import read_request
from ocpp_transports._logging._log import Log

from ._node import ClusterNode

__all__ = ["RemoteStation"]


class RemoteStation:
    """Calls one station through a node of the cluster.

    Args:
        name: The name of the station in the registry.
        node: The node of this process.
        log: The log for failed calls.
        check: Function that raises for bad arguments of a call, as for a station that is connected here.
    """

    def __init__(
        self, name: str, node: ClusterNode, log: Log, check: Callable[[tuple[Any, ...], Mapping[str, Any]], None]
    ) -> None:
        self._name = name
        self._node = node
        self._log = log
        self._check = check

    async def call(self, *args: Any, **options: Any) -> Any:
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

    async def safe_call(self, *args: Any, **options: Any) -> Any:
        """Call the station, and return None if the call fails."""
        try:
            return await self.call(*args, **options)
        except TimeoutError:
            return None
        except OCPPError as error:
            self._log.call_failed(read_request(args, options).action, error)
            return None
