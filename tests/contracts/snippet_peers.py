"""The other side for snippets that show one: `snippet_peers.py csms 9000`, `snippet_peers.py station 9000`.

The central system takes every station and answers its usual messages; the station is CP001, comes back until it is let
in, and accepts every command.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ocpp_transports import ConnectionFailedError, OCPPClient, OCPPServer

PROTOCOLS = ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]
ANSWERS: dict[str, Callable[[], dict[str, Any]]] = {
    "BootNotification": lambda: {"status": "Accepted", "currentTime": datetime.now(UTC).isoformat(), "interval": 300},
    "Heartbeat": lambda: {"currentTime": datetime.now(UTC).isoformat()},
}


async def csms(port: int) -> None:
    server = OCPPServer(protocols=PROTOCOLS)

    @server.handle
    def anything(action: str, context: Any) -> dict[str, Any]:
        return ANSWERS.get(action, dict)()

    async with server:
        await server.listen(port, "127.0.0.1")
        await asyncio.Event().wait()


async def station(port: int) -> None:
    client = OCPPClient(
        "CP001",
        f"ws://127.0.0.1:{port}",
        protocols=PROTOCOLS,
        retry_initial_connect=True,
        backoff_min=0.05,
        backoff_max=0.05,
    )

    @client.handle
    def anything(action: str, context: Any) -> dict[str, Any]:
        return {"status": "Accepted"}

    async with client:
        with suppress(ConnectionFailedError):  # it comes back by itself
            await client.connect()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run({"csms": csms, "station": station}[sys.argv[1]](int(sys.argv[2])))
