"""The scenario of a station: boot, heartbeat, two invalid requests, a charging session, a reset."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from ocpp_apps.command_line import profile_of
from ocpp_apps.station import LogEntry, Station, StationSettings
from ocpp_apps.station.attempts import start_when_up
from ocpp_apps.station.schema_help import skeleton
from ocpp_transports import ConnectionLostError, OCPPClient, RPCError, UnexpectedHttpResponse, utc_now
from ocpp_transports.outbox import MemoryStore

from .plan import SAMPLES, compile_checks
from .time_lapse import TimeLapse

if TYPE_CHECKING:
    from ocpp_transports.channel import ChannelClient

__all__ = ["ScenarioError", "make_client", "perform"]

_T = TypeVar("_T")
PERIOD: Final = 0.25
"""Real seconds between two meter values. On the clock of the station they are a minute apart."""
_MINUTE: Final = 60
_MOST: Final = 10
"""Problems that are reported at the end; a central system can cause any number."""
_UNKNOWN: Final = "MakeCoffee"
_UNAUTHORIZED: Final = 401


class ScenarioError(Exception):
    """The central system did not respond as the scenario expects."""


def make_client(url: str, identity: str, *, protocol: str, password: str | None, strict: bool) -> OCPPClient:
    """Return the client of a station. Raises ValueError if the URL is invalid."""
    return OCPPClient(
        identity,
        url,
        protocols=[protocol],
        security_profile=profile_of(url, password),
        password=password,
        strict_mode=strict,
        offline_queue=MemoryStore(keep=True),
        warm_up=False,
        backoff_min=0.5,
    )


async def perform(client: "OCPPClient | ChannelClient", *, protocol: str, patience: float, wait: float = 0.0) -> None:
    """Run the scenario with a simulated station on this client, then close the client.

    Args:
        client: a client with an offline queue that nothing else uses.
        protocol: the subprotocol that the client offers.
        patience: seconds that the station waits for each command of the central system.
        wait: seconds in which the station retries if the central system is not up.

    Raises:
        ScenarioError, StationError, OCPPError: alone or in a group. ScenarioError is raised at the end if the
            central system accepted an invalid request or rejected a valid one.
    """
    await compile_checks(protocol)
    async with client, anyio.create_task_group() as tasks:
        clock = TimeLapse(tasks)
        settings = StationSettings(protocol=protocol, meter_interval=_MINUTE, reboot_seconds=0.1)
        await _Scenario(client, Station(client, clock, settings), clock, patience).run(wait)
        tasks.cancel_scope.cancel()


class _Scenario:
    """The steps of the scenario."""

    def __init__(
        self, client: "OCPPClient | ChannelClient", station: Station, clock: TimeLapse, patience: float
    ) -> None:
        self._client = client
        self._station = station
        self._clock = clock
        self._patience = patience
        self._problems: dict[str, None] = {}
        """Problems to report at the end, in order, each one once."""
        self._is_reset = False
        self._invalid: set[str | None] = set()
        """Ids of the invalid requests that the station sent."""
        station.log.watch(self._logged)

    async def run(self, wait: float) -> None:
        """Run all steps."""
        await self._start(wait)
        self._station.watch(self._changed)
        await self._online(lambda: self._client.call("Heartbeat", {}))
        await self._send_invalid("StatusNotification", self._status_without_status())
        await self._send_invalid(_UNKNOWN, {})
        await self._charge()
        await self._await_reset()
        await self._client.close(1000, "the end")
        if self._problems:
            raise ScenarioError("; ".join(self._problems))

    async def _start(self, wait: float) -> None:
        try:
            await start_when_up(self._station, self._clock, wait)
        except UnexpectedHttpResponse as error:
            hint = ": are identity and password right?" if error.status == _UNAUTHORIZED else ""
            raise ScenarioError(f"the central system rejected the connection, HTTP {error.status}{hint}") from error

    async def _send_invalid(self, action: str, payload: Mapping[str, Any]) -> None:
        """Send an invalid request, which skips the check of the client."""
        try:
            await self._online(lambda: self._client.call(action, payload, validate=False))
        except RPCError as error:
            if not error.remote:
                raise
        else:
            self._add_problem(f"expected a CALLERROR to a wrong {action}, got a CALLRESULT")

    def _status_without_status(self) -> dict[str, Any]:
        """Return a StatusNotification without its status, which every version requires."""
        payload = skeleton(self._station.protocol, "StatusNotification", "call")
        return {name: value for name, value in payload.items() if not name.lower().endswith("status")}

    async def _charge(self) -> None:
        """Charge when the central system requests it, or else as a driver. The clock runs faster."""
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
        """Send a SEND, which only OCPP 2.1 has."""
        if self._station.protocol == "ocpp2.1":
            data = [{"t": 0.0, "v": f"{energy_wh:.1f}"}]
            payload = {"id": 1, "pending": 0, "basetime": utc_now(), "data": data}
            await self._online(lambda: self._client.notify("NotifyPeriodicEventStream", payload))

    async def _await_reset(self) -> None:
        with anyio.move_on_after(self._patience):
            await self._until(lambda: self._is_reset)
        if self._is_reset:
            await self._until(lambda: self._station.boot_status == "Accepted")

    # Waiting

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds. Raises ScenarioError if the connection is closed for good."""
        while not condition():
            if not self._station.is_on:
                raise ScenarioError("cannot finish the scenario: the connection was closed for good")
            changed = anyio.Event()
            cancel = self._station.watch(changed.set)
            try:
                await changed.wait()
            finally:
                cancel()

    async def _online(self, send: Callable[[], Awaitable[_T]]) -> _T:
        """Send, and repeat after a reconnect if the connection was lost."""
        while True:
            try:
                return await send()
            except ConnectionLostError:
                await self._until(lambda: self._client.state.name == "OPEN")

    def _changed(self) -> None:
        if not self._station.boot_status:
            self._is_reset = True

    def _logged(self, entry: LogEntry) -> None:
        """Record valid requests that were rejected, and operations of the station that failed."""
        if entry.kind == "CALL" and entry.direction == "out" and entry.problem is not None:
            self._invalid.add(entry.message_id)
        elif entry.kind == "CALLERROR" and entry.direction == "in" and entry.message_id not in self._invalid:
            self._add_problem(f"expected a CALLRESULT to {entry.action}, got {entry.frame[2]}")
        elif entry.kind == "NOTE":
            self._add_problem(f"{entry.action} failed: {entry.problem}")

    def _add_problem(self, problem: str) -> None:
        if len(self._problems) < _MOST:
            self._problems[problem] = None
