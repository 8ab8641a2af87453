"""A server of a trial: it has stations, calls those of all servers, and writes down in which stations it believes.

Its arguments: the folder, and its place among the servers.
"""

import os
import sys
import time
from pathlib import Path

import anyio

from ocpp_transports import OCPPServer
from ocpp_transports.cluster import Cluster
from ocpp_transports.cluster.redis import RedisBackend

from .callers import call_until_stopped
from .journal import Journal
from .plan import LOOK, TIME, Plan


async def main(folder: Path, place: int) -> None:
    plan, name = Plan.read(folder), f"node{place}-{os.getpid()}"
    journal = Journal(folder, f"{name}.node")
    advertise = plan.advertised[place] if plan.advertised else None
    cluster = Cluster(RedisBackend(plan.redis), name, lease=plan.lease, advertise=advertise)
    server = OCPPServer(protocols=["ocpp1.6"], cluster=cluster)
    server.handle("BootNotification", lambda ctx: {"status": "Accepted", "currentTime": TIME, "interval": 300})
    async with server, anyio.create_task_group() as tasks:
        await server.listen(plan.ports[place], "127.0.0.1", backlog=4096)
        journal.write("ready", name)
        tasks.start_soon(_watch_belief, server, journal)
        await call_until_stopped(server, name, plan, journal)
        while not (folder / "end").exists():  # noqa: ASYNC110 - another process writes it
            await anyio.sleep(LOOK)
        tasks.cancel_scope.cancel()


async def _watch_belief(server: OCPPServer, journal: Journal) -> None:
    """Write down when the node is first and last seen to believe in each station under a fence.

    A process that stands still sees nothing, so it is never taken to believe for longer than it did.
    """
    held: dict[str, tuple[int, float]] = {}
    while True:
        await anyio.sleep(LOOK)
        member, now = server._cluster, anyio.current_time()
        node = None if member is None else member._node
        for name in {client.identity for client in server.clients} | held.keys():
            fence = None if node is None else node.believes(name, now)
            if name in held and held[name][0] != fence:
                journal.write("ceases", name, *held.pop(name))
            if fence is not None:
                if name not in held:
                    journal.write("believes", name, fence)
                held[name] = fence, time.monotonic()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
