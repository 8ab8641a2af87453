"""A central system of ours whose stations, the clients of the cases, choose how it behaves towards them."""

from collections import defaultdict
from typing import Any

import anyio

from ocpp_transports import NOREPLY, OCPPServer, RPCError, create_rpc_error, utc_now

__all__ = ["Central"]


class Central:
    """Serves all three versions, remembers what it saw of each station, and does what a case commands.

    A DataTransfer says by its vendorId what becomes of it: `echo` answers with its data, `wait` after as many seconds,
    `hold` after `release`, `fail` with the error it names, `drop` not at all: the connection breaks; `wrong` with a
    payload against the schema.
    """

    def __init__(self, **options: Any) -> None:
        self.server = OCPPServer(
            protocols=["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], identity_characters="any", logging=False, **options
        )
        self._calls: dict[str, list[Any]] = defaultdict(list)
        self._arrivals: dict[str, list[Any]] = defaultdict(list)
        self._ends: dict[str, list[list[Any]]] = defaultdict(list)
        self._held: dict[str, list[Any]] = defaultdict(list)
        self.server.on("client", self._arrived)
        self.server.handle("BootNotification", self._boot)
        self.server.handle("Heartbeat", self._heartbeat)
        self.server.handle("DataTransfer", self._data_transfer)

    def _arrived(self, station: Any) -> None:
        handshake = station.handshake
        self._arrivals[station.identity].append(
            {
                "protocol": station.protocol,
                "offered": list(handshake.protocols),
                "path": handshake.path,
                "query": dict(handshake.query),
                "headers": dict(handshake.headers),
            }
        )
        station.on("close", lambda event: self._ends[station.identity].append([event.code, event.reason]))

    def _note(self, context: Any) -> None:
        self._calls[context.client.identity].append([context.action, dict(context.params)])

    def _boot(self, context: Any) -> dict[str, Any]:
        self._note(context)
        return {"status": "Accepted", "currentTime": utc_now(), "interval": 300}

    def _heartbeat(self, context: Any) -> dict[str, Any]:
        self._note(context)
        return {"currentTime": utc_now()}

    async def _data_transfer(self, context: Any) -> Any:
        self._note(context)
        data = context.params.get("data")
        match context.params["vendorId"]:
            case "echo":
                return {"status": "Accepted", "data": data}
            case "wait":
                await anyio.sleep(float(data))
                return {"status": "Accepted"}
            case "hold":
                self._held[context.client.identity].append(context)
                return NOREPLY
            case "fail":
                raise create_rpc_error(data, "as it was told to", {"told": True})
            case "drop":
                await context.client.close(force=True)
                return NOREPLY
            case "wrong":
                return {"status": 42}
        return {"status": "UnknownVendorId"}

    # The commands of a case

    async def drop(self, identity: str) -> None:
        """Break the station's connection without a word."""
        await (await self._station(identity)).close(force=True)

    async def close(self, identity: str, code: int, reason: str = "") -> None:
        """Close the station's connection."""
        await (await self._station(identity)).close(code, reason, await_pending=False)

    async def call(self, identity: str, action: str, params: Any = None, **options: Any) -> dict[str, Any]:
        """Call the station: `{"payload": ...}` or `{"error": code, "description": ..., "details": ...}`."""
        try:
            return {"payload": await (await self._station(identity)).call(action, params or {}, **options)}
        except RPCError as error:
            return {"error": error.code, "description": error.description, "details": error.details}

    async def call_many(self, identity: str, action: str, params: list[Any]) -> list[Any]:
        """Call the station with each of these, all at once."""
        answers: dict[int, Any] = {}

        async def one(number: int) -> None:
            answers[number] = await self.call(identity, action, params[number])

        async with anyio.create_task_group() as tasks:
            for number in range(len(params)):
                tasks.start_soon(one, number)
        return [answers[number] for number in range(len(params))]

    async def send_raw(self, identity: str, text: str) -> None:
        """Send the station a text as it is."""
        await (await self._station(identity)).send_raw(text)

    async def calls(self, identity: str) -> list[Any]:
        """Tell what the station called: each action with its payload."""
        return self._calls[identity]

    async def arrivals(self, identity: str) -> list[Any]:
        """Tell how the station connected, each time."""
        return self._arrivals[identity]

    async def end(self, identity: str) -> list[Any]:
        """Wait until the station's connection has ended; code and reason."""
        with anyio.fail_after(5):
            while not self._ends[identity]:  # noqa: ASYNC110 - the listeners fill a plain list
                await anyio.sleep(0.005)
        return self._ends[identity].pop(0)

    async def release(self, identity: str) -> None:
        """Answer what was held."""
        held, self._held[identity] = self._held[identity], []
        for context in held:
            context.reply({"status": "Accepted", "data": context.params.get("data")})

    async def _station(self, identity: str) -> Any:
        return await self.server.wait_for_client(identity, timeout=5)
