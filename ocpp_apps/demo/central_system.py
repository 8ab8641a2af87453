"""The central system: answers every station and, where told to, commands it: settings, remote start, reset."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from ocpp_apps.command_line import end_of_process
from ocpp_apps.origins import refuse_foreign_pages
from ocpp_transports import HandlerContext, OCPPServer, OCPPServerClient, SecurityProfile, utc_now
from ocpp_transports.events import CloseEvent, UpgradeAbortedEvent

from .dialects import PROTOCOLS, compile_checks, dialect_of
from .log import TO_STATION, Log
from .tap import Tap

__all__ = ["CentralSystem", "serve"]

_HEARTBEAT_INTERVAL: Final = 300
_MOST_STATIONS: Final = 1000
"""Stations that are remembered, and commanded; further ones are only answered."""
_UNREMARKABLE: Final = (
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "MeterValues",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyPeriodicEventStream",
    "NotifyReport",
    "SecurityEventNotification",
    "StatusNotification",
)
"""What is answered by `{}`, or is a SEND and not answered at all."""


@dataclass(frozen=True)
class Visit:
    """What the commands to a station wait for; it outlives the connection."""

    booted: anyio.Event = field(default_factory=anyio.Event)
    charged: anyio.Event = field(default_factory=anyio.Event)


class CentralSystem:
    """A server for stations of every version, all with the same password; without one, any station may come in.

    Web pages may, if this machine has served them or they are of one of these `origins`.
    """

    def __init__(self, log: Log, *, password: str | None, strict: bool, origins: Collection[str] = ()) -> None:
        self._log = log
        self._visits: dict[str, Visit] = {}
        self._commanded: set[str] = set()
        self._transactions = count(1)
        self.server = OCPPServer(
            protocols=PROTOCOLS,
            strict_mode=strict,
            warm_up=False,
            security_profile=SecurityProfile.NONE if password is None else SecurityProfile.BASIC,
            credentials=None if password is None else lambda _: password,
        )
        refuse_foreign_pages(self.server, origins)
        self.server.on("client", self._connected)
        self.server.on("upgrade_aborted", self._refused)
        self._add_handlers()

    def _add_handlers(self) -> None:
        handle = self.server.handle
        handle("BootNotification", self._boot)
        handle("Heartbeat", lambda _: {"currentTime": utc_now()})
        handle("ocpp1.6", "Authorize", lambda _: {"idTagInfo": {"status": "Accepted"}})
        handle("ocpp1.6", "StartTransaction", self._start_transaction)
        handle("ocpp1.6", "StopTransaction", self._stop_transaction)
        handle("Authorize", lambda _: {"idTokenInfo": {"status": "Accepted"}})
        handle("TransactionEvent", self._transaction_event)
        for action in _UNREMARKABLE:
            handle(action, lambda _: {})

    # What stations say

    def _boot(self, context: HandlerContext) -> Mapping[str, Any]:
        self._visit(context.client.identity).booted.set()
        return {"status": "Accepted", "currentTime": utc_now(), "interval": _HEARTBEAT_INTERVAL}

    def _start_transaction(self, _: HandlerContext) -> Mapping[str, Any]:
        return {"transactionId": next(self._transactions), "idTagInfo": {"status": "Accepted"}}

    def _stop_transaction(self, context: HandlerContext) -> Mapping[str, Any]:
        self._visit(context.client.identity).charged.set()
        return {"idTagInfo": {"status": "Accepted"}}

    def _transaction_event(self, context: HandlerContext) -> Mapping[str, Any]:
        if context.params["eventType"] == "Ended":
            self._visit(context.client.identity).charged.set()
        return {}

    def _visit(self, identity: str) -> Visit:
        """Give the visit of a station; beyond the most stations it is not remembered."""
        if identity not in self._visits and len(self._visits) < _MOST_STATIONS:
            self._visits[identity] = Visit()
        return self._visits.get(identity) or Visit()

    # What is told to them

    async def command_all(self, tasks: TaskGroup) -> None:
        """Command every station that comes, once, as far as they are remembered."""
        async for station in self.server.events("client"):
            if station.identity not in self._commanded and len(self._commanded) < _MOST_STATIONS:
                self._commanded.add(station.identity)
                tasks.start_soon(self._command, station.identity, station.protocol)

    async def _command(self, identity: str, protocol: str) -> None:
        """Read and change a setting, start a session, wait for its end, reset. What is refused shows in the log."""
        dialect, visit = dialect_of(protocol), self._visit(identity)
        await visit.booted.wait()
        for action, params in (dialect.read(), dialect.change("120"), dialect.start()):
            await self.server.safe_call(identity, action, params)
        await visit.charged.wait()
        await self.server.safe_call(identity, *dialect.reset())

    # What the log tells

    def _connected(self, station: OCPPServerClient) -> None:
        self._log.link(station.identity, "connected", f"{station.protocol} from {station.handshake.remote_address}")
        station.on("message", Tap(self._log, station.identity, TO_STATION))

        @station.on("close")
        def gone(event: CloseEvent) -> None:
            self._log.link(station.identity, "gone", f"{event.code} {event.reason}")

    def _refused(self, event: UpgradeAbortedEvent) -> None:
        self._log.link(event.identity or "?", "refused", f"HTTP {event.status} {event.reason}")


async def serve(system: CentralSystem, log: Log, *, host: str, port: int, commands: bool) -> None:
    """Serve until the process is asked to end. Raises OSError where the port cannot be had."""
    await compile_checks(*PROTOCOLS)
    async with system.server:
        listener = await system.server.listen(port, host)
        with end_of_process() as asked_to_end:
            log.listening(f"ws://{listener.host}:{listener.port}")
            async with anyio.create_task_group() as tasks:
                if commands:
                    tasks.start_soon(system.command_all, tasks)
                await asked_to_end()
                tasks.cancel_scope.cancel()
