"""A connection of a charge point that a test plays."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from ocpp_transports.compat.routing import on
from ocpp_transports.compat.v16 import ChargePoint, call_result

__all__ = ["LostError", "Station", "Wire", "settled", "until"]


class LostError(Exception):
    """What `recv` and `send` raise when the connection ended."""


class Wire:
    """Has `recv` and `send`; `sent` are the messages that were sent, `answers` the payloads for requests by action."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.answers: dict[str, Any] = {}
        self._received: asyncio.Queue[Any] = asyncio.Queue()
        self._written = asyncio.Event()

    async def recv(self) -> Any:
        received = await self._received.get()
        if isinstance(received, Exception):
            raise received
        return received

    async def send(self, text: str) -> None:
        message = json.loads(text)
        self.sent.append(message)
        self._written.set()
        if message[0] == 2 and message[2] in self.answers:
            self.feed([3, message[1], self.answers[message[2]]])

    def feed(self, message: Any) -> None:
        """Let `recv` return a message, or raise an exception."""
        is_message = isinstance(message, (list, dict))
        self._received.put_nowait(json.dumps(message) if is_message else message)

    async def next(self) -> Any:
        """Return the oldest sent message, and forget it."""
        while not self.sent:
            self._written.clear()
            await self._written.wait()
        return self.sent.pop(0)


class Station(ChargePoint):
    """Handles a Reset, and what its tests need."""

    @on("Reset")
    def on_reset(self, **kwargs):
        return call_result.Reset(status="Accepted" if kwargs["type"] == "Soft" else "Rejected")


async def settled() -> None:
    """Let all tasks run until each of them waits for something that does not come by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Let all tasks run until a condition holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("expected the condition to hold")
