"""What the registry in Redis costs: claims, lookups, renewals, and the memory of its entries. Prints one JSON object.

python benchmarks/cluster/registry.py PORT PID STATIONS
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import anyio

from benchmarks.cluster.redis import used_memory
from benchmarks.process import cpu_seconds
from ocpp_core.cluster.records import NodeId
from ocpp_transports.cluster.redis import RedisBackend

_AT_ONCE: Final = 200
"""Claims or lookups that wait for their answers at the same time."""
_RENEWALS: Final = 30
_LOOKUPS: Final = 5_000
_LEASE: Final = 600.0
_TIMEOUT: Final = 60.0


class _Meter:
    """What one kind of request costs the client and Redis, for each of them."""

    def __init__(self, redis_pid: int, results: dict[str, float]) -> None:
        self._pid = redis_pid
        self._results = results

    async def measure(self, name: str, count: int, act: Callable[[], Awaitable[None]]) -> None:
        redis, own, wall = cpu_seconds(self._pid), time.process_time(), time.monotonic()
        await act()
        redis, own, wall = cpu_seconds(self._pid) - redis, time.process_time() - own, time.monotonic() - wall
        self._results |= {
            f"{name}_rate": count / wall,
            f"{name}_redis_us": redis / count * 1e6,
            f"{name}_own_us": own / count * 1e6,
        }


async def _measure(port: int, pid: int, stations: int) -> dict[str, float]:
    store = RedisBackend(f"redis://127.0.0.1:{port}", logging=False).new_store(_LEASE, _TIMEOUT)
    identities = [f"CP{number:06}" for number in range(stations)]
    results: dict[str, float] = {}
    meter = _Meter(pid, results)

    async def at_once(act: Callable[[str], Awaitable[object]], names: Sequence[str]) -> None:
        waiting = iter(names)

        async def worker() -> None:
            for name in waiting:
                await act(name)

        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_ONCE):
                tasks.start_soon(worker)

    async def renew() -> None:
        for _ in range(_RENEWALS):
            await store.renew()

    async def check() -> None:
        await store.check(identities)

    await store.open(NodeId("csms-1.00000000000000a1"), None)
    try:
        before = used_memory(port)
        await meter.measure("claim", stations, partial(at_once, store.claim, identities))
        results["station_bytes"] = (used_memory(port) - before) / stations
        found = identities[:_LOOKUPS]
        await meter.measure("find", len(found), partial(at_once, store.find, found))
        await meter.measure("renewal", _RENEWALS, renew)
        await meter.measure("check", stations, check)
    finally:
        await store.aclose()
    return results


if __name__ == "__main__":
    redis_port, redis_pid, count = map(int, sys.argv[1:])
    uvloop = {"use_uvloop": True}
    measured = anyio.run(_measure, redis_port, redis_pid, count, backend="asyncio", backend_options=uvloop)
    print(json.dumps(measured))
