"""One history: a server, three stations, operations on them, and the end at which everything must be well."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, Final, Literal, assert_never

from ocpp_core.errors import OCPPError
from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.laboratory import World
from ocpp_transports.outbox import MessageAnswered, MessageUnknown, OutboxConfig
from ocpp_transports.recording import RecordTo

from .ledger import Figures, Ledger
from .operations import FAULTS, SILENT, Operation, random_operations

__all__ = ["History"]

STATIONS: Final = 3
OPERATIONS: Final = 40
_QUEUE: Final = OutboxConfig(gate="open", attempts=50, interval=2.0)
_PATIENCE: Final = 600.0
"""Virtual seconds until everything must be settled after the network is healed."""
_NOW: Final = "2026-01-01T00:00:00Z"


class History:
    """One history, which its seed and its operations repeat.

    Args:
        seed: The seed of the world.
        operations: The operations; None for those of the seed.
        level: What the network carries, see `World`.
        record: Where its recordings go, see `World`.
    """

    def __init__(
        self,
        seed: int,
        operations: Sequence[Operation] | None = None,
        *,
        level: Literal["bytes", "messages"] = "bytes",
        record: "RecordTo | None" = None,
    ) -> None:
        given = random_operations(seed, OPERATIONS, STATIONS) if operations is None else operations
        self.operations = tuple(each for each in given if level == "bytes" or each.kind not in SILENT)
        self._seed = seed
        self._level: Literal["bytes", "messages"] = level
        self._record = record
        self._ledger = Ledger()
        self._tasks: list[asyncio.Task[None]] = []
        self._clients: list[OCPPClient] = []
        self._server = self._make_server()
        self._lab: World

    def run(self) -> Figures:
        """Play the history and return its counts. Raises whatever went wrong."""
        with World(self._seed, level=self._level, record=self._record, end=86_400.0) as lab:
            self._lab = lab
            lab.play(self._story())
            lab.play(self._end())
            figures, counts = self._ledger.figures, lab.network.counts
            figures.connections, figures.chunks, figures.seconds = counts.connections, counts.chunks, lab.time
        return figures

    async def _story(self) -> None:
        await self._lab.server(self._server)
        self._set_conditions(Random(f"{self._seed}/conditions"))
        for number in range(STATIONS):
            await self._add_station(f"CP{number}")
        for index, operation in enumerate(self.operations):
            await self._do(operation, index)
        self._lab.heal()
        self._lab.set(refuse=False)
        await self._settle()

    def _set_conditions(self, random: Random) -> None:
        """Choose the network of this history."""
        self._lab.set(
            latency=random.choice((0.001, 0.01, 0.1)),
            jitter=random.choice((0.0, 0.02, 0.3)),
            loss=random.choice((0.0, 0.02)),
            chop=random.choice((0.0, 0.3)) if self._level == "bytes" else 0.0,
        )

    # The two sides

    def _make_server(self) -> OCPPServer:
        server = OCPPServer(protocols=["ocpp1.6"], ping_interval=20, pong_timeout=10, offline_queue=True)
        server.handle("DataTransfer", self._transfer)
        server.handle("StartTransaction", self._start)
        return server

    async def _add_station(self, identity: str) -> None:
        client = self._lab.client(
            identity,
            "ocpp1.6",
            offline_queue=True,
            offline_queue_config=_QUEUE,
            retry_initial_connect=True,
            ping_interval=20,
            pong_timeout=10,
        )
        client.handle("DataTransfer", self._transfer)
        self._clients.append(client)
        await client.connect()

    async def _transfer(self, ctx: Any) -> dict[str, Any]:
        text = ctx.params["data"]
        self._ledger.handle(text)
        await self._take_long(text)
        return {"status": "Accepted", "data": text}

    async def _start(self, ctx: Any) -> dict[str, Any]:
        text, handled = ctx.params["idTag"], self._ledger.handled
        self._ledger.handle(text)
        if handled[text] == 1:
            self._ledger.first_handled.setdefault(ctx.client.identity, []).append(text)
        await self._take_long(text)
        return {"transactionId": handled.total(), "idTagInfo": {"status": "Accepted"}}

    async def _take_long(self, text: str) -> None:
        """Sleep as long as this text says, half of them not at all; other operations do not change it."""
        seconds = Random(f"{self._seed}/{text}").uniform(-2, 2)
        if seconds > 0:
            await asyncio.sleep(seconds)

    # Operations

    async def _do(self, operation: Operation, index: int) -> None:
        station = self._clients[operation.station]
        if operation.kind in FAULTS:
            self._ledger.figures.faults += 1
        match operation.kind:
            case "call" | "command" | "enqueue" | "deliver":
                for number in range(operation.number):
                    self._begin(operation.kind, station, f"{operation.kind} {index}.{number}")
            case "cut" | "freeze" | "half_open" | "partition" | "heal":
                getattr(self._lab, operation.kind)(station.identity)
            case "refuse":
                self._lab.set(station.identity, refuse=True)
            case "wait":
                await asyncio.sleep(operation.seconds)
            case _:
                assert_never(operation.kind)
        if operation.kind == "heal":
            self._lab.set(station.identity, refuse=False)

    def _begin(self, kind: Literal["call", "command", "enqueue", "deliver"], station: OCPPClient, text: str) -> None:
        self._ledger.figures.calls += 1
        begun = {"call": self._call, "command": self._command, "enqueue": self._enqueue, "deliver": self._deliver}
        task = asyncio.get_running_loop().create_task(begun[kind](station, text))
        task.add_done_callback(_retrieve)
        self._tasks.append(task)

    async def _call(self, station: OCPPClient, text: str) -> None:
        await self._await(station.call("DataTransfer", {"vendorId": "soak", "data": text}), text)

    async def _command(self, station: OCPPClient, text: str) -> None:
        payload = {"vendorId": "soak", "data": text}
        await self._await(self._server.call(station.identity, "DataTransfer", payload), text)

    async def _await(self, call: Any, text: str) -> None:
        try:
            answer = await call
        except OCPPError as error:
            self._ledger.failed(text, error)
        else:
            self._ledger.answered(text, answer["data"])

    async def _enqueue(self, station: OCPPClient, text: str) -> None:
        self._ledger.order.setdefault(station.identity, []).append(text)
        start = {"connectorId": 1, "idTag": text, "meterStart": 0, "timestamp": _NOW}
        outcome = await station.enqueue("StartTransaction", start, key=text).outcome()
        self._ledger.figures.messages += 1
        self._ledger.check(isinstance(outcome, MessageAnswered), f"{text} ended as {outcome}")

    async def _deliver(self, station: OCPPClient, text: str) -> None:
        payload = {"vendorId": "soak", "data": text}
        outcome = await self._server.enqueue(station.identity, "DataTransfer", payload, key=text).outcome()
        was_answered = isinstance(outcome, MessageAnswered)
        may_have_run = was_answered or isinstance(outcome, MessageUnknown)
        self._ledger.delivered(text, outcome, was_answered=was_answered, may_have_run=may_have_run)

    # The end

    async def _settle(self) -> None:
        """Wait until every call has its outcome and every station is back, and check what must hold."""
        ledger = self._ledger
        if self._tasks:
            done, pending = await asyncio.wait(self._tasks, timeout=_PATIENCE)
            ledger.check(not pending, f"{len(pending)} calls have no outcome")
            for task in done:
                task.result()
        await asyncio.sleep(120)
        for client in self._clients:
            await self._check_back(client)
        ledger.check(len(self._server.clients) == STATIONS, f"the server knows {self._server.clients}")

    async def _check_back(self, client: OCPPClient) -> None:
        """Check that a station is connected, as both sides see it, and that nothing waits."""
        ledger, at_server = self._ledger, self._server.get_client(client.identity)
        ledger.check(client.state.name == "OPEN", f"{client} is not back")
        ledger.check(at_server is not None, f"{client.identity} is connected, and the server does not know it")
        ledger.check(client.pending == 0, f"{client} waits for {client.pending} calls")
        ledger.check_queue(client.identity)
        await self._call(client, f"last call {client.identity}")
        await self._command(client, f"last command {client.identity}")

    async def _end(self) -> None:
        """Close everything, and check that nothing is left."""
        await self._lab.aclose()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        self._ledger.check(not left, f"tasks are left: {left}")
        self._ledger.check(not self._lab.network.links, f"connections are left: {[*self._lab.network.links]}")


def _retrieve(task: asyncio.Task[None]) -> None:
    """Keep asyncio from logging what `_settle` raises, or does not reach because the history has failed."""
    if not task.cancelled():
        task.exception()
