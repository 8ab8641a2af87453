"""The story of a charging station: boot, heartbeat, two mistakes, a charging session, a reset."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import anyio

from ocpp_apps.command_line import profile_of
from ocpp_apps.station import LogEntry, Station, StationSettings
from ocpp_apps.station.attempts import start_when_up
from ocpp_apps.station.schema_help import skeleton
from ocpp_transports import ConnectionLostError, OCPPClient, RPCError, UnexpectedHttpResponse, utc_now
from ocpp_transports._peer._client import ClientPeer

from .plan import SAMPLES, compile_checks
from .time_lapse import TimeLapse

__all__ = ["StoryError", "make_client", "perform"]

_T = TypeVar("_T")
PERIOD: Final = 0.25
"""Seconds between two meter values; on the clock of the station it is a minute."""
_MINUTE: Final = 60
_MOST: Final = 10
"""Complaints about a central system; it may invent any number of errors."""
_UNKNOWN: Final = "MakeCoffee"
_UNAUTHORIZED: Final = 401


class StoryError(Exception):
    """The central system did not answer as the story goes."""


def make_client(url: str, identity: str, *, protocol: str, password: str | None, strict: bool) -> OCPPClient:
    """Make the client of a station. Raises ValueError for a URL that is none."""
    return OCPPClient(
        identity,
        url,
        protocols=[protocol],
        security_profile=profile_of(url, password),
        password=password,
        strict_mode=strict,
        warm_up=False,
        backoff_min=0.5,
    )


async def perform(client: ClientPeer, *, protocol: str, patience: float, wait: float = 0.0) -> None:
    """Let a simulated station live through the story on this client, which is closed afterwards.

    The station waits `patience` seconds for a command before it goes on, and `wait` seconds for a central system that
    is not up yet. Raises StoryError, StationError, and what the client raises, alone or as a group. A central system
    that takes the station's mistakes without complaint, or refuses the rest, is complained of at the end.
    """
    await compile_checks(protocol)
    async with client, anyio.create_task_group() as tasks:
        clock = TimeLapse(tasks)
        settings = StationSettings(protocol=protocol, meter_interval=_MINUTE, reboot_seconds=0.1)
        await _Scenario(client, Station(client, clock, settings), clock, patience).run(wait)
        tasks.cancel_scope.cancel()


class _Scenario:
    """The steps of the story."""

    def __init__(self, client: ClientPeer, station: Station, clock: TimeLapse, patience: float) -> None:
        self._client = client
        self._station = station
        self._clock = clock
        self._patience = patience
        self._surprises: dict[str, None] = {}
        """What there is to complain of, in order; it may happen many times."""
        self._is_reset = False
        self._mistakes: set[str | None] = set()
        """The ids of the messages that the central system has to refuse."""
        station.log.watch(self._logged)

    async def run(self, wait: float) -> None:
        """Go through all steps."""
        await self._start(wait)
        self._station.watch(self._changed)
        await self._online(lambda: self._client.call("Heartbeat", {}))
        await self._make_mistake("StatusNotification", self._status_without_status())
        await self._make_mistake(_UNKNOWN, {})
        await self._charge()
        await self._await_reset()
        await self._client.close(1000, "the end")
        if self._surprises:
            raise StoryError("; ".join(self._surprises))

    async def _start(self, wait: float) -> None:
        try:
            await start_when_up(self._station, self._clock, wait)
        except UnexpectedHttpResponse as error:
            hint = ": are identity and password right?" if error.status == _UNAUTHORIZED else ""
            raise StoryError(f"the central system refused the connection, HTTP {error.status}{hint}") from error

    async def _make_mistake(self, action: str, payload: Mapping[str, Any]) -> None:
        """Send what the central system has to refuse, past our own strict mode."""
        try:
            await self._online(lambda: self._client.call(action, payload, validate=False))
        except RPCError as error:
            if not error.remote:
                raise
        else:
            self._complain(f"expected a CALLERROR to a wrong {action}, got a CALLRESULT")

    def _status_without_status(self) -> dict[str, Any]:
        """Make a StatusNotification that lacks a member which the schemas of every version require."""
        payload = skeleton(self._station.protocol, "StatusNotification", "call")
        return {name: value for name, value in payload.items() if not name.lower().endswith("status")}

    async def _charge(self) -> None:
        """Charge where the central system wants it, or else as a driver does; a minute passes in a moment."""
        station, (connector,) = self._station, self._station.connectors
        self._clock.speed = _MINUTE / PERIOD
        await station.plug_in(1)
        with anyio.move_on_after(self._patience):
            await self._until(lambda: connector.transaction is not None)
        if connector.transaction is None:
            await station.begin(1)
        await self._stream(connector.energy_wh)
        await self._until(lambda: connector.transaction is None or len(connector.transaction.samples) > SAMPLES)
        await station.unplug(1)
        await self._until(lambda: not station.queued)
        self._clock.speed = 1.0

    async def _stream(self, energy_wh: float) -> None:
        """Send the one SEND that OCPP has, new in 2.1; no queue keeps it."""
        if self._station.protocol == "ocpp2.1":
            data = [{"t": 0.0, "v": f"{energy_wh:.1f}"}]
            payload = {"id": 1, "pending": 0, "basetime": utc_now(), "data": data}
            await self._online(lambda: self._client.notify("NotifyPeriodicEventStream", payload))

    async def _await_reset(self) -> None:
        with anyio.move_on_after(self._patience):
            await self._until(lambda: self._is_reset)
        if self._is_reset:
            await self._until(lambda: self._station.boot_status == "Accepted")

    # What happens meanwhile

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for it. Raises StoryError if the connection is closed for good."""
        while not condition():
            if not self._station.is_on:
                raise StoryError("the connection was closed for good before the end of the story")
            changed = anyio.Event()
            cancel = self._station.watch(changed.set)
            try:
                await changed.wait()
            finally:
                cancel()

    async def _online(self, send: Callable[[], Awaitable[_T]]) -> _T:
        """Send what no queue keeps; again if the connection is lost meanwhile."""
        while True:
            try:
                return await send()
            except ConnectionLostError:
                await self._until(lambda: self._client.state.name == "OPEN")

    def _changed(self) -> None:
        if not self._station.boot_status:
            self._is_reset = True

    def _logged(self, entry: LogEntry) -> None:
        """Take note of what the central system refuses though it is right, and of what the station could not do."""
        if entry.kind == "CALL" and entry.direction == "out" and entry.problem is not None:
            self._mistakes.add(entry.message_id)
        elif entry.kind == "CALLERROR" and entry.direction == "in" and entry.message_id not in self._mistakes:
            self._complain(f"expected a CALLRESULT to {entry.action}, got {entry.frame[2]}")
        elif entry.kind == "NOTE":
            self._complain(f"{entry.action} failed: {entry.problem}")

    def _complain(self, surprise: str) -> None:
        if len(self._surprises) < _MOST:
            self._surprises[surprise] = None
