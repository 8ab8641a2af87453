"""A server and a station with strict validation; test_wheel.py runs it in an empty environment."""

import asyncio
import sys
from typing import Any

from ocpp_transports import OCPPClient, OCPPServer, RPCError

NOW = "2026-01-01T00:00:00Z"


async def main(protocol: str) -> None:
    server = OCPPServer(protocols=[protocol], strict_mode=True)

    @server.handle("Heartbeat")
    def heartbeat(context: Any) -> dict[str, str]:
        return {"currentTime": NOW}

    async with server:
        listener = await server.listen(0, "127.0.0.1")
        endpoint = f"ws://127.0.0.1:{listener.port}"
        async with OCPPClient("CP001", endpoint, protocols=[protocol], strict_mode=True) as station:
            await station.connect()
            answer = await station.call("Heartbeat", {})
            assert answer == {"currentTime": NOW}, answer
            try:
                await station.call("Heartbeat", {"surplus": 1}, validate=False)  # so that the server judges it
            except RPCError as error:
                print(protocol, error.code)


asyncio.run(main(sys.argv[1]))
