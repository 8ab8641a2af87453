"""The server made of the PyPI packages ocpp and websockets, as the documentation of ocpp shows it.

With the argument `inline` it validates in the event loop instead of a thread pool: the package's own faster setting.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import ocpp.messages
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.servers.lifeline import BOOT_ANSWER, HEARTBEAT_ANSWER, announce
from benchmarks.traffic import SUBPROTOCOL


class CentralSystem(ChargePoint):  # type: ignore[misc]  # the package has no types
    """Answers the three actions; the package checks requests and answers against their schemas."""

    @on("BootNotification")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_boot(self, **_: Any) -> Any:
        return call_result.BootNotification(
            current_time=BOOT_ANSWER["currentTime"], interval=BOOT_ANSWER["interval"], status=BOOT_ANSWER["status"]
        )

    @on("Heartbeat")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_heartbeat(self, **_: Any) -> Any:
        return call_result.Heartbeat(current_time=HEARTBEAT_ANSWER["currentTime"])

    @on("MeterValues")  # type: ignore[untyped-decorator]  # the package has no types
    def _on_meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()


async def _serve_station(connection: ServerConnection) -> None:
    assert connection.request is not None
    with suppress(ConnectionClosed):  # how its read loop ends when a station leaves
        await CentralSystem(connection.request.path.rpartition("/")[2], connection).start()


async def main() -> None:
    ocpp.messages.ASYNC_VALIDATION = "inline" not in sys.argv[1:]
    async with serve(_serve_station, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)]) as server:
        announce(next(iter(server.sockets)).getsockname()[1])
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
