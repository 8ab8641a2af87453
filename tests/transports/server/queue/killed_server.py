"""The server that `kills.py` kills: commands in a SQLite store, and stations that come and go in the same process."""

import json
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from ocpp_transports import OCPPClient, OCPPError, OCPPServer
from ocpp_transports.outbox import SQLiteStore, Ticket

STATIONS = ("A", "B", "C")
ACCEPTED = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}
BOOT = {"chargePointModel": "M", "chargePointVendor": "V"}


def say(*words: Any) -> None:
    print(json.dumps(words), flush=True)


def station_of(number: int) -> str:
    return STATIONS[number % len(STATIONS)]


def is_repeated(number: int) -> bool:
    return number % 4 == 0


class Killed:
    def __init__(self, path: Path) -> None:
        self.server = OCPPServer(
            protocols=["ocpp1.6"], offline_queue=SQLiteStore(path, spare=0), offline_queue_size=100_000
        )
        self.server.handle("BootNotification", lambda ctx: ACCEPTED)

    async def run(self, first: int, messages: int) -> None:
        async with self.server as server, AsyncExitStack() as stack, anyio.create_task_group() as tasks:
            listener = await server.listen(0, "127.0.0.1")
            tasks.start_soon(self._tell_outcomes)
            for name in STATIONS:
                await stack.enter_async_context(_station(name, listener.port, tasks))
            for number in range(first, first + messages):
                await self._enqueue(number, tasks)
                if number == first:
                    say("ready", 0)
            for ticket in server.queued:
                await ticket.outcome()
            await server.close()

    async def _tell_outcomes(self) -> None:
        async for ticket in self.server.outcomes():
            say("settled", int(ticket.key or 0), str(await ticket.outcome()))
            if ticket.number % 2:
                ticket.acknowledge()

    async def _enqueue(self, number: int, tasks: TaskGroup) -> None:
        name = station_of(number)
        say("next", number)
        payload = {"vendorId": "V", "data": str(number)}
        ticket = self.server.enqueue(name, "DataTransfer", payload, key=str(number), resend=is_repeated(number))
        if number % 2:
            await _tell_acceptance(ticket, number)
        else:
            tasks.start_soon(_tell_acceptance, ticket, number)
        if number % 7 == 0:
            ticket.cancel()
        if number % 25 == 0 and (connection := self.server.get_client(name)) is not None:
            tasks.start_soon(lambda: connection.close(force=True))
        if number % 3 == 0:
            await anyio.sleep(0.002)


async def _tell_acceptance(ticket: Ticket, number: int) -> None:
    await ticket.accepted()
    say("accepted", number)


def _station(name: str, port: int, tasks: TaskGroup) -> OCPPClient:
    """Return a station that is connecting, and boots on its first connection."""
    station = OCPPClient(name, f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], backoff_min=0.01)

    @station.handle("DataTransfer")
    def receive(ctx: Any) -> dict[str, str]:
        say("received", int(ctx.params["data"]))
        return {"status": "Accepted"}

    async def boot() -> None:
        with suppress(OCPPError):  # the server may have closed, or the connection
            await station.connect()
            await station.call("BootNotification", BOOT)

    tasks.start_soon(boot)
    return station


if __name__ == "__main__":
    anyio.run(Killed(Path(sys.argv[1])).run, int(sys.argv[2]), int(sys.argv[3]))
