"""A server in a process of its own, with the station CP1. Its arguments: the URL of Redis, `lease`, address or nothing.

It writes a line when it is ready, and one for each CALL that its station gets: the number of the call.
"""

import os
import sys

import anyio

from ocpp_transports import OCPPServer
from ocpp_transports.cluster import Cluster
from ocpp_transports.cluster.redis import RedisBackend
from ocpp_transports.memory import MemoryOCPPClient


async def main(url: str, lease: float, advertise: str | None) -> None:
    cluster = Cluster(RedisBackend(url, buckets=4), "owner", lease=lease, advertise=advertise)
    async with (
        OCPPServer(protocols=["ocpp1.6"], cluster=cluster) as server,
        MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"], reconnect=False) as station,
    ):

        @station.handle("ChangeConfiguration")
        async def _(ctx):
            write(ctx.params["key"])
            await anyio.sleep(float(ctx.params["value"]))
            return {"status": "Accepted"}

        await station.connect()
        await server.wait_for_client("CP1")
        write("ready")
        await anyio.sleep_forever()


def write(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # nothing is lost in a buffer when the process is killed


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], float(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
