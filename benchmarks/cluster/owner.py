"""A server that has one station of the cluster: python benchmarks/cluster/owner.py URL CARRIER FOLDER."""

import sys

import anyio

from benchmarks.cluster.settings import cluster
from benchmarks.servers.lifeline import announce
from ocpp_transports import OCPPServer


async def _serve(url: str, carrier: str, folder: str) -> None:
    joined = cluster(url, carrier, folder)
    async with OCPPServer(protocols=["ocpp1.6"], cluster=joined, logging=False) as server:
        listener = await server.listen(0, "127.0.0.1")
        announce(listener.port)
        await anyio.sleep_forever()


if __name__ == "__main__":
    redis_url, name, pem_folder = sys.argv[1:]
    anyio.run(_serve, redis_url, name, pem_folder, backend="asyncio", backend_options={"use_uvloop": True})
