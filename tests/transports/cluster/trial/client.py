"""A process without stations that calls those of all servers. Its argument: the folder."""

import os
import sys
from pathlib import Path

import anyio

from ocpp_transports.cluster import Cluster, ClusterClient
from ocpp_transports.cluster.redis import RedisBackend

from .callers import call_until_stopped
from .journal import Journal
from .plan import Plan


async def main(folder: Path) -> None:
    plan, name = Plan.read(folder), f"client-{os.getpid()}"
    async with ClusterClient(Cluster(RedisBackend(plan.redis), name, lease=plan.lease)) as cluster:
        await call_until_stopped(cluster, name, plan, Journal(folder, f"{name}.calls"))


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
