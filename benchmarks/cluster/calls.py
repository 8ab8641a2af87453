"""How long calls take to a station of this server and to those of others, in turn. Prints one JSON object.

Five servers, this one among them, and a process with their stations. One call at a time, in short blocks to each
server in random order. Then calls over Redis to many stations at once, for the processor time that Redis needs.

    python benchmarks/cluster/calls.py PORT PID FOLDER CALLS    # the port and the process of Redis
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Final

import anyio
from anyio.to_thread import run_sync

from benchmarks.cluster.settings import CARRIERS, LOCAL, cluster
from benchmarks.process import cpu_seconds
from benchmarks.samples import percentile
from ocpp_transports import OCPPServer

_HERE: Final = Path(__file__).parent
_CROWD: Final = tuple(f"crowd{number}" for number in range(50))
"""Stations of the server that is called over Redis."""
_BLOCK: Final = 10
"""Calls to one station in a row."""
_WARM_UP: Final = 20
"""Calls to each station before the clock starts."""


async def _measure(port: int, pid: int, folder: str, calls: int) -> dict[str, float]:
    url, names = f"redis://127.0.0.1:{port}", (LOCAL, *CARRIERS)
    with ExitStack() as processes:
        ports = {carrier: processes.enter_context(_running("owner.py", url, carrier, folder)) for carrier in CARRIERS}
        async with OCPPServer(protocols=["ocpp1.6"], cluster=cluster(url, LOCAL, folder), logging=False) as server:
            ports[LOCAL] = (await server.listen(0, "127.0.0.1")).port
            targets = [f"{name}:{ports[name]}" for name in names] + [f"{name}:{ports['redis']}" for name in _CROWD]
            stations = _running("stations.py", *targets)
            await run_sync(processes.enter_context, stations)
            for name in (*names, *_CROWD):
                await server.wait_for_client(name, everywhere=True, timeout=30)
            await _times(server, names, _WARM_UP)
            times = await _times(server, names, calls)
            await _crowded(server, 1)
            before, each = cpu_seconds(pid), calls // 20
            await _crowded(server, each)
            redis = cpu_seconds(pid) - before
    return _summary(times) | {"call_redis_us": redis / len(_CROWD) / each * 1e6}


async def _times(server: OCPPServer, names: tuple[str, ...], calls: int) -> dict[str, list[float]]:
    """Return the seconds of each call, in blocks to one station each, in random order.

    What a call leaves to do for its server, such as trimming a stream, delays the first one of another block only.
    """
    times: dict[str, list[float]] = {name: [] for name in names}
    order = Random(1)
    for _ in range(calls // _BLOCK):
        for name in order.sample(names, len(names)):
            for _ in range(_BLOCK):
                begun = time.perf_counter()
                await server.call(name, "Reset", {"type": "Soft"})
                times[name].append(time.perf_counter() - begun)
    return times


async def _crowded(server: OCPPServer, calls: int) -> None:
    """Call all stations of the crowd at once, each so many times."""

    async def call(name: str) -> None:
        for _ in range(calls):
            await server.call(name, "Reset", {"type": "Soft"})

    async with anyio.create_task_group() as tasks:
        for name in _CROWD:
            tasks.start_soon(call, name)


def _summary(times: dict[str, list[float]]) -> dict[str, float]:
    return {
        f"{name}_p{percent}_us": percentile(seconds, percent) * 1e6
        for name, seconds in times.items()
        for percent in (50, 99)
    }


@contextmanager
def _running(script: str, *arguments: str) -> Iterator[int]:
    """Run a script until the end of the block. Yields the number that it prints when it is ready."""
    command = [sys.executable, str(_HERE / script), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"expected {script} to print a number, got {line!r}")
        yield int(line)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the servers of a cluster have all processors
    redis_port, redis_pid, pem_folder, count = sys.argv[1:]
    measured = anyio.run(
        _measure,
        *(int(redis_port), int(redis_pid), pem_folder, int(count)),
        backend="asyncio",
        backend_options={"use_uvloop": True},
    )
    print(json.dumps(measured))
