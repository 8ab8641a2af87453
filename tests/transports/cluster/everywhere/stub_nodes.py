"""Nodes of a cluster whose stations are names: they cost nothing, so there may be thousands."""

from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio

from ocpp_core.cluster.registry.actions import EvictionReason
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster import Backend, Cluster
from ocpp_transports.cluster._calls import RemoteCall
from ocpp_transports.cluster._node import ClusterNode

__all__ = ["StubHost", "stub_nodes"]


class StubHost:
    """Answers the calls of a node's stations, and counts them."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self._answer = answer
        self.calls: list[str] = []
        self.most = self._now = 0

    def evict(self, connection: Hashable, reason: EvictionReason) -> None:
        """Every station stays."""

    def is_open(self, name: str) -> bool:
        return True

    async def execute(self, name: str, call: RemoteCall) -> Any:
        self.calls.append(name)
        self._now += 1
        self.most = max(self.most, self._now)
        await anyio.sleep(0.1)
        self._now -= 1
        return self._answer(name)


@asynccontextmanager
async def stub_nodes(
    shared: Backend, stations: Sequence[Sequence[str]], answer: Callable[[str], Any] = lambda name: {}, lease: float = 9
) -> AsyncIterator[list[tuple[ClusterNode, StubHost]]]:
    """Open a node for each of these groups of stations, which it claims."""
    log = Log(logger_of(False), "cluster", is_station=False)
    nodes: list[tuple[ClusterNode, StubHost]] = []
    async with AsyncExitStack() as stack:
        for number, names in enumerate(stations):
            runtime = current_runtime("stub", in_block=True, log=log)
            stack.push_async_callback(runtime.aclose)
            host = StubHost(answer)
            node = ClusterNode(Cluster(shared, f"node-{number}", lease=lease), runtime, log, host)
            await node.open()
            stack.push_async_callback(node.aclose)
            for name in names:
                assert await node.claim(name, f"connection of {name}")
            nodes.append((node, host))
        yield nodes
