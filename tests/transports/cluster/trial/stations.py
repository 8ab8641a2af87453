"""Stations of a trial: each is connected to any server, and goes to any after a lost connection.

Its arguments: the folder, the number of the first station, and that after the last one.
"""

import os
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from ocpp_transports import OCPPClient, OCPPError

from .journal import Journal
from .plan import Plan

_AT_ONCE = 20
"""Stations of this process that connect at the same time."""


class _Stations:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plan = Plan.read(folder)
        self._journal = Journal(folder, f"stations-{os.getpid()}.ran")
        self._connecting = anyio.Semaphore(_AT_ONCE)
        self._source = random.Random(os.getpid())

    async def live(self, identity: str) -> None:
        """Be connected until the end of the trial."""
        while not (self._folder / "leave").exists():
            port = self._source.choice(self._plan.ports)
            url = f"ws://127.0.0.1:{port}/ocpp"
            async with OCPPClient(identity, url, protocols=["ocpp1.6"], reconnect=False, logging=False) as client:
                client.handle("DataTransfer", partial(self._run, identity), custom=True)
                if await self._connected(client):
                    await self._stay(client)
            await anyio.sleep(self._source.uniform(0.2, 2.0))

    async def _connected(self, client: OCPPClient) -> bool:
        async with self._connecting:
            try:
                await client.connect()
            except (OCPPError, OSError):
                return False
            return True

    async def _stay(self, client: OCPPClient) -> None:
        while client.state.name == "OPEN" and not (self._folder / "leave").exists():  # noqa: ASYNC110 - files
            await anyio.sleep(0.5)

    def _run(self, identity: str, ctx: Any) -> dict[str, Any]:
        self._journal.write("ran", ctx.params["data"], identity)
        return {"status": "Accepted"}


async def main(folder: Path, first: int, end: int) -> None:
    stations = _Stations(folder)
    async with anyio.create_task_group() as tasks:
        for number in range(first, end):
            tasks.start_soon(stations.live, Plan.identity(number))


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
