"""Stations that accept every Reset: python benchmarks/cluster/stations.py IDENTITY:PORT ..."""

import sys
from contextlib import AsyncExitStack

import anyio

from benchmarks.servers.lifeline import announce
from ocpp_transports import OCPPClient


async def _run(*targets: str) -> None:
    async with AsyncExitStack() as stack:
        for target in targets:
            identity, _, port = target.partition(":")
            station = OCPPClient(identity, f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], logging=False)
            await stack.enter_async_context(station)
            station.handle("Reset", lambda _: {"status": "Accepted"})
            await station.connect()
        announce(len(targets))
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(_run, *sys.argv[1:], backend="asyncio", backend_options={"use_uvloop": True})
