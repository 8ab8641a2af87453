"""The server of this library, in strict mode.

python benchmarks/servers/ours.py asyncio|uvloop|trio
"""

import asyncio
import sys
from typing import Any

import anyio

from benchmarks.servers.lifeline import BOOT_ANSWER, HEARTBEAT_ANSWER, announce
from benchmarks.traffic import SUBPROTOCOL
from ocpp_transports import HandlerContext, OCPPServer


def on_boot(_: HandlerContext) -> dict[str, Any]:
    return BOOT_ANSWER


def on_heartbeat(_: HandlerContext) -> dict[str, Any]:
    return HEARTBEAT_ANSWER


def on_meter_values(_: HandlerContext) -> dict[str, Any]:
    return {}


async def main() -> None:
    server = OCPPServer(protocols=[SUBPROTOCOL], strict_mode=True)
    server.handle("BootNotification", on_boot)
    server.handle("Heartbeat", on_heartbeat)
    server.handle("MeterValues", on_meter_values)
    async with server:
        listener = await server.listen(0, "127.0.0.1")
        announce(listener.port)
        await anyio.sleep_forever()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["asyncio"]:
            asyncio.run(main())
        case ["uvloop"]:
            import uvloop

            uvloop.run(main())
        case ["trio"]:
            import trio

            trio.run(main)
        case _:
            sys.exit(__doc__)
