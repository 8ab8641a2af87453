"""A central system that prints how many messages pass, with an observer.

    python examples/message_rate.py [--host 127.0.0.1] [--port 9000]
                                    [--interval 60]

An observer receives the events of all connections of a server, without a
listener on any station. This one counts and prints a line per minute. A
real system passes the numbers to its metrics.
"""

import argparse
import asyncio
from typing import Any

from ocpp_transports import (
    HandlerContext,
    OCPPServer,
    OCPPServerClient,
    utc_now,
)
from ocpp_transports.events import (
    BadMessageEvent,
    CloseEvent,
    ConnectionEvent,
    MessageEvent,
    OpenEvent,
    UpgradeAbortedEvent,
)


class MessageRate:
    """Counts since the last line."""

    def __init__(self) -> None:
        self.stations = 0  # connected now
        self.clear()

    def clear(self) -> None:
        """Reset the counts, except that of connected stations."""
        self.messages = self.broken = self.refused = 0
        self.slowest = 0.0  # seconds from a CALL to its response

    def __call__(
        self, event: ConnectionEvent, client: OCPPServerClient | None
    ) -> None:
        """Count an event. `client` is None if the station is rejected."""
        match event:
            case OpenEvent():
                self.stations += 1
            case CloseEvent():
                self.stations -= 1
            case MessageEvent():
                self.messages += 1
                self.slowest = max(self.slowest, event.latency or 0.0)
            case BadMessageEvent():
                self.broken += 1
            case UpgradeAbortedEvent():
                self.refused += 1

    def line(self) -> str:
        """Return the counts as a line, and reset them."""
        line = (
            f"{self.stations} stations, {self.messages} messages, "
            f"{self.broken} broken, {self.refused} refused, "
            f"slowest response {self.slowest * 1000:.0f} ms"
        )
        self.clear()
        return line


async def report(rate: MessageRate, interval: float) -> None:
    """Print a line every `interval` seconds."""
    while True:
        await asyncio.sleep(interval)
        print(rate.line(), flush=True)


def boot(context: HandlerContext) -> dict[str, Any]:
    """Accept the station. It sends a Heartbeat every 300 seconds."""
    now = utc_now()
    return {"status": "Accepted", "currentTime": now, "interval": 300}


async def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description="Count messages")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--interval", type=float, default=60.0)
    options = parser.parse_args()

    server = OCPPServer()
    server.handle("BootNotification", boot)
    server.handle(lambda action, context: {})  # everything else
    rate = MessageRate()
    server.observe(rate)
    reporting = asyncio.create_task(report(rate, options.interval))
    await server.serve_forever(options.port, options.host)
    reporting.cancel()


if __name__ == "__main__":
    asyncio.run(main())
