"""A charging station of OCPP 1.6 that the central system can start.

    python examples/station.py [--identity CP001]
                               [--url ws://127.0.0.1:9000/ocpp]

It boots, sends heartbeats, and charges from RemoteStartTransaction to
RemoteStopTransaction. `fastapi_app.py` sends both. After a lost connection
the client reconnects. Until then, calls wait in its offline queue.
"""

import argparse
import asyncio
import sys
from contextlib import suppress
from typing import Any

from ocpp_transports import (
    HandlerContext,
    OCPPClient,
    OCPPError,
    utc_now,
)

CONNECTOR = 1
METER_INTERVAL = 10.0  # seconds between two meter values
RETRY_INTERVAL = 30  # seconds between two boots, if the CSMS names none


class Station:
    """A station with one connector."""

    def __init__(self, identity: str, url: str) -> None:
        self.client = OCPPClient(
            identity,
            url,
            protocols=["ocpp1.6"],
            strict_mode=True,
            offline_queue=True,
        )
        self.client.handle("RemoteStartTransaction", self.remote_start)
        self.client.handle("RemoteStopTransaction", self.remote_stop)
        self.meter = 0  # Wh
        self.transaction: int | None = None
        self.charging: asyncio.Task[None] | None = None
        self.unplugged = asyncio.Event()

    async def run(self) -> None:
        """Connect, boot and send heartbeats until cancelled."""
        # Leaving the block closes the connection, also after Ctrl-C.
        async with self.client, asyncio.TaskGroup() as self.tasks:
            try:
                await self.client.connect()
            except OCPPError as error:
                sys.exit(f"cannot connect: {error}")
            interval = await self.boot()
            await self.report("Available")
            while True:
                await asyncio.sleep(interval)
                # safe_call logs a failure and returns None.
                await self.client.safe_call("Heartbeat", {})

    async def boot(self) -> int:
        """Boot until the CSMS accepts. Returns the heartbeat interval."""
        vendor = {"chargePointVendor": "Acme", "chargePointModel": "One"}
        while True:
            reply = await self.client.safe_call("BootNotification", vendor)
            reply = reply or {"status": "no response", "interval": 0}
            print("boot:", reply["status"], flush=True)
            interval: int = reply["interval"] or RETRY_INTERVAL
            if reply["status"] == "Accepted":
                return interval
            await asyncio.sleep(interval)

    async def report(self, status: str) -> None:
        """Send the status of the connector to the CSMS."""
        print("connector:", status, flush=True)
        await self.client.safe_call(
            "StatusNotification",
            {
                "connectorId": CONNECTOR,
                "errorCode": "NoError",
                "status": status,
                "timestamp": utc_now(),
            },
        )

    def remote_start(self, context: HandlerContext) -> dict[str, Any]:
        """Accept, and start to charge after the response."""
        if self.charging is not None and not self.charging.done():
            return {"status": "Rejected"}
        self.unplugged.clear()
        self.charging = self.tasks.create_task(
            self.charge(context.params["idTag"])
        )
        return {"status": "Accepted"}

    def remote_stop(self, context: HandlerContext) -> dict[str, Any]:
        """End the transaction if its id matches."""
        if context.params["transactionId"] != self.transaction:
            return {"status": "Rejected"}
        self.unplugged.set()
        return {"status": "Accepted"}

    async def charge(self, card: str) -> None:
        """Charge until the transaction is stopped."""
        started = await self.client.safe_call(
            "StartTransaction",
            {
                "connectorId": CONNECTOR,
                "idTag": card,
                "meterStart": self.meter,
                "timestamp": utc_now(),
            },
        )
        if started is None:
            return  # a real station repeats this message
        self.transaction = started["transactionId"]
        if started["idTagInfo"]["status"] == "Accepted":
            await self.report("Charging")
            await self.measure()
        await self.stop(card)

    async def measure(self) -> None:
        """Send meter values until the cable is unplugged."""
        while not self.unplugged.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(METER_INTERVAL):
                    await self.unplugged.wait()
            self.meter += 50
            sample = {
                "timestamp": utc_now(),
                "sampledValue": [{"value": str(self.meter), "unit": "Wh"}],
            }
            await self.client.safe_call(
                "MeterValues",
                {
                    "connectorId": CONNECTOR,
                    "transactionId": self.transaction,
                    "meterValue": [sample],
                },
            )

    async def stop(self, card: str) -> None:
        """Report the end of the transaction."""
        await self.client.safe_call(
            "StopTransaction",
            {
                "transactionId": self.transaction,
                "idTag": card,
                "meterStop": self.meter,
                "timestamp": utc_now(),
            },
        )
        self.transaction = None
        await self.report("Available")


def main() -> None:
    """Run the station until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Charging station")
    parser.add_argument("--identity", default="CP001")
    parser.add_argument("--url", default="ws://127.0.0.1:9000/ocpp")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(Station(options.identity, options.url).run())


if __name__ == "__main__":
    main()
