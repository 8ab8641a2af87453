"""A virtual network for clients and servers on trio."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._current import trio_runtimes
from ocpp_transports.laboratory._network._network import Network

from ._runtime import VirtualTrioRuntime
from ._timers import TrioTimers

__all__ = ["trio_network"]


@asynccontextmanager
async def trio_network(seed: int = 0) -> AsyncIterator[Network]:
    """Let all clients and servers that are made within the block use a virtual network, in virtual time.

        async def main():
            async with trio_network(seed=3) as network:
                ...
                network.cut("CP1")

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    The clock of trio moves when no task can run. It moves too while a thread works, and a deadlock is not noticed: use
    `VirtualLoop`, on asyncio, for programs with threads. The scheduler of trio runs the tasks of one instant in an
    order of its own, so the seed decides what the network does and what is drawn, and not that order.

    Args:
        seed: The seed of what the network does by chance, and of what clients and servers draw.

    Raises:
        RuntimeError: trio does not run, its clock is no `MockClock` that jumps, or the clock has a network.
    """
    clock = trio.lowlevel.current_clock()
    if not isinstance(clock, trio.testing.MockClock) or clock.autojump_threshold != 0:
        raise RuntimeError(f"expected trio with the clock MockClock(autojump_threshold=0), got {clock!r}")
    if clock in trio_runtimes:
        raise RuntimeError("cannot make a virtual network: the clock has one; leave its block first")
    timers, made = TrioTimers(), Counter[str]()
    network = Network(timers, str(seed))

    def make_runtime(log: Log) -> VirtualTrioRuntime:
        made[log.identity] += 1
        return VirtualTrioRuntime(log, network, f"{seed}/{log.identity}/{made[log.identity]}")

    trio_runtimes[clock] = make_runtime
    trio.lowlevel.spawn_system_task(timers.run)
    try:
        yield network
    finally:
        del trio_runtimes[clock]
        timers.stop()
