"""The central system of the demo: it tells what passes and, where told to, commands every station that connects."""

from collections.abc import Awaitable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import TaskGroup

from ocpp_apps.command_line import end_of_process
from ocpp_apps.csms import Csms
from ocpp_apps.csms.answers import Milestone
from ocpp_transports import OCPPError, OCPPServerClient
from ocpp_transports.events import UpgradeAbortedEvent

from .log import Log
from .plan import PROTOCOLS, compile_checks
from .tap import follow_station

__all__ = ["CommandingCsms", "serve"]

_MOST: Final = 1000
"""Stations that are remembered, and commanded; further ones are only answered."""
_SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "ocpp1.6": ("HeartbeatInterval", "AuthorizeRemoteTxRequests"),
    "ocpp2.0.1": ("OCPPCommCtrlr.HeartbeatInterval", "AuthCtrlr.AuthorizeRemoteStart"),
    "ocpp2.1": ("OCPPCommCtrlr.HeartbeatInterval", "AuthCtrlr.AuthorizeRemoteStart"),
}
"""A setting that is read, and one that is switched on: the station then asks whether who is started may charge."""


@dataclass
class _Visit:
    """What the commands to a station wait for; it outlives the connection."""

    reached: Mapping[Milestone, anyio.Event] = field(
        default_factory=lambda: {"booted": anyio.Event(), "charged": anyio.Event()}
    )
    is_commanded: bool = False


class CommandingCsms:
    """The central system, its log, and its commands to each station: the first time that it connects."""

    def __init__(self, log: Log, *, password: str | None, strict: bool, origins: Collection[str] = ()) -> None:
        self._log = log
        self._visits: dict[str, _Visit] = {}
        self._csms = Csms(password=password, origins=origins, notify=self._reached, strict_mode=strict, warm_up=False)
        self.server = self._csms.server
        self.server.on("client", self._connected)
        self.server.on("upgrade_aborted", self._refused)

    async def command_all(self, tasks: TaskGroup) -> None:
        """Command every station that connects, as far as they can be remembered."""
        async for station in self.server.events("client"):
            visit = self._visits.get(station.identity)
            if visit is not None and not visit.is_commanded:
                visit.is_commanded = True
                tasks.start_soon(self._command, station.identity, station.protocol, visit)

    async def _command(self, identity: str, protocol: str, visit: _Visit) -> None:
        """Read and change a setting, start a session, wait for its end, reset. What is refused shows in the log."""
        csms, (read, changed) = self._csms, _SETTINGS[protocol]
        await visit.reached["booted"].wait()
        await _attempt(csms.read(identity, read))
        await _attempt(csms.change(identity, changed, "true"))
        await _attempt(csms.start(identity))
        await visit.reached["charged"].wait()
        await _attempt(csms.reset(identity))

    def _reached(self, identity: str, milestone: Milestone) -> None:
        if identity in self._visits:
            self._visits[identity].reached[milestone].set()

    def _connected(self, station: OCPPServerClient) -> None:
        follow_station(station, self._log)
        if len(self._visits) < _MOST:
            self._visits.setdefault(station.identity, _Visit())

    def _refused(self, event: UpgradeAbortedEvent) -> None:
        self._log.link(event.identity or "?", "refused", f"HTTP {event.status} {event.reason}")


async def _attempt(command: Awaitable[object]) -> None:
    with suppress(OCPPError, LookupError):
        await command


async def serve(csms: CommandingCsms, log: Log, *, host: str, port: int, commands: bool) -> None:
    """Serve until the process is asked to end. Raises OSError where the port cannot be had."""
    await compile_checks(*PROTOCOLS)
    async with csms.server:
        listener = await csms.server.listen(port, host)
        with end_of_process() as asked_to_end:
            log.listening(f"ws://{listener.host}:{listener.port}")
            async with anyio.create_task_group() as tasks:
                if commands:
                    tasks.start_soon(csms.command_all, tasks)
                await asked_to_end()
                tasks.cancel_scope.cancel()
