"""The central system of the demo, which logs messages and commands stations."""

from collections.abc import Awaitable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import TaskGroup

from ocpp_apps.command_line import end_of_process
from ocpp_apps.csms import Csms
from ocpp_apps.csms.answers import Milestone
from ocpp_transports import OCPPError, OCPPServer, OCPPServerClient
from ocpp_transports.events import OverflowEvent, UpgradeAbortedEvent

from .log import RecordLog
from .plan import PROTOCOLS, compile_checks
from .tap import follow_station

__all__ = ["CommandingCsms", "serve"]

_MOST: Final = 1000
"""Stations that are commanded. Further stations only get responses."""
_SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "ocpp1.6": ("HeartbeatInterval", "AuthorizeRemoteTxRequests"),
    "ocpp2.0.1": ("OCPPCommCtrlr.HeartbeatInterval", "AuthCtrlr.AuthorizeRemoteStart"),
    "ocpp2.1": ("OCPPCommCtrlr.HeartbeatInterval", "AuthCtrlr.AuthorizeRemoteStart"),
}
"""A setting to read, and a setting to change: stations then authorize a remote start."""


@dataclass
class _Progress:
    """The progress of a station, kept across its connections."""

    reached: Mapping[Milestone, anyio.Event] = field(
        default_factory=lambda: {"booted": anyio.Event(), "charged": anyio.Event()}
    )
    is_commanded: bool = False


class CommandingCsms:
    """The central system, with a log, and with commands to each station when it connects first."""

    def __init__(self, log: RecordLog, *, password: str | None, strict: bool, origins: Collection[str] = ()) -> None:
        self._log = log
        self._progress: dict[str, _Progress] = {}
        self._csms = Csms(password=password, origins=origins, notify=self._reached, strict_mode=strict, warm_up=False)
        self.server: OCPPServer = self._csms.server
        self.server.on("client", self._connected)
        self.server.on("upgrade_aborted", self._refused)

    async def command_all(self, tasks: TaskGroup) -> None:
        """Command every station that connects, up to a limit."""
        async for station in self.server.events("client"):
            if isinstance(station, OverflowEvent):  # the stations that it counts are not commanded
                continue
            progress, protocol = self._progress.get(station.identity), station.protocol
            if progress is not None and protocol is not None and not progress.is_commanded:
                progress.is_commanded = True
                tasks.start_soon(self._command, station.identity, protocol, progress)

    async def _command(self, identity: str, protocol: str, progress: _Progress) -> None:
        """Read and change a setting, start a session, wait for its end, reset.

        A rejected command is visible in the log.
        """
        csms, (read, changed) = self._csms, _SETTINGS[protocol]
        await progress.reached["booted"].wait()
        await _attempt(csms.read(identity, read))
        await _attempt(csms.change(identity, changed, "true"))
        await _attempt(csms.start(identity))
        await progress.reached["charged"].wait()
        await _attempt(csms.reset(identity))

    def _reached(self, identity: str, milestone: Milestone) -> None:
        if identity in self._progress:
            self._progress[identity].reached[milestone].set()

    def _connected(self, station: OCPPServerClient) -> None:
        follow_station(station, self._log)
        if len(self._progress) < _MOST:
            self._progress.setdefault(station.identity, _Progress())

    def _refused(self, event: UpgradeAbortedEvent) -> None:
        self._log.link(event.identity or "?", "refused", f"HTTP {event.status} {event.reason}")


async def _attempt(command: Awaitable[object]) -> None:
    with suppress(OCPPError, LookupError):
        await command


async def serve(csms: CommandingCsms, log: RecordLog, *, host: str, port: int, commands: bool) -> None:
    """Serve until the process receives a signal. Raises OSError if the port is not available."""
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
